"""T30, before the freeze: a client states false pairs, to spoil the sum or to evict others.

Both ends of a pair state h_ij, so a false one is disputed, and the aggregator settles disputes
before it freezes. What a client says that nobody contradicts is found at the opening
(`test_false_commitments.py`).
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from structlog.testing import capture_logs
from tests.adversarial.hostile_aggregator import Sent
from tests.adversarial.pair_liars import COMMITMENT, lying_in_its_table, with_other_secrets
from tests.adversarial.served_study import ServedStudy, served, valid_now
from tests.adversarial.world import World, total_of

from blindsum_crypto.masking.disputes import _disputes, disputing
from blindsum_crypto.masking.summing import MaskingSumming
from blindsum_crypto.seal import SealedMember
from blindsum_rules.signed import Signed
from blindsum_rules.spec import Spec
from blindsum_rules.transitions import AggregatorState

LIAR = "client-00"
Lying = Callable[..., Sent]


@pytest.fixture
def seal() -> str:
    """The seal that has pairs."""
    return "masking"


@pytest.fixture
def study(make_world: Callable[..., World], tmp_path: Path) -> Iterator[ServedStudy]:
    with served(make_world(**valid_now()), tmp_path / "aggregator") as running:
        yield running


def false_commitments(world: World, spec: Signed[Spec], client: str, *peers: str) -> Sent:
    return lying_in_its_table(world, spec, client, peers, COMMITMENT)


LIES = pytest.mark.parametrize("lie", [with_other_secrets, false_commitments])


def everybody_sends(study: ServedStudy, lie: Lying, *peers: str) -> list[Sent]:
    """The liar and the others contribute to round 0; what the others sent."""
    world, spec = study.world, study.is_open(0)
    others = [world.seal(spec, name) for name in spec.body.cohort if name != LIAR]
    for one in (lie(world, spec, LIAR, *peers), *others):
        study.send(one)
    return others


def left_out(study: ServedStudy) -> dict[str, str]:
    (freeze,) = study.frozen(0)
    return {one.client: one.rule for one in freeze.body.left_out}


@LIES
def test_a_client_that_disputes_two_is_the_one_left_out_and_the_others_are_summed(
    study: ServedStudy, lie: Lying
) -> None:
    others = everybody_sends(study, lie, "client-02", "client-03")

    with capture_logs() as log:
        assert study.carry(0) is AggregatorState.PUBLISHED

    assert left_out(study) == {LIAR: "pair-dispute"}
    assert np.array_equal(study.opened(0), total_of(others))
    # The operator settles what is no proof: the log names the pair's one end.
    assert {line["client"] for line in log if line["event"] == "pair-dispute"} == {LIAR}


@LIES
def test_of_a_single_dispute_both_ends_are_left_out_because_either_may_lie(
    study: ServedStudy, lie: Lying
) -> None:
    others = everybody_sends(study, lie, "client-02")

    assert study.carry(0) is AggregatorState.PUBLISHED

    assert left_out(study) == {LIAR: "pair-dispute", "client-02": "pair-dispute"}
    rest = [one for one in others if one.client != "client-02"]
    assert np.array_equal(study.opened(0), total_of(rest))


def test_the_control_when_disputes_are_not_settled_the_liar_spoils_the_sum_unnamed(
    study: ServedStudy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(MaskingSumming, "disputing", lambda *_: frozenset())
    everybody_sends(study, with_other_secrets, "client-02", "client-03")

    assert study.carry(0) is AggregatorState.ABORTED

    assert study.row(0).rule == "padding-gate"
    assert left_out(study) == {}


# ---- colluding clients dispute in order to evict others


def tables(clients: int, disputes: set[tuple[int, int]]) -> tuple[list[str], list[SealedMember]]:
    """A cohort whose pair tables agree everywhere but at these pairs, and who sent them."""
    cohort = [f"client-{place:03}" for place in range(clients)]
    false = disputes | {(right, left) for left, right in disputes}
    members = []
    for place, client in enumerate(cohort):
        # Of two ends that dispute the first states ones, and everybody else zeros.
        stated = [
            b"\1" * 32 if (place, peer) in false and place < peer else bytes(32)
            for peer in range(clients)
            if peer != place
        ]
        members.append(SealedMember(client, b"", b"".join(bytes(32) + one for one in stated)))
    return cohort, members


def evicted(colluders: int, clients: int, disputes: set[tuple[int, int]]) -> tuple[int, int]:
    """How many others and how many colluders are left out; the colluders have the first places."""
    cohort, members = tables(clients, disputes)
    out = disputing(cohort, members)
    gone = len(out.intersection(cohort[:colluders]))
    return len(out) - gone, gone


def test_colluders_evict_at_most_their_own_number_and_fewer_if_they_are_to_stay() -> None:
    drawn = np.random.default_rng(20220)
    for _ in range(400):
        clients = int(drawn.integers(3, 16))
        colluders = int(drawn.integers(1, clients - 1))
        stated = drawn.random((clients, clients)) < drawn.choice([0.1, 0.3, 0.6, 1.0])
        disputes = {
            (left, right)
            for left in range(colluders)
            for right in range(left + 1, clients)
            if stated[left, right]
        }

        others, gone = evicted(colluders, clients, disputes)

        assert others <= colluders
        if disputes:
            assert others + gone > 0
        if not gone:
            assert others < colluders or not others


def in_stages(colluders: int) -> set[tuple[int, int]]:
    """Victims of 2, 4, 8, ... disputes, half as many of each as there are colluders.

    Whoever has most disputes is always a victim: once the most disputed are gone, each colluder
    has fewer disputes left than the next ones.
    """
    disputes: set[tuple[int, int]] = set()
    victim, place, degree = colluders, 0, 2
    while degree <= colluders:
        for _ in range(colluders // 2):
            disputes |= {((place + step) % colluders, victim) for step in range(degree)}
            victim, place = victim + 1, place + degree
        degree *= 2
    return disputes


@pytest.mark.parametrize(("colluders", "victims"), [(4, 4), (8, 12), (32, 80)])
def test_victims_in_stages_are_not_evicted_though_they_dispute_more_than_the_liars(
    colluders: int, victims: int
) -> None:
    disputes = in_stages(colluders)
    clients = 1 + max(victim for _, victim in disputes)
    assert clients == colluders + victims

    others, gone = evicted(colluders, clients, disputes)

    assert others <= colluders
    assert gone == colluders


@pytest.mark.parametrize(("colluders", "victims"), [(4, 4), (8, 12), (32, 80)])
def test_the_control_leaving_out_whoever_has_most_disputes_evicts_them_all(
    colluders: int, victims: int
) -> None:
    """The rule that this project had first: no colluder goes, and more than their number do."""
    cohort, members = tables(colluders + victims, in_stages(colluders))

    assert most_disputed_first(cohort, members) == set(cohort[colluders:])


def most_disputed_first(cohort: Sequence[str], members: Sequence[SealedMember]) -> set[str]:
    disputes = _disputes(cohort, members)
    stays = np.ones(len(members), bool)
    while (counts := disputes[:, stays].sum(axis=1) * stays).any():
        stays &= counts < counts.max()
    return {client for client, one in zip(cohort, stays, strict=True) if not one}


def test_an_honest_client_that_nobody_disputes_is_never_left_out() -> None:
    for client in range(2, 6):
        others, gone = evicted(1, 6, {(0, client)})
        assert (others, gone) == (1, 1)
    assert evicted(1, 6, set()) == (0, 0)
    assert evicted(1, 6, {(0, client) for client in range(2, 6)}) == (0, 1)
