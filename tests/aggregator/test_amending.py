"""Amendments: taken by their chain, put in force by the next spec, heeded at once where revoked."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from sqlalchemy import Connection
from tests.aggregator.amended import (
    NEW_CLIENT,
    NEW_CUSTODIAN,
    NEWCOMER,
    AmendedCast,
    amend,
    hand_in,
    rule_of,
    with_newcomer,
)
from tests.aggregator.cast import NOW, Cast, vector_of
from tests.aggregator.stage import Stage

from blindsum_aggregator import amending
from blindsum_aggregator.amending import take_amendments
from blindsum_aggregator.cohort import choose_cohort
from blindsum_aggregator.driver import Driver
from blindsum_aggregator.study import Study
from blindsum_crypto.errors import BlindsumError
from blindsum_rules.aggregate import decode_aggregate
from blindsum_rules.amendment import SignedAmendment
from blindsum_rules.differencing import EarlierFreeze
from blindsum_rules.manifest import Party
from blindsum_rules.requests import OperatorAction
from blindsum_rules.spec_checks import check_spec, in_force
from blindsum_rules.succession import check_succession
from blindsum_rules.transitions import AggregatorState


@pytest.fixture
def changed(cast: Cast) -> AmendedCast:
    """Somebody joins, somebody leaves, and a seat changes hands."""
    return amend(cast, joined=(NEWCOMER,), left=("client-0",), committee=with_newcomer(cast))


def move_on(stage: Stage, amended: AmendedCast) -> None:
    """The round at hand with its own cast, then the next one with the amended cast."""
    hand_in(stage, amended.amended.amendments)
    stage.play_to(AggregatorState.PUBLISHED)
    for custodian in amended.custodians:
        stage.study.attending.arrive(custodian)
    stage.leave()
    stage.cast = amended


def test_an_amendment_comes_into_force_with_the_next_spec(
    stage: Stage, changed: AmendedCast
) -> None:
    stage.settle()
    before = stage.spec
    move_on(stage, changed)

    spec = stage.spec

    assert spec.body.round_number == 1
    assert spec.body.amendments == changed.amended.amendments
    assert spec.body.cohort == ("client-1", "client-2", "client-3", "client-4", NEW_CLIENT)
    earlier = in_force(before, changed.amended.up_to(0))
    check_spec(spec, in_force(spec, earlier), NOW)
    check_succession(spec, before, earlier)
    assert spec.body.epoch == 1


def test_rounds_go_on_exactly_under_the_new_roster_and_committee(
    stage: Stage, changed: AmendedCast
) -> None:
    move_on(stage, changed)

    stage.play_to(AggregatorState.PUBLISHED)

    blob = stage.study.blobs.require(stage.row.commitment)
    values = decode_aggregate(blob, stage.cast.manifest.vector_length).values
    vectors = [vector_of(name) for name in stage.spec.body.cohort]
    assert values.tolist() == np.sum(vectors, axis=0).tolist()
    assert stage.leave() is AggregatorState.PROPOSED
    assert stage.spec.body.amendments == ()
    assert stage.spec.body.amendment_digest == changed.amended.amendment_digest


def test_a_restarted_aggregator_knows_what_is_pending_and_what_is_in_force(
    stage: Stage, changed: AmendedCast
) -> None:
    hand_in(stage, changed.amended.amendments)
    stage.play_to(AggregatorState.PUBLISHED)
    stage.restart()
    assert stage.study.manifest == stage.cast.signed_manifest.body
    assert stage.study.callers.eras.known.number == 1

    stage.leave()
    stage.restart()

    eras = stage.study.callers.eras
    assert stage.study.manifest == changed.manifest
    assert eras.since(1) == 1
    assert eras.of_round(0).body == stage.cast.signed_manifest.body
    assert eras.of_round(1).body == changed.manifest


def test_amendments_in_the_served_file_are_pending_and_a_shorter_file_takes_nothing_back(
    build_stage: Callable[..., Stage], cast: Cast, changed: AmendedCast
) -> None:
    stage = build_stage(cast)
    reopen(stage, changed.amended.amendments)

    assert stage.study.callers.eras.known.number == 1
    stage.settle()
    assert stage.spec.body.amendments == ()
    stage.play_to(AggregatorState.PUBLISHED)
    stage.leave()
    assert stage.spec.body.amendments == changed.amended.amendments
    reopen(stage, ())
    assert stage.study.manifest == changed.manifest


def test_a_served_file_with_another_amendment_of_a_known_number_is_refused(
    stage: Stage, cast: Cast, changed: AmendedCast
) -> None:
    hand_in(stage, changed.amended.amendments)
    other = amend(cast, left=("client-1",)).amended.amendments

    assert rule_of(lambda: reopen(stage, other)) == "amendment-exists"


def test_the_same_amendments_again_succeed(stage: Stage, changed: AmendedCast) -> None:
    first = hand_in(stage, changed.amended.amendments)

    assert "comes into force with the next round" in first
    assert hand_in(stage, changed.amended.amendments) == first
    stage.play_to(AggregatorState.PUBLISHED)
    stage.study.attending.arrive(NEW_CUSTODIAN)
    stage.leave()
    assert "in force already" in hand_in(stage, changed.amended.amendments)


def test_what_is_no_next_link_of_the_chain_is_refused_by_its_rule(
    stage: Stage, cast: Cast, changed: AmendedCast
) -> None:
    second = amend(changed, left=("client-1",)).amended.amendments[1:]
    forged = amend(cast, "officer", left=("client-1",)).amended.amendments
    other = amend(cast, left=("client-1",)).amended.amendments
    unsigned = SignedAmendment(replace(other[0].operator, signature=bytes(64)))

    assert rule_of(lambda: hand_in(stage, second)) == "amendment-number"
    assert rule_of(lambda: hand_in(stage, forged)) == "unknown-signer"
    assert rule_of(lambda: hand_in(stage, (unsigned,))) == "bad-signature"
    hand_in(stage, changed.amended.amendments)
    assert rule_of(lambda: hand_in(stage, other)) == "amendment-exists"
    known = stage.store.read(stage.study.eras).known
    assert known.amendments == changed.amended.amendments


def test_a_request_names_the_last_amendment_and_no_round(
    stage: Stage, changed: AmendedCast
) -> None:
    amendments = changed.amended.amendments

    assert rule_of(lambda: hand_in(stage, amendments, named=bytes(32))) == "amendment-digest"
    assert rule_of(lambda: hand_in(stage, (), named=bytes(32))) == "amendment-digest"
    assert rule_of(lambda: hand_in(stage, amendments, round_number=1)) == "request-round"


def test_without_the_officer_whom_the_manifest_names_nothing_is_taken(
    build_stage: Callable[..., Stage], cast: Cast
) -> None:
    officer = Party("officer", cast.identities["officer"].public)
    manifest = replace(cast.manifest, officer=officer)
    supervised = replace(cast, signed_manifest=cast.sign(manifest, "operator"))
    stage = build_stage(supervised)
    (one,) = amend(supervised, left=("client-0",)).amended.amendments

    assert rule_of(lambda: hand_in(stage, (one,))) == "officer-approval"
    both = SignedAmendment(one.operator, supervised.sign(one.body, "officer"))
    assert "comes into force" in hand_in(stage, (both,))


def test_an_amendment_that_fits_no_spec_is_refused_and_many_wait_for_several(
    stage: Stage, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = amend(cast, left=("client-0",))
    both = amend(first, joined=(NEWCOMER,)).amended.amendments
    monkeypatch.setattr(amending, "MAX_AMENDMENT_BYTES", 100)
    assert rule_of(lambda: hand_in(stage, both)) == "amendment-size"
    monkeypatch.setattr(amending, "MAX_AMENDMENT_BYTES", 10_000)
    monkeypatch.setattr(amending, "MAX_CARRIED_BYTES", 300)
    hand_in(stage, both)

    stage.settle()

    assert stage.spec.body.amendments == both[:1]
    stage.cast = first
    stage.play_to(AggregatorState.PUBLISHED)
    stage.leave()
    assert stage.spec.body.amendments == both[1:]


def test_what_a_transaction_took_and_lost_again_is_not_known(
    stage: Stage, changed: AmendedCast
) -> None:
    class LostError(Exception):
        pass

    def take_and_lose(connection: Connection) -> None:
        take_amendments(stage.study.eras(connection), connection, changed.amended.amendments)
        assert stage.study.eras(connection).known.number == 1
        raise LostError

    with pytest.raises(LostError):
        stage.store.write(take_and_lose)

    assert stage.store.read(stage.study.eras).known.number == 0


def test_an_end_spec_carries_what_is_pending(stage: Stage, changed: AmendedCast) -> None:
    hand_in(stage, changed.amended.amendments)
    stage.play_to(AggregatorState.PUBLISHED)
    stage.operate(OperatorAction.END_STUDY, 1)

    stage.leave()

    assert stage.spec.body.cohort == ()
    assert stage.spec.body.amendments == changed.amended.amendments
    check_spec(stage.spec, changed.amended, NOW)


def test_a_set_of_which_somebody_left_is_never_invited_again(changed: AmendedCast) -> None:
    manifest = changed.manifest
    everybody = frozenset(f"client-{index}" for index in range(5))
    earlier = [EarlierFreeze(0, 0, bytes(32), everybody)]
    able = tuple(client.name for client in manifest.clients)

    with pytest.raises(BlindsumError) as caught:
        choose_cohort(manifest, able, earlier, 1, repeat_first=False)

    assert caught.value.rule == "no-differencing"


def reopen(stage: Stage, amendments: tuple[SignedAmendment, ...]) -> None:
    """Serve the study again, with a file that holds these amendments."""
    stage.study = Study(
        stage.cast.files._replace(amendments=amendments),
        stage.cast.identities["aggregator"],
        stage.settings,
        stage.store,
        stage.clock,
    )
    stage.driver = Driver(stage.study)
    for custodian in (*stage.cast.custodians, NEW_CUSTODIAN):
        stage.study.attending.arrive(custodian)
