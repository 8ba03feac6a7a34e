"""What every course of the demo does: start everybody, open rounds, wait for what comes of them."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from blindsum_cli.calls import Endpoint, RoundStanding, operate
from blindsum_cli.console import out, say
from blindsum_cli.demo.harness import Harness
from blindsum_cli.demo.heart_disease import HOSPITALS
from blindsum_cli.demo.places import AGGREGATOR, custodian_of
from blindsum_cli.demo.processes import Processes, running
from blindsum_cli.demo.roles import harness_of, start_aggregator, start_custodian
from blindsum_cli.demo.study_setup import DemoSetup
from blindsum_cli.demo.study_text import ACCEPT_SECONDS, CONTRIBUTE_SECONDS
from blindsum_cli.demo.watching import StudyWatcher, Watcher
from blindsum_crypto.errors import Aborted
from blindsum_rules import transcript
from blindsum_rules.requests import OperatorAction

START_SECONDS: Final = 90.0
ROUND_SECONDS: Final = ACCEPT_SECONDS + CONTRIBUTE_SECONDS + 90.0


class Conductor:
    """Opens the studies' rounds as their operator, and waits."""

    def __init__(self, setup: DemoSetup, address: str, watcher: Watcher) -> None:
        """Prepare the connections; nothing is asked yet."""
        self.setup = setup
        self.address = address
        self.watcher = watcher
        self.watched = tuple(
            StudyWatcher(watcher, study, setup.operator, address) for study in setup.studies
        )

    @property
    def processes(self) -> Processes:
        """Who runs."""
        return self.watcher.processes

    def start_everybody(self, start_hospital: Callable[[str], None]) -> None:
        """Start a custodian and a client in each hospital, and wait until they take part."""
        for hospital in HOSPITALS:
            start_custodian(self.processes, self.setup, hospital, self.address, is_new=True)
            start_hospital(hospital)
        custodians = [custodian_of(hospital) for hospital in HOSPITALS]
        for study in self.watched:
            study.wait_for_custodians(custodians, START_SECONDS)
        self.wait_for("every hospital joins", Harness.is_ready, HOSPITALS)
        say(f"9 processes: 1 {AGGREGATOR} at {self.address}, 4 custodians, 4 hospitals")

    def open(self, study: StudyWatcher, number: int) -> None:
        """Open a round; errors are the aggregator's refusals."""
        self.ask(study, OperatorAction.OPEN_ROUND, number)

    def ask(self, study: StudyWatcher, action: OperatorAction, number: int) -> None:
        """Ask for something as the operator; errors are the aggregator's refusals."""
        wish = (action, number, f"the demo asks for it: {action}")
        operate(study.signed, self.setup.operator, Endpoint(self.address), wish)

    def outcome(
        self, study: StudyWatcher, number: int, may_have_ended: Sequence[str] = ()
    ) -> RoundStanding:
        """Wait for the end of a round.

        Raises:
            Aborted: `demo-round-aborted`, when it has no sum; errors as `Watcher.wait`.
        """
        standing = study.wait_for_round(number, ROUND_SECONDS, may_have_ended)
        if standing.ended_by_rule:
            raise Aborted(
                "demo-round-aborted",
                f"expected a sum of round {number} of {study.manifest.study}, it ended by "
                f"{standing.ended_by_rule}",
            )
        return standing

    def wait_for_end(self) -> None:
        """Wait until every study has ended, and every hospital has verified its final model."""
        for study in self.watched:
            study.wait_for_end(HOSPITALS, ROUND_SECONDS)
        self.wait_for(
            "every hospital verifies the final model",
            lambda harness: harness.final.exists(),
            HOSPITALS,
            may_have_ended=HOSPITALS,
        )
        self.wait_for_files(transcript.end_file(transcript.ACCEPTANCES))

    def wait_for(
        self,
        what: str,
        happened: Callable[[Harness], bool],
        hospitals: Sequence[str],
        may_have_ended: Sequence[str] = (),
    ) -> None:
        """Wait until something happened to these hospitals in all studies."""
        harnesses = [harness_of(study, one) for study in self.setup.studies for one in hospitals]
        self.watcher.wait(
            lambda: all(happened(harness) for harness in harnesses),
            what,
            ROUND_SECONDS,
            may_have_ended,
        )

    def wait_for_files(self, name: str) -> None:
        """Wait until the aggregator has filed something; hospitals may have ended by then."""
        paths: list[Path] = [study.transcript / name for study in self.setup.studies]
        self.watcher.wait(
            lambda: all(path.exists() for path in paths),
            f"{name} is filed",
            ROUND_SECONDS,
            HOSPITALS,
        )


@contextmanager
def conducting(setup: DemoSetup, port: int) -> Iterator[Conductor]:
    """A conductor with a running aggregator; all processes are gone when the block is left.

    Args:
        setup: The studies that were set up.
        port: Port of the aggregator on the loopback interface; 0 lets the system choose.

    Raises:
        Aborted: `demo-process-ended`, `demo-too-slow`.
    """
    with running(setup.places.logs) as processes, out.status("starting") as status:
        watcher = Watcher(processes, status)
        start_aggregator(processes, setup, port)
        watcher.wait(setup.places.address.exists, "the aggregator listens", START_SECONDS)
        address = setup.places.address.read_text(encoding="utf-8").strip()
        conductor = Conductor(setup, address, watcher)
        try:
            yield conductor
        finally:
            for study in conductor.watched:
                study.close()
