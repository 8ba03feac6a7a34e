"""The private demo's clients as processes; aggregator and custodians are those of any study."""

from typing import Final

from blindsum_cli.demo.private.quality import SEALED_SPLIT
from blindsum_cli.demo.processes import Processes
from blindsum_cli.demo.roles import hospital_arguments
from blindsum_cli.demo.study_setup import DemoSetup

_HOSPITAL: Final = "blindsum_cli.demo.private.hospital"


def start_private_hospital(
    processes: Processes, setup: DemoSetup, hospital: str, address: str, seed: int
) -> None:
    """Start the client of a hospital in the private study; it dials out.

    Args:
        processes: Where it runs.
        setup: The study.
        hospital: Which.
        address: "host:port" of the aggregator.
        seed: Which ten splits, the first of which it trains on.
    """
    arguments = hospital_arguments(setup, hospital, address)
    arguments += ["--seed", str(seed), "--split", str(SEALED_SPLIT)]
    processes.start(hospital, _HOSPITAL, arguments)
