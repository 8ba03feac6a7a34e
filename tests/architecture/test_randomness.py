"""Threat T22: whoever seals, signs or keeps keys draws from one place; no other generator is named.

A mask from `random` or `numpy.random` looks like any other and is predicted by whoever saw enough
of the generator. So the linter bans both, and here it is held to that, and the sources to what it
sees: a suppressed warning is one that stands in this file.
"""

import ast
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("aggregator", "auditor", "cli", "client", "crypto", "custodian", "protos", "rules")

GENERATORS = {"random", "secrets", "uuid", "os.urandom", "os.getrandom", "numpy.random", "torch"}
"""Modules and calls from which random numbers could come; of torch only what is named random."""

ALLOWED = {
    "crypto/blindsum_crypto/randomness.py": {"secrets"},
    # The passphrase of a demo's key files, and the splits of a demo's table, which are published.
    "cli/blindsum_cli/demo/study_setup.py": {"secrets"},
    "cli/blindsum_cli/demo/heart_disease.py": {"numpy.random"},
}


def names_in(tree: ast.AST) -> set[str]:
    """Every dotted name that a module imports, or takes of something that it imported."""
    called: dict[str, str] = {}
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for name in node.names:
                called[name.asname or name.name.split(".")[0]] = (
                    name.name if name.asname else name.name.split(".")[0]
                )
                found.add(name.name)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found.update(f"{node.module}.{name.name}" for name in node.names)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            found.add(f"{called.get(node.value.id, '?')}.{node.attr}")
    return found


def generators_in(source: str) -> set[str]:
    names = names_in(ast.parse(source))
    direct = {one for one in GENERATORS - {"torch"} if any(_under(name, one) for name in names)}
    return direct | {name for name in names if name.startswith("torch.") and "rand" in name}


def _under(name: str, module: str) -> bool:
    return name == module or name.startswith(f"{module}.")


def test_the_operating_systems_generator_is_named_in_one_place_and_no_other_anywhere() -> None:
    found = defaultdict(set)
    files = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    for path in files:
        for generator in generators_in(path.read_text(encoding="utf-8")):
            found[path.relative_to(ROOT).as_posix()].add(generator)

    assert len(files) > 200
    assert found == ALLOWED


@pytest.mark.parametrize(
    "source",
    [
        "import random",
        "from random import randbytes",
        "import numpy as np\nmask = np.random.default_rng(1)",
        "from numpy import random",
        "import numpy.random as drawn",
        "import os\nseed = os.urandom(4)",
        "import uuid",
        "import torch\nnoise = torch.randn(3)",
    ],
)
def test_the_control_that_another_generator_is_seen(source: str) -> None:
    assert generators_in(source)
    assert not generators_in(
        "import numpy as np\nfrom blindsum_crypto import randomness\nnp.sum(1)"
    )


@pytest.mark.parametrize("package", PACKAGES)
@pytest.mark.parametrize(
    "source",
    ["import random\n\nprint(random)\n", "import numpy as np\n\nnp.random.seed(1)\n"],
    ids=["random", "numpy.random"],
)
def test_the_linter_bans_other_generators_in_every_package(package: str, source: str) -> None:
    path = f"{package}/blindsum_{package}/drawn.py"
    assert "TID251" in lint(path, source)


def test_the_control_that_the_linter_says_nothing_of_the_one_that_is_allowed() -> None:
    assert "TID251" not in lint("crypto/blindsum_crypto/drawn.py", "import secrets\n")


def lint(path: str, source: str) -> str:
    """What the project's own linter, by its own settings, says of a file with this text."""
    ruff = Path(sys.executable).with_name("ruff")
    run = subprocess.run(
        [ruff, "check", "--no-cache", "--stdin-filename", path, "-"],
        input=source,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode in (0, 1), run.stderr
    return run.stdout
