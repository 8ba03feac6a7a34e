"""Random schedules of a whole study: who acts, what is lost, who dies, what comes late or again.

A failing schedule is shrunk by hypothesis and printed as the steps of this machine, by name.
"""

from collections.abc import Callable, Sequence
from typing import ClassVar

from hypothesis import event
from hypothesis import strategies as st
from hypothesis.stateful import (
    initialize,
    invariant,
    precondition,
    rule,
)
from tests.simulation.acting import LONG, Acting
from tests.simulation.people import (
    ACCEPT_SECONDS,
    CONTRIBUTE_SECONDS,
    Shape,
)
from tests.simulation.port import Fault
from tests.simulation.witness import Witness
from tests.simulation.world import World

from blindsum_client.stages import Stage

SMALL, USUAL, LARGE = (1, 1, 1), (4, 2, 3), (7, 3, 5)
_CLIENT_CALLS = ("NextRound", "SubmitHeader", "UploadPayload", "FetchBlob", "FetchSigned")


def _of(names: Callable[["Study"], Sequence[str]]) -> st.SearchStrategy[str]:
    """One of the parties that this study has."""
    return st.runner().flatmap(lambda study: st.sampled_from(names(study)))


def _some(names: Callable[["Study"], Sequence[str]]) -> st.SearchStrategy[list[str]]:
    """All of them as often as a few of them."""

    def choose(study: "Study") -> st.SearchStrategy[list[str]]:
        every = names(study)
        few = st.lists(st.sampled_from(every), min_size=1, max_size=4, unique=True)
        return st.one_of(st.just(list(every)), few)

    return st.runner().flatmap(choose)


_custodian, _custodians = (
    kind(lambda study: study.world.people.custodians) for kind in (_of, _some)
)
_client, _clients = (kind(lambda study: study.world.people.clients) for kind in (_of, _some))
_faults = st.sampled_from(list(Fault))


