"""The course of the statistics demo: four hospitals answer, a query a round, to the study's end."""

from blindsum_cli.console import say
from blindsum_cli.demo.conducting import ROUND_SECONDS, START_SECONDS, conducting
from blindsum_cli.demo.heart_disease import HOSPITALS
from blindsum_cli.demo.places import custodian_of
from blindsum_cli.demo.roles import start_custodian
from blindsum_cli.demo.study_setup import DemoSetup
from blindsum_cli.statistics_demo.roles import start_respondent
from blindsum_cli.statistics_demo.study import results_of
from blindsum_rules import transcript


def run_statistics(setup: DemoSetup, port: int) -> None:
    """Run the study until every hospital has verified its results.

    Args:
        setup: The study that was set up.
        port: Port of the aggregator on the loopback interface; 0 lets the system choose.

    Raises:
        Aborted: `demo-process-ended`, `demo-too-slow`, `demo-round-aborted`.
        BlindsumError: what the operator's requests are refused by.
    """
    with conducting(setup, port) as conductor:
        (study,) = conductor.watched
        for hospital in HOSPITALS:
            start_custodian(conductor.processes, setup, hospital, conductor.address, is_new=True)
            start_respondent(conductor.processes, setup, hospital, conductor.address)
        study.wait_for_custodians([custodian_of(one) for one in HOSPITALS], START_SECONDS)
        say(f"9 processes: 1 aggregator at {conductor.address}, 4 custodians, 4 hospitals")
        for number, query in enumerate(study.manifest.queries):
            conductor.open(study, number)
            standing = conductor.outcome(study, number, HOSPITALS)
            conductor.wait_for_files(transcript.round_file(number, transcript.CLOSES))
            say(f"round {number}: {query.name}, {standing.frozen} hospitals")
        study.wait_for_end(HOSPITALS, ROUND_SECONDS)
        files = [results_of(setup.places, hospital) for hospital in HOSPITALS]
        conductor.watcher.wait(
            lambda: all(file.exists() for file in files),
            "every hospital verifies the results",
            ROUND_SECONDS,
            HOSPITALS,
        )
        conductor.wait_for_files(transcript.end_file(transcript.ACCEPTANCES))
