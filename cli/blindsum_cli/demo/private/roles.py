"""The private demo's clients as processes; aggregator and custodians are those of any study."""

from pathlib import Path
from typing import Final

from blindsum_cli.demo.private.quality import SEALED_SPLIT
from blindsum_cli.demo.processes import Processes
from blindsum_cli.demo.roles import keys_of, studies_of
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
    places = setup.places
    party = places.client(hospital)
    arguments: list[str | Path] = [hospital]
    arguments += studies_of(setup)
    arguments += keys_of(party)
    arguments += ["--aggregator", address, "--state", party.state]
    arguments += ["--initial-model", places.initial_model]
    arguments += ["--harness", places.harness]
    arguments += ["--seed", str(seed), "--split", str(SEALED_SPLIT)]
    processes.start(hospital, _HOSPITAL, arguments)
