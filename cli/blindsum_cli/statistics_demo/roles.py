"""The statistics demo's clients as processes; aggregator and custodians are those of any study."""

from pathlib import Path

from blindsum_cli.demo.processes import Processes
from blindsum_cli.demo.roles import keys_of
from blindsum_cli.demo.study_setup import DemoSetup
from blindsum_cli.statistics_demo.study import results_of, table_of

_COMMAND = "blindsum_cli"


def start_respondent(processes: Processes, setup: DemoSetup, hospital: str, address: str) -> None:
    """Start a hospital's client by the command that its people would type; it dials out.

    Args:
        processes: Where it runs.
        setup: The study.
        hospital: Which.
        address: "host:port" of the aggregator.
    """
    (study,) = setup.studies
    places = setup.places
    party = places.client(hospital)
    arguments: list[str | Path] = ["statistic", "answer", study.manifest_file]
    arguments += ["--digest", study.digest]
    arguments += keys_of(party)
    arguments += ["--aggregator", address, "--state", party.state]
    arguments += ["--records", table_of(places, hospital)]
    arguments += ["--out", results_of(places, hospital)]
    processes.start(hospital, _COMMAND, arguments)
