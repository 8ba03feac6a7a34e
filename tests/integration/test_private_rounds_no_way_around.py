"""No switch takes the noise away: no dry run, no noiseless mode, in what a client calls or sets.

A study without noise is another study, with a manifest that says so and that everybody signed.
"""

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from blindsum_client import Client
from blindsum_client.encode import encode_units
from blindsum_client.settings import ClientSettings
from blindsum_rules.codec import units

ROOT: Final = Path(__file__).resolve().parents[2]
SWITCH: Final = re.compile(
    r"(?<![a-z])(dry|no_?noise|noise|noisy|noiseless|quiet|silent|simulated?|fake|mock|debug|test|"
    r"testing|unsafe|insecure|skip|disabled?|without|bypass|private|dp)(?![a-z])"
)
OPTION: Final = re.compile(r"--[a-z-]+(/--[a-z-]+)?|BLINDSUM_[A-Z_]*")
SEARCHED: Final = (
    "client/blindsum_client/**/*.py",
    "rules/blindsum_rules/codec/*.py",
    "cli/blindsum_cli/client*.py",
)


def names_that_somebody_sets(source: str) -> Iterator[str]:
    """Parameters, declared fields, options of commands, and variables of the environment."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            arguments = node.args
            every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
            yield from (one.arg for one in every)
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield node.target.id
        elif isinstance(node, ast.Constant) and OPTION.fullmatch(str(node.value)):
            yield str(node.value)


def switches(source: str) -> list[str]:
    """Of these names, those that could take noise away."""
    names = names_that_somebody_sets(source)
    return [name for name in names if SWITCH.search(name.lower().replace("_", " "))]


def test_nothing_that_a_client_calls_or_sets_takes_noise_away() -> None:
    files = [path for pattern in SEARCHED for path in ROOT.glob(pattern)]

    found = {str(path): switches(path.read_text(encoding="utf-8")) for path in files}

    assert len(files) > 30
    assert {path: names for path, names in found.items() if names} == {}


@pytest.mark.parametrize(
    "source",
    [
        "def encode_units(batches, *, dry_run=False): ...",
        "def encode(update, noise=True): ...",
        "async def contribute(round_, without_noise): ...",
        "class Settings:\n    skip_noise: bool = False",
        "option('--no-noise')",
        "option('--private/--not-private')",
        "environ['BLINDSUM_DRY_RUN']",
        "add = lambda values, debug: values",
    ],
)
def test_the_control_that_a_switch_is_found(source: str) -> None:
    assert len(switches(source)) == 1


def test_who_makes_private_integers_is_asked_for_units_round_and_study_and_nothing_else() -> None:
    def names(of: object) -> list[str]:
        assert callable(of)
        return list(inspect.signature(of).parameters)

    assert names(Client.encode_units) == ["self", "round", "batches"]
    assert names(encode_units) == ["batches", "basis", "manifest", "randomness"]
    assert names(units.encode_units) == ["batches", "codec", "randomness"]


def test_no_variable_of_the_environment_and_no_setting_is_about_noise() -> None:
    assert not [name for name in ClientSettings.model_fields if SWITCH.search(name)]
