"""The course of the demo: start nine processes, open round after round, disturb, watch, check."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

from blindsum_cli.calls import Endpoint, RoundStanding, operate
from blindsum_cli.console import out, say
from blindsum_cli.demo.exactness import is_exact, read_round
from blindsum_cli.demo.heart_disease import HOSPITALS
from blindsum_cli.demo.interruptions import Plan
from blindsum_cli.demo.places import AGGREGATOR, custodian_of
from blindsum_cli.demo.processes import Processes, running
from blindsum_cli.demo.roles import harness_of, start_aggregator, start_custodian, start_hospital
from blindsum_cli.demo.study_setup import ACCEPT_SECONDS, CONTRIBUTE_SECONDS, DemoStudy
from blindsum_cli.demo.watching import StudyWatcher, Watcher
from blindsum_crypto.errors import Aborted
from blindsum_rules import transcript
from blindsum_rules.requests import OperatorAction

_START_SECONDS = 90.0
_ROUND_SECONDS = ACCEPT_SECONDS + CONTRIBUTE_SECONDS + 90.0
_HOLD_SECONDS = ACCEPT_SECONDS + CONTRIBUTE_SECONDS


@dataclass(frozen=True, slots=True)
class RoundResult:
    """What came of one round.

    Attributes:
        number: Which round.
        members: The clients of U.
        is_exact: Whether the opened sum equals the sum of their integers.
        seconds: From the operator's request to a quorum of closes.
        phases: Seconds of each phase, as the aggregator says.
        remark: What was disturbed.
    """

    number: int
    members: tuple[str, ...]
    is_exact: bool
    seconds: float
    phases: Mapping[str, float]
    remark: str


def run_study(study: DemoStudy, plan: Plan, seed: int, port: int) -> tuple[RoundResult, ...]:
    """Run the study from its first round to its end.

    Args:
        study: The study that was set up.
        plan: What goes wrong when.
        seed: Which ten splits the hospitals train on.
        port: Port of the aggregator on the loopback interface; 0 lets the system choose.

    Raises:
        Aborted: `demo-process-ended`, `demo-too-slow`, `demo-round-aborted`.
        BlindsumError: what the operator's requests are refused by.
    """
    with running(study.places.logs) as processes, out.status("starting") as status:
        watcher = Watcher(processes, status)
        start_aggregator(processes, study, port)
        watcher.wait(study.places.address.exists, "the aggregator listens", _START_SECONDS)
        address = study.places.address.read_text(encoding="utf-8").strip()
        course = _Course(study, plan, seed, address, watcher)
        try:
            return course.run()
        finally:
            course.close()


class _Course:
    """One run of the study."""

    def __init__(
        self, study: DemoStudy, plan: Plan, seed: int, address: str, watcher: Watcher
    ) -> None:
        self._study = study
        self._plan = plan
        self._seed = seed
        self._address = address
        self._watcher = watcher
        self._status = StudyWatcher(watcher, study, address)

    @property
    def _processes(self) -> Processes:
        return self._watcher.processes

    def run(self) -> tuple[RoundResult, ...]:
        self._start_everybody()
        results = [self._round(number) for number in range(self._study.recipe.rounds)]
        self._status.wait_for_end(HOSPITALS, _ROUND_SECONDS)
        harnesses = [harness_of(self._study, hospital) for hospital in HOSPITALS]
        self._watcher.wait(
            lambda: all(harness.final.exists() for harness in harnesses),
            "every hospital verifies the final model",
            _ROUND_SECONDS,
            HOSPITALS,
        )
        self._wait_for_file(transcript.end_file(transcript.ACCEPTANCES))
        return tuple(results)

    def close(self) -> None:
        self._status.close()

    def _start_everybody(self) -> None:
        for hospital in HOSPITALS:
            start_custodian(self._processes, self._study, hospital, self._address, is_new=True)
            self._start_hospital(hospital, self._plan.held_round(hospital))
        custodians = [custodian_of(hospital) for hospital in HOSPITALS]
        self._status.wait_for_custodians(custodians, _START_SECONDS)
        for hospital in HOSPITALS:
            self._wait_until_ready(hospital)
        say(f"9 processes: 1 {AGGREGATOR} at {self._address}, 4 custodians, 4 hospitals")

    def _round(self, number: int) -> RoundResult:
        self._disturb_before(number)
        self._status.wait_for_custodians(self._plan.attending(number), _START_SECONDS)
        began = time.monotonic()
        self._open(number)
        self._disturb_during(number)
        standing = self._status.wait_for_round(number, _ROUND_SECONDS)
        seconds = time.monotonic() - began
        self._restore_after(number)
        self._wait_for_file(transcript.round_file(number, transcript.CLOSES))
        return self._result(standing, seconds)

    def _open(self, number: int) -> None:
        wish = (OperatorAction.OPEN_ROUND, number, "the demo opens the next round")
        operate(self._study.manifest, self._study.operator, Endpoint(self._address), wish)

    def _disturb_before(self, number: int) -> None:
        if number == self._plan.back_in:
            self._start_hospital(self._plan.hospital)
            self._wait_until_ready(self._plan.hospital)
        if number == self._plan.custodian_away_in:
            self._processes.kill(custodian_of(self._plan.custodian_in))

    def _disturb_during(self, number: int) -> None:
        if number != self._plan.killed_in:
            return
        harness = harness_of(self._study, self._plan.hospital)
        what = f"{self._plan.hospital} stands between header and payload"
        self._watcher.wait(lambda: harness.is_held(number), what, _HOLD_SECONDS)
        self._processes.kill(self._plan.hospital)
        harness.forget_ready()

    def _restore_after(self, number: int) -> None:
        if number == self._plan.custodian_away_in:
            hospital = self._plan.custodian_in
            start_custodian(self._processes, self._study, hospital, self._address, is_new=False)

    def _result(self, standing: RoundStanding, seconds: float) -> RoundResult:
        if standing.ended_by_rule:
            raise Aborted(
                "demo-round-aborted",
                f"expected a sum of round {standing.number}, it ended by {standing.ended_by_rule}",
            )
        folder = self._study.places.transcript
        opened = read_round(folder, standing.number, self._study.manifest)
        result = RoundResult(
            number=opened.number,
            members=opened.members,
            is_exact=is_exact(opened, self._study.places.harness),
            seconds=seconds,
            phases=standing.seconds,
            remark=self._plan.in_words(opened.number),
        )
        say(_line(result))
        return result

    def _wait_for_file(self, name: str) -> None:
        """Wait until the aggregator has filed something; hospitals may have ended by then."""
        path = self._study.places.transcript / name
        self._watcher.wait(path.exists, f"{name} is filed", _ROUND_SECONDS, HOSPITALS)

    def _start_hospital(self, hospital: str, *held: int) -> None:
        start_hospital(self._processes, self._study, hospital, self._address, self._seed, *held)

    def _wait_until_ready(self, hospital: str) -> None:
        harness = harness_of(self._study, hospital)
        self._watcher.wait(harness.is_ready, f"{hospital} joins", _START_SECONDS)


def _line(result: RoundResult) -> str:
    exact = "[green]exact[/]" if result.is_exact else "[bold red]NOT EXACT[/]"
    remark = f"  [dim]{result.remark}[/]" if result.remark else ""
    members = ", ".join(result.members)
    return f"round {result.number:2}  {exact}  {result.seconds:5.1f} s  U = {members}{remark}"
