"""The course of the demo: start nine processes, open round after round, disturb, watch, check."""

from collections.abc import Callable, Sequence
from pathlib import Path

from blindsum_cli.calls import Endpoint, RoundStanding, operate
from blindsum_cli.console import out, say
from blindsum_cli.demo.exactness import (
    are_same_models,
    are_same_sums,
    integers_of,
    is_exact,
    read_round,
)
from blindsum_cli.demo.harness import Harness
from blindsum_cli.demo.heart_disease import HOSPITALS
from blindsum_cli.demo.interruptions import Plan
from blindsum_cli.demo.places import AGGREGATOR, custodian_of
from blindsum_cli.demo.processes import Processes, running
from blindsum_cli.demo.roles import harness_of, start_aggregator, start_custodian, start_hospital
from blindsum_cli.demo.rounds import RoundResult, SealedRound, heading
from blindsum_cli.demo.study_setup import DemoSetup
from blindsum_cli.demo.study_text import ACCEPT_SECONDS, CONTRIBUTE_SECONDS
from blindsum_cli.demo.watching import StudyWatcher, Watcher
from blindsum_crypto.errors import Aborted
from blindsum_rules import transcript
from blindsum_rules.requests import OperatorAction

_START_SECONDS = 90.0
_ROUND_SECONDS = ACCEPT_SECONDS + CONTRIBUTE_SECONDS + 90.0
_LATE = "collection-closed"


def run_studies(setup: DemoSetup, plan: Plan, seed: int, port: int) -> tuple[RoundResult, ...]:
    """Run all studies from their first round to their end.

    Args:
        setup: The studies that were set up.
        plan: What goes wrong when.
        seed: Which ten splits the hospitals train on, and which coins they round by.
        port: Port of the aggregator on the loopback interface; 0 lets the system choose.

    Raises:
        Aborted: `demo-process-ended`, `demo-too-slow`, `demo-round-aborted`, `demo-late-upload`.
        BlindsumError: what the operator's requests are refused by.
    """
    with running(setup.places.logs) as processes, out.status("starting") as status:
        watcher = Watcher(processes, status)
        start_aggregator(processes, setup, port)
        watcher.wait(setup.places.address.exists, "the aggregator listens", _START_SECONDS)
        address = setup.places.address.read_text(encoding="utf-8").strip()
        course = _Course(setup, plan, seed, address, watcher)
        try:
            return course.run()
        finally:
            course.close()


