"""The walls of the house: what a role has loaded, what the linter allows, how long files are."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROLES = ("client", "aggregator", "custodian", "auditor")
LONGEST_FILE = 300


def modules_loaded_by(*imports: str) -> set[str]:
    program = f"import sys, {', '.join(imports)}\nprint('\\n'.join(sys.modules))"
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return set(run.stdout.split())


def every_module_of(package: str) -> list[str]:
    root = ROOT / package.removeprefix("blindsum_") / package
    return sorted(
        ".".join((package, *path.relative_to(root).with_suffix("").parts))
        for path in root.rglob("*.py")
        if path.name not in {"__init__.py", "__main__.py"}
    )


@pytest.mark.slow
@pytest.mark.parametrize("role", ROLES)
def test_a_role_with_all_its_modules_loads_no_other_role(role: str) -> None:
    loaded = modules_loaded_by(*every_module_of(f"blindsum_{role}"))

    others = {f"blindsum_{other}" for other in (*ROLES, "cli") if other != role}
    assert not {name for name in loaded if name.split(".")[0] in others}
    assert f"blindsum_{role}" in loaded


@pytest.mark.slow
def test_a_custodian_with_all_its_modules_never_loads_tenseal_or_an_opener() -> None:
    loaded = modules_loaded_by(*every_module_of("blindsum_custodian"))

    assert not {name for name in loaded if name.split(".")[0] in {"tenseal", "torch"}}
    assert not loaded & {
        "blindsum_crypto.ckks.ring",
        "blindsum_crypto.ckks.sealing",
        "blindsum_crypto.ckks.opening",
    }


@pytest.mark.slow
def test_the_control_that_a_client_which_seals_does_load_tenseal() -> None:
    assert "tenseal" in modules_loaded_by("blindsum_crypto.ckks.sealing")


@pytest.mark.slow
def test_no_role_needs_torch_and_the_mathematics_knows_no_network() -> None:
    loaded = modules_loaded_by(
        *(module for role in ROLES for module in every_module_of(f"blindsum_{role}"))
    )
    assert "torch" not in loaded

    crypto = modules_loaded_by(*every_module_of("blindsum_crypto"))
    assert not {name for name in crypto if name.split(".")[0] in {"grpc", "pydantic", "google"}}


@pytest.mark.slow
def test_the_import_contracts_hold() -> None:
    linter = Path(sys.executable).with_name("lint-imports")

    run = subprocess.run([linter], cwd=ROOT, capture_output=True, text=True, check=False)

    assert run.returncode == 0, run.stdout


def test_no_source_file_is_longer_than_three_hundred_lines() -> None:
    tracked = subprocess.run(
        ["git", "ls-files", "*.py"],  # noqa: S607
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    sources = [path for path in tracked if "_pb2" not in path and (ROOT / path).exists()]

    too_long = {
        path: lines
        for path in sources
        if (lines := len((ROOT / path).read_text(encoding="utf-8").splitlines())) > LONGEST_FILE
    }

    assert len(sources) > 50
    assert not too_long


def test_only_two_files_name_the_crypto_libraries_and_only_one_folder_names_tenseal() -> None:
    crypto_importers = set()
    tenseal_importers = set()
    for package in (
        "aggregator",
        "auditor",
        "cli",
        "client",
        "crypto",
        "custodian",
        "protos",
        "rules",
    ):
        for path in (ROOT / package).rglob("*.py"):
            text = path.read_text(encoding="utf-8")
            name = str(path.relative_to(ROOT))
            if (
                "from Crypto" in text
                or "from cryptography" in text
                or "import cryptography" in text
            ):
                crypto_importers.add(name)
            if "import tenseal" in text or "from tenseal" in text:
                tenseal_importers.add(str(path.relative_to(ROOT).parent))

    assert crypto_importers == {
        "crypto/blindsum_crypto/at_rest.py",
        "crypto/blindsum_crypto/keystream.py",
        "crypto/blindsum_crypto/primitives.py",
        "crypto/blindsum_crypto/tls.py",
    }
    assert tenseal_importers == {"crypto/blindsum_crypto/ckks"}


def test_generated_wire_code_is_imported_at_the_doors_only() -> None:
    doors = (
        "convert/",
        "calling.py",
        "transport.py",
        "service",
        "duties",
        "blindsum_aggregator/server.py",
        "/calls.py",
        "blindsum_protos/v1/",
    )
    strangers = [
        str(path.relative_to(ROOT))
        for package in (
            "aggregator",
            "auditor",
            "cli",
            "client",
            "custodian",
            "protos",
            "rules",
            "crypto",
        )
        for path in (ROOT / package).rglob("*.py")
        if "_pb2" in path.read_text(encoding="utf-8") and path.name != "generate.py"
        if not any(door in str(path) for door in doors)
    ]

    assert not strangers
