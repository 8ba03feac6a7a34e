"""The freeze: the largest set that a quorum admits, nobody forgotten, nothing differenced."""

from collections.abc import Callable
from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st
from tests.aggregator.cast import Cast, build_cast
from tests.aggregator.stage import Stage

from blindsum_aggregator.freezing import choose_quorum
from blindsum_rules.freeze import LeftOut
from blindsum_rules.freeze_checks import check_freeze
from blindsum_rules.outcome_checks import check_receipt_honoured
from blindsum_rules.transitions import AggregatorState


def largest(admitted: list[int], custodians: int, quorum: int) -> int:
    return max(
        sum(all(mask >> index & 1 for index in chosen) for mask in admitted)
        for chosen in combinations(range(custodians), quorum)
    )


@given(
    st.integers(1, 6).flatmap(
        lambda m: st.tuples(
            st.just(m),
            st.integers(1, m),
            st.lists(st.integers(0, (1 << m) - 1), max_size=12),
        )
    )
)
def test_no_other_quorum_gives_a_larger_set(case: tuple[int, int, list[int]]) -> None:
    custodians, quorum, admitted = case

    chosen = choose_quorum(admitted, custodians, quorum)

    assert chosen.bit_count() == quorum
    assert sum(mask & chosen == chosen for mask in admitted) == largest(
        admitted, custodians, quorum
    )


def test_a_large_committee_still_gets_a_whole_quorum() -> None:
    everybody = (1 << 35) - 1
    without_first = everybody & ~1

    chosen = choose_quorum([everybody, without_first, without_first], 35, 18)

    assert chosen.bit_count() == 18
    assert not chosen & 1


def test_who_is_denied_is_left_out_with_the_rule(stage: Stage, cast: Cast) -> None:
    stage.settle()
    stage.accept()
    stage.contribute()

    stage.admit(denied=["client-1"])

    freeze = stage.freeze
    check_freeze(freeze, stage.spec, cast.manifest)
    digest = stage.sent[0, "client-1"].contribution.digest
    assert freeze.body.left_out == (LeftOut("client-1", digest, "bad-wrap"),)
    assert freeze.body.clients == set(cast.clients) - {"client-1"}


def test_one_custodian_that_denies_alone_does_not_shrink_the_set(stage: Stage, cast: Cast) -> None:
    stage.settle()
    stage.accept()
    stage.contribute()
    stage.admit(cast.custodians[:1], denied=["client-1"])

    stage.admit(cast.custodians[1:])

    assert stage.freeze.body.clients == set(cast.clients)
    assert stage.freeze.body.left_out == ()


def test_every_receipt_is_honoured_by_the_freeze(stage: Stage, cast: Cast) -> None:
    stage.settle()
    stage.accept()
    receipts = [stage.upload(cast.contribute(stage.spec, client)) for client in cast.clients]
    stage.settle()

    stage.admit(denied=["client-0", "client-3"])

    for receipt in receipts:
        check_receipt_honoured(receipt, stage.freeze)


def test_the_freeze_waits_for_attending_custodians_and_no_longer_than_the_grace(
    stage: Stage, cast: Cast
) -> None:
    stage.settle()
    stage.accept()
    stage.contribute()

    assert stage.admit(cast.custodians[:3]) is AggregatorState.OPEN
    stage.clock.turn(stage.settings.admission_grace_seconds)
    assert stage.settle() is AggregatorState.FROZEN


def test_the_freeze_does_not_wait_for_who_is_not_there(stage: Stage, cast: Cast) -> None:
    stage.study.attending.leave(cast.custodians[3])
    stage.settle()
    stage.accept()
    stage.contribute()

    assert stage.admit(cast.custodians[:3]) is AggregatorState.FROZEN


def test_without_a_quorum_of_admissions_the_round_ends_at_its_release_deadline(
    stage: Stage, cast: Cast
) -> None:
    stage.settle()
    stage.accept()
    stage.contribute()
    stage.admit(cast.custodians[:2])
    stage.clock.now = stage.row.release_deadline_unix - 1
    assert stage.settle() is AggregatorState.OPEN
    stage.clock.turn(1)

    assert stage.settle() is AggregatorState.ABORTED
    assert stage.row.rule == "admission-time-out"
    assert "custodian-2" in stage.row.expected
    assert stage.row.freeze_digest == b""


def test_when_everybody_denies_the_round_is_aborted_and_nothing_is_frozen(
    stage: Stage, cast: Cast
) -> None:
    stage.settle()
    stage.accept()
    stage.contribute()

    assert stage.admit(denied=cast.clients[1:]) is AggregatorState.ABORTED
    assert stage.row.rule == "min-cohort"
    assert stage.row.freeze_digest == b""


def test_too_few_organisations_are_no_set(build_stage: Callable[..., Stage]) -> None:
    cast = build_cast(min_organisations=4)
    stage = build_stage(cast)
    stage.settle()
    stage.accept()
    stage.contribute()

    assert stage.admit(denied=cast.clients[:2]) is AggregatorState.ABORTED
    assert stage.row.rule == "min-organisations"


def test_a_set_that_overlaps_a_released_one_is_not_even_signed(stage: Stage, cast: Cast) -> None:
    # The round before froze everybody and was given up; its freeze counts as released.
    stage.play_to(AggregatorState.ENDORSED)
    stage.clock.turn(1)
    stage.abort()
    stage.leave()
    assert stage.spec.body.cohort == cast.clients
    stage.accept()
    stage.contribute(cast.clients[:4])
    stage.clock.now = stage.row.contribute_deadline_unix
    stage.settle()

    assert stage.admit() is AggregatorState.ABORTED
    assert stage.row.rule == "no-differencing"
    assert stage.row.freeze_digest == b""


def test_a_set_that_a_quorum_of_closes_does_not_name_binds_nobody(stage: Stage, cast: Cast) -> None:
    stage.play_to(AggregatorState.FROZEN)
    stage.abort()
    stage.leave(named=False)
    stage.accept()
    stage.contribute(cast.clients[:4])
    stage.clock.now = stage.row.contribute_deadline_unix
    stage.settle()

    assert stage.admit() is AggregatorState.FROZEN


def test_there_is_one_freeze_whatever_custodians_say_later(stage: Stage, cast: Cast) -> None:
    stage.settle()
    stage.accept()
    stage.contribute()
    stage.study.attending.leave(cast.custodians[3])
    stage.admit(cast.custodians[:3], denied=["client-4"])
    frozen = stage.row.freeze_digest

    stage.admit(cast.custodians[3:])

    assert stage.row.freeze_digest == frozen
    assert "client-4" not in stage.freeze.body.clients