class _Course:
    """One run of the studies."""

    def __init__(
        self, setup: DemoSetup, plan: Plan, seed: int, address: str, watcher: Watcher
    ) -> None:
        self._setup = setup
        self._plan = plan
        self._seed = seed
        self._address = address
        self._watcher = watcher
        self._watched = tuple(
            StudyWatcher(watcher, study, setup.operator, address) for study in setup.studies
        )

    @property
    def _processes(self) -> Processes:
        return self._watcher.processes

    def run(self) -> tuple[RoundResult, ...]:
        self._start_everybody()
        say(heading([study.seal for study in self._setup.studies]))
        results = tuple(self._round(number) for number in range(self._setup.rounds))
        for study in self._watched:
            study.wait_for_end(HOSPITALS, _ROUND_SECONDS)
        self._wait_for(
            "every hospital verifies the final model",
            lambda harness: harness.final.exists(),
            HOSPITALS,
            may_have_ended=HOSPITALS,
        )
        self._wait_for_files(transcript.end_file(transcript.ACCEPTANCES))
        return results

    def close(self) -> None:
        for study in self._watched:
            study.close()

    def _start_everybody(self) -> None:
        for hospital in HOSPITALS:
            start_custodian(self._processes, self._setup, hospital, self._address, is_new=True)
            self._start_hospital(hospital, self._plan.held_round(hospital))
        custodians = [custodian_of(hospital) for hospital in HOSPITALS]
        for study in self._watched:
            study.wait_for_custodians(custodians, _START_SECONDS)
        self._wait_for("every hospital joins", Harness.is_ready, HOSPITALS)
        say(f"9 processes: 1 {AGGREGATOR} at {self._address}, 4 custodians, 4 hospitals")

    def _round(self, number: int) -> RoundResult:
        self._disturb_before(number)
        for study in self._watched:
            study.wait_for_custodians(self._plan.attending(number), _START_SECONDS)
        is_disturbed = bool(self._plan.in_words(number))
        standings = self._at_once(number) if is_disturbed else self._one_by_one(number)
        self._restore_after(number)
        self._wait_for_files(transcript.round_file(number, transcript.CLOSES))
        result = self._result(number, standings)
        say(result.in_words())
        return result

    def _one_by_one(self, number: int) -> list[RoundStanding]:
        """The round of one study after the other: undisturbed, they can be timed."""
        standings = []
        for study in self._watched:
            self._open(study, number)
            standings.append(self._outcome(study, number))
        return standings

    def _at_once(self, number: int) -> list[RoundStanding]:
        """The round of all studies together, so that what goes wrong hits all of them."""
        for study in self._watched:
            self._open(study, number)
        if number == self._plan.killed_in:
            self._kill(number)
        if number == self._plan.late_in:
            self._come_late(number)
        return [self._outcome(study, number) for study in self._watched]

    def _open(self, study: StudyWatcher, number: int) -> None:
        wish = (OperatorAction.OPEN_ROUND, number, "the demo opens the next round")
        operate(study.signed, self._setup.operator, Endpoint(self._address), wish)

    def _outcome(self, study: StudyWatcher, number: int) -> RoundStanding:
        is_last = number == self._setup.rounds - 1
        may_have_ended = HOSPITALS if is_last else ()
        standing = study.wait_for_round(number, _ROUND_SECONDS, may_have_ended)
        if standing.ended_by_rule:
            raise Aborted(
                "demo-round-aborted",
                f"expected a sum of round {number} of {study.manifest.study}, it ended by "
                f"{standing.ended_by_rule}",
            )
        return standing

    def _disturb_before(self, number: int) -> None:
        if number == self._plan.back_in:
            self._start_hospital(self._plan.killed)
            self._wait_for(f"{self._plan.killed} joins", Harness.is_ready, [self._plan.killed])
        if number == self._plan.custodian_away_in:
            self._processes.kill(custodian_of(self._plan.custodian_in))

    def _kill(self, number: int) -> None:
        """Kill a hospital that stands between header and payload, in all studies."""
        self._wait_until_held(self._plan.killed, number)
        self._processes.kill(self._plan.killed)
        for study in self._setup.studies:
            harness_of(study, self._plan.killed).forget_ready()

    def _come_late(self, number: int) -> None:
        """Let a hospital send its payload only when the round is frozen.

        Raises:
            Aborted: `demo-late-upload`, when it is not refused for that.
        """
        late = self._plan.late
        self._wait_until_held(late, number)
        for study in self._watched:
            study.wait_for_freeze(number, _ROUND_SECONDS)
        for one in self._setup.studies:
            harness_of(one, late).let_go(number)
        what = f"{late} is refused, for it is late"
        self._wait_for(what, lambda harness: harness.refusal(number) != "", [late])
        rules = {harness_of(one, late).refusal(number) for one in self._setup.studies}
        if rules != {_LATE}:
            raise Aborted("demo-late-upload", f"expected {_LATE}, got {', '.join(sorted(rules))}")

    def _restore_after(self, number: int) -> None:
        if number == self._plan.custodian_away_in:
            hospital = self._plan.custodian_in
            start_custodian(self._processes, self._setup, hospital, self._address, is_new=False)

    def _result(self, number: int, standings: Sequence[RoundStanding]) -> RoundResult:
        studies = self._setup.studies
        opened = [read_round(study.transcript, number, study.manifest) for study in studies]
        integers = [
            integers_of(one, study.harness) for study, one in zip(studies, opened, strict=True)
        ]
        seals = {
            study.seal: SealedRound(one.members, is_exact(one, kept), standing.seconds)
            for study, one, kept, standing in zip(studies, opened, integers, standings, strict=True)
        }
        return RoundResult(
            number=number,
            seals=seals,
            same_sums=are_same_sums(list(zip(opened, integers, strict=True))),
            same_models=are_same_models(opened),
            remark=self._plan.in_words(number),
        )

    def _start_hospital(self, hospital: str, *held: int) -> None:
        start_hospital(self._processes, self._setup, hospital, self._address, self._seed, *held)

    def _wait_until_held(self, hospital: str, number: int) -> None:
        what = f"{hospital} stands between header and payload"
        self._wait_for(what, lambda harness: harness.is_held(number), [hospital])

    def _wait_for(
        self,
        what: str,
        happened: Callable[[Harness], bool],
        hospitals: Sequence[str],
        may_have_ended: Sequence[str] = (),
    ) -> None:
        """Wait until something happened to these hospitals in all studies."""
        harnesses = [harness_of(study, one) for study in self._setup.studies for one in hospitals]
        self._watcher.wait(
            lambda: all(happened(harness) for harness in harnesses),
            what,
            _ROUND_SECONDS,
            may_have_ended,
        )

    def _wait_for_files(self, name: str) -> None:
        """Wait until the aggregator has filed something; hospitals may have ended by then."""
        paths: list[Path] = [study.transcript / name for study in self._setup.studies]
        self._watcher.wait(
            lambda: all(path.exists() for path in paths),
            f"{name} is filed",
            _ROUND_SECONDS,
            HOSPITALS,
        )
