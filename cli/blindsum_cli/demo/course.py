"""The course of the demo: start nine processes, open round after round, disturb, watch, check."""

from collections.abc import Sequence

from blindsum_cli.calls import RoundStanding
from blindsum_cli.console import say
from blindsum_cli.demo.conducting import ROUND_SECONDS, START_SECONDS, Conductor, conducting
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
from blindsum_cli.demo.places import custodian_of
from blindsum_cli.demo.roles import harness_of, start_custodian, start_hospital
from blindsum_cli.demo.rounds import RoundResult, SealedRound, heading
from blindsum_cli.demo.study_setup import DemoSetup
from blindsum_cli.demo.watching import StudyWatcher
from blindsum_crypto.errors import Aborted
from blindsum_rules import transcript

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
    with conducting(setup, port) as conductor:
        return _Course(conductor, plan, seed).run()


class _Course:
    """One run of the studies."""

    def __init__(self, conductor: Conductor, plan: Plan, seed: int) -> None:
        self._conductor = conductor
        self._setup = conductor.setup
        self._plan = plan
        self._seed = seed
        self._watched = conductor.watched
        self._processes = conductor.processes

    def run(self) -> tuple[RoundResult, ...]:
        self._conductor.start_everybody(
            lambda hospital: self._start_hospital(hospital, self._plan.held_round(hospital))
        )
        say(heading([study.seal for study in self._setup.studies]))
        results = tuple(self._round(number) for number in range(self._setup.rounds))
        self._conductor.wait_for_end()
        return results

    def _round(self, number: int) -> RoundResult:
        self._disturb_before(number)
        for study in self._watched:
            study.wait_for_custodians(self._plan.attending(number), START_SECONDS)
        is_disturbed = bool(self._plan.in_words(number))
        standings = self._at_once(number) if is_disturbed else self._one_by_one(number)
        self._restore_after(number)
        self._conductor.wait_for_files(transcript.round_file(number, transcript.CLOSES))
        result = self._result(number, standings)
        say(result.in_words())
        return result

    def _one_by_one(self, number: int) -> list[RoundStanding]:
        """The round of one study after the other: undisturbed, they can be timed."""
        standings = []
        for study in self._watched:
            self._conductor.open(study, number)
            standings.append(self._outcome(study, number))
        return standings

    def _at_once(self, number: int) -> list[RoundStanding]:
        """The round of all studies together, so that what goes wrong hits all of them."""
        for study in self._watched:
            self._conductor.open(study, number)
        if number == self._plan.killed_in:
            self._kill(number)
        if number == self._plan.late_in:
            self._come_late(number)
        return [self._outcome(study, number) for study in self._watched]

    def _outcome(self, study: StudyWatcher, number: int) -> RoundStanding:
        is_last = number == self._setup.rounds - 1
        return self._conductor.outcome(study, number, HOSPITALS if is_last else ())

    def _disturb_before(self, number: int) -> None:
        if number == self._plan.back_in:
            self._start_hospital(self._plan.killed)
            self._conductor.wait_for(
                f"{self._plan.killed} joins", Harness.is_ready, [self._plan.killed]
            )
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
            study.wait_for_freeze(number, ROUND_SECONDS)
        for one in self._setup.studies:
            harness_of(one, late).let_go(number)
        what = f"{late} is refused, for it is late"
        self._conductor.wait_for(what, lambda harness: harness.refusal(number) != "", [late])
        rules = {harness_of(one, late).refusal(number) for one in self._setup.studies}
        if rules != {_LATE}:
            raise Aborted("demo-late-upload", f"expected {_LATE}, got {', '.join(sorted(rules))}")

    def _restore_after(self, number: int) -> None:
        if number == self._plan.custodian_away_in:
            hospital = self._plan.custodian_in
            start_custodian(
                self._processes, self._setup, hospital, self._conductor.address, is_new=False
            )

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
        start_hospital(
            self._processes, self._setup, hospital, self._conductor.address, self._seed, *held
        )

    def _wait_until_held(self, hospital: str, number: int) -> None:
        what = f"{hospital} stands between header and payload"
        self._conductor.wait_for(what, lambda harness: harness.is_held(number), [hospital])
