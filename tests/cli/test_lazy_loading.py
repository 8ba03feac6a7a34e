"""A command loads its role only when it runs: a custodian's process never loads TenSEAL."""

import subprocess
import sys

import pytest


def loaded_after(program: str) -> set[str]:
    ran = subprocess.run(
        [sys.executable, "-c", f"{program}\nimport sys; print('\\n'.join(sys.modules))"],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(ran.stdout.split())


@pytest.mark.slow
def test_the_command_line_alone_loads_neither_tenseal_nor_torch_nor_a_role() -> None:
    loaded = loaded_after("import blindsum_cli.main")

    heavy = {"tenseal", "torch"}
    roles = {"blindsum_client", "blindsum_aggregator", "blindsum_custodian"}
    assert not {name.split(".")[0] for name in loaded} & (heavy | roles)


@pytest.mark.slow
def test_what_custodian_attend_runs_never_loads_tenseal() -> None:
    loaded = loaded_after("import blindsum_cli.main\nimport blindsum_custodian.attend")

    assert "blindsum_custodian.attend" in loaded
    assert "tenseal" not in {name.split(".")[0] for name in loaded}


@pytest.mark.slow
def test_the_control_that_the_client_of_the_demo_does_load_both() -> None:
    loaded = loaded_after("import blindsum_cli.demo.hospital")

    assert {"tenseal", "torch"} <= {name.split(".")[0] for name in loaded}
