"""The nine processes of the demo: one aggregator, and in each hospital a custodian and a client.

Each of them serves all studies of the demo. Aggregator and custodians are started by the very
commands that a study's people would type.
"""

from pathlib import Path
from typing import Final

from blindsum_cli.demo.harness import Harness
from blindsum_cli.demo.hospital import NOBODY_HELD
from blindsum_cli.demo.places import AGGREGATOR, Party, custodian_of
from blindsum_cli.demo.processes import Processes
from blindsum_cli.demo.study_setup import DemoSetup, DemoStudy

_COMMAND: Final = "blindsum_cli"
_HOSPITAL: Final = "blindsum_cli.demo.hospital"


def start_aggregator(processes: Processes, setup: DemoSetup, port: int) -> None:
    """Start the aggregator; it writes its address to a file once it listens.

    Args:
        processes: Where it runs.
        setup: The studies.
        port: Port on the loopback interface; 0 lets the system choose.
    """
    places = setup.places
    party = places.party(AGGREGATOR)
    arguments: list[str | Path] = ["aggregator", "serve"]
    for study in setup.studies:
        arguments += ["--manifest", study.manifest_file]
    arguments += ["--initial-model", places.initial_model]
    arguments += keys_of(party)
    arguments += ["--data", party.state, "--transcript", places.transcripts]
    arguments += ["--listen", f"127.0.0.1:{port}", "--address-file", places.address]
    # The demo opens each round itself, so that it knows which one it disturbs.
    arguments += ["--keep-payloads", "--manual-rounds"]
    processes.start(AGGREGATOR, _COMMAND, arguments)


def start_custodian(
    processes: Processes, setup: DemoSetup, hospital: str, address: str, *, is_new: bool
) -> None:
    """Start the custodian of a hospital; it dials out.

    Args:
        processes: Where it runs.
        setup: The studies.
        hospital: In which hospital.
        address: "host:port" of the aggregator.
        is_new: Whether its store is to be created: once.
    """
    party = setup.places.custodian(hospital)
    arguments: list[str | Path] = ["custodian", "attend"]
    arguments += studies_of(setup)
    arguments += keys_of(party)
    arguments += ["--store", party.state, "--instance", party.instance]
    arguments += ["--aggregator", address]
    arguments += ["--new"] if is_new else []
    processes.start(custodian_of(hospital), _COMMAND, arguments)


def hospital_arguments(setup: DemoSetup, hospital: str, address: str) -> list[str | Path]:
    """What every hospital's process is told: its studies, its keys, its places."""
    places = setup.places
    party = places.client(hospital)
    arguments: list[str | Path] = [hospital]
    arguments += studies_of(setup)
    arguments += keys_of(party)
    arguments += ["--aggregator", address, "--state", party.state]
    arguments += ["--initial-model", places.initial_model]
    arguments += ["--harness", places.harness]
    return arguments


def start_hospital(
    processes: Processes,
    setup: DemoSetup,
    hospital: str,
    address: str,
    seed: int,
    held_round: int = NOBODY_HELD,
) -> None:
    """Start the client of a hospital; it dials out.

    Args:
        processes: Where it runs.
        setup: The studies.
        hospital: Which.
        address: "host:port" of the aggregator.
        seed: Which ten splits, and which coins of the rounding.
        held_round: Round in which it stops between header and payload, in every study.
    """
    arguments = hospital_arguments(setup, hospital, address)
    arguments += ["--seed", str(seed), "--rounds", str(setup.rounds)]
    arguments += ["--hold-before-payload", str(held_round)]
    processes.start(hospital, _HOSPITAL, arguments)


def harness_of(study: DemoStudy, hospital: str) -> Harness:
    """A hospital's harness files of a study."""
    return Harness(study.harness / hospital)


def studies_of(setup: DemoSetup) -> list[str | Path]:
    """The options that name all studies, for a command of a client or a custodian."""
    arguments: list[str | Path] = []
    for study in setup.studies:
        arguments += ["--manifest", study.manifest_file, "--digest", study.digest]
    return arguments


def keys_of(party: Party) -> list[str | Path]:
    """The options that name a party's keys."""
    return ["--key", party.key, "--passphrase-file", party.passphrase]
