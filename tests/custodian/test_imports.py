"""A custodian's process never loads what seals, opens or knows a vector."""

import subprocess
import sys
from pathlib import Path

import pytest

import blindsum_custodian

LIST_MODULES = """
import importlib, pkgutil, sys
import blindsum_custodian
for found in pkgutil.walk_packages(blindsum_custodian.__path__, "blindsum_custodian."):
    importlib.import_module(found.name)
print("\\n".join(sys.modules))
"""


@pytest.mark.slow
def test_a_custodian_loads_no_tenseal_no_sealing_and_no_opening() -> None:
    run = subprocess.run(
        [sys.executable, "-c", LIST_MODULES], capture_output=True, text=True, check=True
    )
    loaded = set(run.stdout.split())
    # The walk loaded the whole package, the loop and the seal's own half included.
    assert {"blindsum_custodian.attend", "blindsum_crypto.ckks.releasing"} <= loaded
    assert "tenseal" not in loaded
    forbidden = {f"blindsum_crypto.ckks.{name}" for name in ("ring", "sealing", "opening")}
    assert not forbidden & loaded
    others = {"blindsum_aggregator", "blindsum_client", "blindsum_auditor", "blindsum_cli", "torch"}
    assert not others & {name.partition(".")[0] for name in loaded}


def test_generated_messages_are_named_at_the_door_alone() -> None:
    folder = Path(str(blindsum_custodian.__file__)).parent
    naming = {path.name for path in folder.rglob("*.py") if "_pb2" in path.read_text()}
    assert naming == {"duties.py"}
