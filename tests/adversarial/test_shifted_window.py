"""Statistics differenced: a window shifted by a day, or one column more (threat T5a).

Two queries that nearly ask the same, over two sets that differ by one client, give that client's
answer away. Queries stand in the manifest, and rounds whose windows overlap count as one version,
so the second set is refused by name; with the rule off the difference is x_i exactly.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt
import pytest
from tests.adversarial.hostile_aggregator import Integers, Sent
from tests.adversarial.world import World

from blindsum_client.statistics import encode_statistic
from blindsum_crypto.randomness import SystemRandomness
from blindsum_custodian import endorse
from blindsum_custodian.accept import AcceptDuty
from blindsum_custodian.endorse import EndorseDuty
from blindsum_rules.freeze import Freeze
from blindsum_rules.manifest import DifferencingScope, StudyKind
from blindsum_rules.model import model_digest
from blindsum_rules.signed import Signed
from blindsum_rules.spec import Spec
from blindsum_rules.statistics.answered import ANSWERED_LAYOUT, ANSWERED_RULE, nothing_answered
from blindsum_rules.statistics.building import count, mean
from blindsum_rules.statistics.query import Condition, Query

JANUARY = date(2026, 1, 1)
CELLS = (*count("diseased", [Condition("disease", 1, 2)]), *mean("age", "age", 18, 99))
ASKED = Query(
    "january", "Who came in January", JANUARY, date(2026, 2, 1), "day", max_records=50, cells=CELLS
)
SHIFTED = replace(
    ASKED,
    name="a-day-later",
    window_from=JANUARY + timedelta(days=1),
    window_to=date(2026, 2, 2),
)
WIDER = replace(ASKED, name="one-column-more", cells=(*CELLS, *count("all")))
MARCH = replace(ASKED, name="march", window_from=date(2026, 3, 1), window_to=date(2026, 4, 1))
# The same records again, in a window that no column holds them to: sites answer from one table.
UNCUT = replace(MARCH, name="uncut", date_column="")

Records = Mapping[str, npt.NDArray[np.generic]]


def records_of(client: str) -> Records:
    """Records of a site; none of them on the days by which the windows differ."""
    drawn = np.random.default_rng(int.from_bytes(client.encode()))
    days = np.datetime64("2026-01-02") + drawn.integers(0, 30, 40)
    return {"day": days, "age": drawn.integers(18, 100, 40), "disease": drawn.integers(0, 2, 40)}


def make_statistics(
    make_world: Callable[..., World], scope: DifferencingScope, second: Query
) -> World:
    return make_world(
        kind=StudyKind.STATISTIC,
        codec=None,
        layout=ANSWERED_LAYOUT,
        initial_model_digest=model_digest(nothing_answered()),
        update_rule=ANSWERED_RULE,
        no_differencing=scope,
        queries=(ASKED, second),
    )


def answers(world: World, spec: Signed[Spec]) -> list[Sent]:
    """Everybody accepts, the clients answer the query of the round, everybody admits."""
    world.accept(spec)
    version, drawn = spec.body.model_version, SystemRandomness()
    sent = [
        world.seal(spec, client, encode_statistic(version, records_of(client), world.study, drawn))
        for client in world.clients
    ]
    world.admit(spec, sent)
    return sent


def opened(
    world: World, spec: Signed[Spec], sent: Sequence[Sent], freeze: Signed[Freeze]
) -> Integers:
    return world.aggregator.open(spec, sent, world.release(freeze, world.endorse(freeze)))


def next_query_without_the_victim(
    world: World,
) -> tuple[Integers, Signed[Spec], list[Sent], Signed[Freeze]]:
    """The first query over everybody; the second over everybody but the last client."""
    spec = world.aggregator.spec()
    sent = answers(world, spec)
    freeze = world.aggregator.freeze(spec, sent)
    endorsements = world.endorse(freeze)
    total = world.aggregator.open(spec, sent, world.release(freeze, endorsements))
    following = world.aggregator.spec_after(spec, world.leave(0), endorsements)
    fewer = answers(world, following)[:-1]
    return total, following, fewer, world.aggregator.freeze(following, fewer)


SCOPES = pytest.mark.parametrize("scope", list(DifferencingScope))
NEARLY_THE_SAME = pytest.mark.parametrize(
    "second", [SHIFTED, WIDER, UNCUT], ids=lambda one: one.name
)


@SCOPES
@NEARLY_THE_SAME
def test_nearly_the_same_query_over_one_client_fewer_is_refused(
    make_world: Callable[..., World], scope: DifferencingScope, second: Query
) -> None:
    world = make_statistics(make_world, scope, second)
    _, _, _, freeze = next_query_without_the_victim(world)

    duty = EndorseDuty(1, freeze.digest)
    assert {world.refused(name, duty) for name in world.custodians} == {"no-differencing"}
    for name in world.custodians:
        world.restart(name)
    assert {world.refused(name, duty) for name in world.custodians} == {"no-differencing"}


@NEARLY_THE_SAME
def test_the_control_that_with_the_rule_off_the_difference_is_the_victims_answer(
    make_world: Callable[..., World], monkeypatch: pytest.MonkeyPatch, second: Query
) -> None:
    world = make_statistics(make_world, DifferencingScope.STUDY, second)
    monkeypatch.setattr(endorse, "check_no_differencing", lambda *_: None)
    total, spec, fewer, freeze = next_query_without_the_victim(world)

    difference = (total - opened(world, spec, fewer, freeze))[: len(CELLS)]

    victim = records_of(world.clients[-1])
    assert difference.tolist() == [
        int(np.sum(victim["disease"])),
        int(np.sum(victim["age"])),
        40,
    ]


@NEARLY_THE_SAME
def test_the_very_same_set_may_answer_the_next_query(
    make_world: Callable[..., World], second: Query
) -> None:
    world = make_statistics(make_world, DifferencingScope.STUDY, second)
    spec = world.aggregator.spec()
    sent = answers(world, spec)
    freeze = world.aggregator.freeze(spec, sent)
    endorsements = world.endorse(freeze)
    world.release(freeze, endorsements)
    following = world.aggregator.spec_after(spec, world.leave(0), endorsements)
    again = answers(world, following)

    total = opened(world, following, again, world.aggregator.freeze(following, again))

    assert (total == np.sum([one.values for one in again], axis=0)).all()


def test_a_window_that_does_not_overlap_binds_only_where_the_study_does(
    make_world: Callable[..., World],
) -> None:
    by_window = make_statistics(make_world, DifferencingScope.VERSION, MARCH)
    _, spec, fewer, freeze = next_query_without_the_victim(by_window)
    assert opened(by_window, spec, fewer, freeze).size == len(CELLS)

    by_study = make_statistics(make_world, DifferencingScope.STUDY, MARCH)
    _, _, _, freeze = next_query_without_the_victim(by_study)
    duty = EndorseDuty(1, freeze.digest)
    assert {by_study.refused(name, duty) for name in by_study.custodians} == {"no-differencing"}


def test_no_round_asks_what_the_manifest_does_not(make_world: Callable[..., World]) -> None:
    """The aggregator chooses neither query nor window: a round has its version's, or none."""
    world = make_statistics(make_world, DifferencingScope.STUDY, SHIFTED)
    spec = world.aggregator.spec()
    duty = AcceptDuty(world.aggregator.spec(vector_length=world.study.vector_length + 1))
    assert world.refused("custodian-0", duty) == "spec-vector-length"
    skipping = AcceptDuty(world.aggregator.spec(model_version=1))
    assert world.refused("custodian-1", skipping) in {"spec-version", "model-version"}

    for number in range(2):
        sent = answers(world, spec)
        freeze = world.aggregator.freeze(spec, sent)
        endorsements = world.endorse(freeze)
        world.release(freeze, endorsements)
        spec = world.aggregator.spec_after(spec, world.leave(number), endorsements)

    duties = {name: AcceptDuty(spec) for name in world.custodians}
    assert {world.refused(name, duty) for name, duty in duties.items()} == {"query-left"}
