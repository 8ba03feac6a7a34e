"""How everybody in a simulated study is made to act, and how the faults cease in the end."""

from collections.abc import Sequence

from hypothesis.stateful import RuleBasedStateMachine
from tests.simulation.people import CONTRIBUTE_SECONDS, RELEASE_SECONDS
from tests.simulation.witness import Witness
from tests.simulation.world import World

_PASSES = 12
"""More than the steps of a round: a committee that still owes something then never ends."""

LONG = CONTRIBUTE_SECONDS + RELEASE_SECONDS
"""Until every deadline of a round is over."""


class Acting(RuleBasedStateMachine):
    """What every step of a schedule is made of."""

    world: World
    witness: Witness

    def __init__(self) -> None:
        super().__init__()
        self._lag = 0

    def _work(self, who: Sequence[str]) -> bool:
        """One step of every duty; whether anybody owed something."""
        owed = False
        for name in who:
            if name in self.world.aggregator.attending:
                for duty in self.world.aggregator.duties(name):
                    owed = True
                    self._perform(name, duty)
        self._settle()
        return owed

    def _perform(self, name: str, duty: bytes) -> None:
        member = self.world.members[name]
        for answer in member.performs(duty):
            self.witness.hear_refused_answer(name, member.answers(answer))

    def _take_part(self, name: str) -> None:
        self.witness.hear_client(name, self.world.sites[name].takes_part())

    def _learn(self, who: Sequence[str]) -> None:
        for name in who:
            for error in self.world.sites[name].learns():
                self.witness.hear_client(name, error)
        self.witness.check_heard()

    def _settle(self) -> None:
        if self._lag:
            self._lag -= 1
            return
        self.world.aggregator.settle()

    def _work_to_the_end(self, who: Sequence[str]) -> None:
        for _ in range(_PASSES):
            if not self._work(who):
                return

    def _all_take_part(self) -> None:
        for name in self.world.people.clients:
            self._take_part(name)
        self._settle()

    def _let_pass(self, seconds: float) -> None:
        self.world.now += seconds
        self._settle()

    def _calm(self) -> int:
        """The faults cease, and the study goes on; the newest round's number when they did."""
        world = self.world
        world.port.forget_faults()
        world.aggregator.is_well()
        for site in world.sites.values():
            site.is_well()
        for name, member in world.members.items():
            member.is_well()
            world.aggregator.arrives(name)
        self._lag = 0
        begun = self._newest()
        for longer in range(_PASSES):
            self._work_to_the_end(world.people.custodians)
            self.witness.check()
            if max(self.witness.published, default=-1) > begun:
                break
            self._all_take_part()
            # A round that nobody can fill any more ends by its deadline.
            self._let_pass(3 if longer % 3 else LONG)
        self._learn(world.people.clients)
        for site in world.sites.values():
            self.witness.hear_client(site.name, site.looks())
        self.witness.check()
        self.witness.check_calm(begun)
        return begun

    def _newest(self) -> int:
        return len(self.world.aggregator.rows) - 1
