"""The course of the private demo: the planned rounds, then as many as the budget still pays."""

from dataclasses import dataclass
from typing import Final

from blindsum_cli.console import say
from blindsum_cli.demo.conducting import START_SECONDS, Conductor, conducting
from blindsum_cli.demo.exactness import integers_of, is_exact, read_round
from blindsum_cli.demo.harness import Harness
from blindsum_cli.demo.heart_disease import HOSPITALS
from blindsum_cli.demo.places import custodian_of
from blindsum_cli.demo.private.ledgers import Ledgers, read_ledgers
from blindsum_cli.demo.private.roles import start_private_hospital
from blindsum_cli.demo.roles import harness_of, start_custodian
from blindsum_cli.demo.rounds import RoundResult, SealedRound, heading
from blindsum_cli.demo.study_setup import DemoSetup
from blindsum_rules import transcript

RESTARTED: Final = HOSPITALS[0]
"""The hospital whose client and custodian are killed and started again once all is spent."""

_AGREEMENT_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True)
class PrivateCourse:
    """What a run of the private study came to.

    Attributes:
        rounds: What came of each round: the planned ones and those beyond them.
        planned: The ledgers after the planned rounds.
        spent: The ledgers when no other round was affordable, read again after a restart.
        ended: The ledgers once the study had ended.
    """

    rounds: tuple[RoundResult, ...]
    planned: Ledgers
    spent: Ledgers
    ended: Ledgers


def run_private_study(setup: DemoSetup, seed: int, port: int) -> PrivateCourse:
    """Run the private study from its first round until its budget is spent.

    Args:
        setup: The study that was set up.
        seed: Which ten splits; the hospitals train on the first.
        port: Port of the aggregator on the loopback interface; 0 lets the system choose.

    Raises:
        Aborted: `demo-process-ended`, `demo-too-slow`, `demo-round-aborted`.
        BlindsumError: what the operator's requests are refused by.
    """
    with conducting(setup, port) as conductor:
        return _Course(conductor, seed).run()


class _Course:
    """One run of the private study."""

    def __init__(self, conductor: Conductor, seed: int) -> None:
        self._conductor = conductor
        self._setup = conductor.setup
        self._seed = seed
        (self._study,) = conductor.setup.studies
        (self._watched,) = conductor.watched

    def run(self) -> PrivateCourse:
        self._conductor.start_everybody(self._start_hospital)
        say(heading([self._study.seal]))
        rounds = [self._round(number) for number in range(self._setup.rounds)]
        planned = self._ledgers(len(rounds))
        say(
            f"{len(rounds)} planned rounds are over. All hospitals were in them, one more than the "
            f"fewest:\nmore noise than was planned for, so {planned.rounds_left} such rounds more "
            "are paid."
        )
        ledgers = planned
        while ledgers.affords and len(rounds) < self._most_rounds:
            rounds.append(self._round(len(rounds)))
            ledgers = self._ledgers(len(rounds))
        self._restart()
        spent = read_ledgers(self._study)
        # Asked for one round more, the aggregator proposes the end: custodians would refuse it.
        self._conductor.open(self._watched, len(rounds))
        self._conductor.wait_for_end()
        return PrivateCourse(tuple(rounds), planned, spent, self._ledgers(len(rounds)))

    @property
    def _most_rounds(self) -> int:
        return self._study.manifest.schedule.max_rounds

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

    def _ledgers(self, rounds: int) -> Ledgers:
        """The ledgers, once all have settled the rounds so far.

        Raises:
            Aborted: `demo-too-slow`, when they do not agree on them.
        """
        self._conductor.watcher.wait(
            lambda: _have_settled(read_ledgers(self._study), rounds),
            f"all ledgers have settled {rounds} rounds",
            _AGREEMENT_SECONDS,
            HOSPITALS,
        )
        return read_ledgers(self._study)

    def _restart(self) -> None:
        """Kill a hospital's client and custodian, and start them again from their disks."""
        conductor, harness = self._conductor, harness_of(self._study, RESTARTED)
        conductor.processes.kill(RESTARTED)
        conductor.processes.kill(custodian_of(RESTARTED))
        harness.forget_ready()
        start_custodian(
            conductor.processes, self._setup, RESTARTED, conductor.address, is_new=False
        )
        self._start_hospital(RESTARTED)
        conductor.wait_for(f"{RESTARTED} is back", Harness.is_ready, [RESTARTED])
        custodians = [custodian_of(hospital) for hospital in HOSPITALS]
        self._watched.wait_for_custodians(custodians, START_SECONDS)

    def _start_hospital(self, hospital: str) -> None:
        conductor = self._conductor
        start_private_hospital(
            conductor.processes, self._setup, hospital, conductor.address, self._seed
        )


def _have_settled(ledgers: Ledgers, rounds: int) -> bool:
    """Whether all ledgers agree on so many rounds."""
    return ledgers.agree and ledgers.dearest.rounds == rounds
