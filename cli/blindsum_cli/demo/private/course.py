"""The course of the private demo: the planned rounds, then as many as the budget still pays."""

from blindsum_cli.console import say
from blindsum_cli.demo.conducting import Conductor, conducting
from blindsum_cli.demo.exactness import integers_of, is_exact, read_round
from blindsum_cli.demo.heart_disease import HOSPITALS
from blindsum_cli.demo.private.roles import start_private_hospital
from blindsum_cli.demo.rounds import RoundResult, SealedRound, heading
from blindsum_cli.demo.study_setup import DemoSetup
from blindsum_rules import transcript
from blindsum_rules.requests import OperatorAction


def run_private_study(setup: DemoSetup, seed: int, port: int) -> tuple[RoundResult, ...]:
    """Run the private study from its first round to its end.

    Args:
        setup: The study that was set up.
        seed: Which ten splits; the hospitals train on the first.
        port: Port of the aggregator on the loopback interface; 0 lets the system choose.

    Raises:
        Aborted: `demo-process-ended`, `demo-too-slow`, `demo-round-aborted`.
        BlindsumError: what the operator's requests are refused by.
    """
    with conducting(setup, port) as conductor:
        return _PrivateCourse(conductor, seed).run()


class _PrivateCourse:
    """One run of the private study."""

    def __init__(self, conductor: Conductor, seed: int) -> None:
        self._conductor = conductor
        self._setup = conductor.setup
        self._seed = seed
        (self._study,) = conductor.setup.studies
        (self._watched,) = conductor.watched

    def run(self) -> tuple[RoundResult, ...]:
        self._conductor.start_everybody(self._start_hospital)
        say(heading([self._study.seal]))
        results = tuple(self._round(number) for number in range(self._setup.rounds))
        self._conductor.ask(self._watched, OperatorAction.END_STUDY, self._setup.rounds)
        self._conductor.wait_for_end()
        return results

    def _round(self, number: int) -> RoundResult:
        self._conductor.open(self._watched, number)
        standing = self._conductor.outcome(self._watched, number, HOSPITALS)
        self._conductor.wait_for_files(transcript.round_file(number, transcript.CLOSES))
        opened = read_round(self._study.transcript, number, self._study.manifest)
        # What the hospitals sealed has their noise in it: the seal adds nothing and loses nothing.
        exact = is_exact(opened, integers_of(opened, self._study.harness))
        sealed = SealedRound(opened.members, exact, standing.seconds)
        result = RoundResult(
            number, {self._study.seal: sealed}, same_sums=True, same_models=True, remark=""
        )
        say(result.in_words())
        return result

    def _start_hospital(self, hospital: str) -> None:
        conductor = self._conductor
        start_private_hospital(
            conductor.processes, self._setup, hospital, conductor.address, self._seed
        )