class Study(Acting):
    """One study under a random schedule."""

    seal: ClassVar[str]
    shapes: ClassVar[Sequence[tuple[int, int, int]]] = (SMALL, USUAL, USUAL, USUAL, LARGE)

    @initialize(data=st.data())
    def a_study_begins(self, data: st.DataObject) -> None:
        committee = data.draw(st.sampled_from(self.shapes), label="committee (m, t, quorum)")
        sizes = [3, 4] if committee == LARGE else [3, 3, 4, 4, 5, 7]
        clients = data.draw(st.sampled_from(sizes), label="clients")
        quota = data.draw(st.sampled_from([0, 0, clients - 1]), label="quota")
        moves = data.draw(st.sampled_from([True, True, False]), label="the model moves")
        self.world = World(Shape(self.seal, committee, clients, quota, moves))
        self.witness = Witness(self.world)
        self._settle()

    # ---- the committee

    @rule(who=_custodians)
    def custodians_do_what_they_owe(self, who: Sequence[str]) -> None:
        self._work_to_the_end(who)

    @rule(who=_custodians)
    def custodians_do_one_step(self, who: Sequence[str]) -> None:
        self._work(who)

    @rule(who=_custodian, which=st.integers(0, 3), answers=st.lists(_faults))
    def one_custodian_works_over_a_bad_line(
        self, who: str, which: int, answers: Sequence[Fault]
    ) -> None:
        for fault in answers[:3]:
            self.world.port.fail(who, "Answer", fault)
        for duty in self.world.aggregator.duties(who)[which:]:
            self._perform(who, duty)
        self._settle()

    @rule(
        who=_custodian,
        decisions=st.integers(0, 5),
        place=st.sampled_from(
            ["before the commit", "before the instance file", "before the answer"]
        ),
    )
    def a_custodian_dies_at_its_work(self, who: str, decisions: int, place: str) -> None:
        self.world.members[who].dies(decisions, place)
        self._work_to_the_end([who])

    @rule(who=_custodian)
    def a_custodian_restarts(self, who: str) -> None:
        self.world.members[who].stop()

    @rule(who=_custodians)
    def custodians_fall_silent(self, who: Sequence[str]) -> None:
        for name in who:
            self.world.aggregator.leaves(name)

    @rule(who=_custodians)
    def custodians_come_back(self, who: Sequence[str]) -> None:
        for name in who:
            self.world.aggregator.arrives(name)
        self._settle()

    @rule(who=_custodian, which=st.integers(0, 40))
    def an_old_duty_comes_again(self, who: str, which: int) -> None:
        heard = self.world.members[who].heard
        for duty in heard[-1 - which :][:1]:
            self._perform(who, duty)
        self._settle()

    # ---- the clients

    @rule(who=_clients)
    def clients_take_part(self, who: Sequence[str]) -> None:
        for name in who:
            self._take_part(name)
        self._settle()

    @rule(
        who=_client,
        faults=st.lists(st.tuples(st.sampled_from(_CLIENT_CALLS), _faults), min_size=1, max_size=3),
    )
    def a_client_takes_part_over_a_bad_line(
        self, who: str, faults: Sequence[tuple[str, Fault]]
    ) -> None:
        for method, fault in faults:
            self.world.port.fail(who, method, fault)
        self._take_part(who)
        self._settle()

    @rule(who=_client, stage=st.sampled_from(list(Stage)))
    def a_client_dies_at(self, who: str, stage: Stage) -> None:
        self.world.sites[who].dies_at(stage)
        self._take_part(who)
        self._settle()

    @rule(who=_clients)
    def clients_restart(self, who: Sequence[str]) -> None:
        for name in who:
            self.world.sites[name].stop()

    @rule(who=st.lists(_client, min_size=2, max_size=3, unique=True), first=_custodian)
    def clients_seal_badly_for(self, who: Sequence[str], first: str) -> None:
        """Each wraps garbage for another custodian, which denies it; a quorum may not."""
        custodians = self.world.people.custodians
        for index, client in enumerate(who, custodians.index(first)):
            self.world.sites[client].spoilt = index % len(custodians)
        self.all_goes_well_but_for([], in_time=True)
        for site in self.world.sites.values():
            site.spoilt = None

    @rule(who=_clients)
    def clients_ask_how_rounds_ended(self, who: Sequence[str]) -> None:
        self._learn(who)

    # ---- the aggregator

    @rule(transactions=st.integers(0, 40), after_commit=st.booleans())
    def the_aggregator_dies_at_its_work(self, transactions: int, *, after_commit: bool) -> None:
        self.world.aggregator.dies(transactions, after_commit=after_commit)
        self.all_goes_well_but_for([], in_time=True)

    @rule(absent=st.lists(_client, max_size=1))
    def the_aggregator_dies_as_it_folds(self, absent: Sequence[str]) -> None:
        self.world.aggregator.dies_as_it_folds()
        self.all_goes_well_but_for(absent, in_time=True)

    @rule()
    def the_aggregator_restarts(self) -> None:
        self.world.aggregator.restart()
        self._settle()

    @rule(steps=st.integers(1, 4))
    def the_driver_falls_behind(self, steps: int) -> None:
        self._lag = steps

    @rule(
        seconds=st.sampled_from(
            [3, 12, ACCEPT_SECONDS + 1, ACCEPT_SECONDS + CONTRIBUTE_SECONDS, 2 * LONG]
        )
    )
    def time_passes(self, seconds: int) -> None:
        self.world.now += seconds
        self._settle()

    @rule()
    def the_operator_aborts(self) -> None:
        self.world.operator_aborts()
        self._settle()

    @precondition(lambda self: self.world.port.letters)
    @rule(back=st.integers(0, 30))
    def an_old_call_arrives(self, back: int) -> None:
        letters = self.world.port.letters
        self.world.port.deliver_late(letters[-1 - back % len(letters)])
        self._settle()

    @rule(absent=st.lists(_client, max_size=2, unique=True), in_time=st.booleans())
    def all_goes_well_but_for(self, absent: Sequence[str], *, in_time: bool) -> None:
        """A quiet while, in which most rounds come to their end."""
        self.custodians_do_what_they_owe(self.world.people.custodians)
        self.clients_take_part([name for name in self.world.people.clients if name not in absent])
        self.time_passes(3 if in_time else CONTRIBUTE_SECONDS + ACCEPT_SECONDS)
        self.custodians_do_what_they_owe(self.world.people.custodians)

    # ---- after every step

    @invariant()
    def everything_holds(self) -> None:
        if hasattr(self, "witness"):
            self.witness.check()

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        try:
            begun = self._calm()
            self._tell_statistics(begun)
        finally:
            self.world.close()

    def _tell_statistics(self, begun: int) -> None:
        """What `pytest --hypothesis-show-statistics` says of the schedules."""
        rows = self.world.aggregator.rows
        event(f"rounds before the calm: {begun + 1}")
        event(
            f"published before the calm: {sum(number < begun for number in self.witness.published)}"
        )
        event(f"deaths of the aggregator: {self.world.aggregator.deaths}")
        for rule_ in {row.rule for row in rows} - {""}:
            event(f"a round ended by {rule_}")
