"""Headers, wraps and receipts: whose, how large, how often, and until when."""

from dataclasses import replace

import pytest
from tests.aggregator.cast import Cast, Sent, payload_digest
from tests.aggregator.stage import Stage

from blindsum_aggregator.store.messages import MessageKind
from blindsum_aggregator.upload import MAX_WRAP_BYTES, find_upload, give_receipt
from blindsum_crypto.errors import BlindsumError, Refused
from blindsum_rules.receipt import Receipt
from blindsum_rules.transitions import AggregatorState


@pytest.fixture
def open_stage(stage: Stage) -> Stage:
    stage.settle()
    stage.accept()
    return stage


def refused(stage: Stage, sent: Sent) -> str:
    with pytest.raises(BlindsumError) as caught:
        stage.upload(sent)
    return caught.value.rule


def test_the_same_header_and_payload_give_the_same_receipt_again(
    open_stage: Stage, cast: Cast
) -> None:
    sent = cast.contribute(open_stage.spec, "client-0")
    receipt = open_stage.upload(sent)

    assert open_stage.submit(sent) == len(sent.payload)
    row, again = open_stage.store.read(
        lambda c: find_upload(open_stage.study, c, "client-0", sent.contribution.digest)
    )
    assert again == receipt
    assert row.received_unix == open_stage.clock()


def test_a_second_header_of_one_client_is_refused(open_stage: Stage, cast: Cast) -> None:
    open_stage.submit(cast.contribute(open_stage.spec, "client-0"))

    assert refused(open_stage, cast.contribute(open_stage.spec, "client-0")) == (
        "second-contribution"
    )


def test_a_receipt_is_still_given_again_after_the_freeze(open_stage: Stage, cast: Cast) -> None:
    sent = cast.contribute(open_stage.spec, "client-0")
    open_stage.upload(sent)
    open_stage.contribute(cast.clients[1:])
    assert open_stage.admit() is AggregatorState.FROZEN

    assert open_stage.submit(sent) == len(sent.payload)


def test_after_the_quota_nobody_else_gets_in(open_stage: Stage, cast: Cast) -> None:
    late = cast.contribute(open_stage.spec, "client-4")
    open_stage.submit(late)
    open_stage.contribute(cast.clients[:4])
    open_stage.clock.now = open_stage.row.contribute_deadline_unix
    open_stage.settle()

    assert refused(open_stage, late) == "collection-closed"
    assert open_stage.admit() is AggregatorState.FROZEN
    assert "client-4" not in open_stage.freeze.body.clients
    assert "client-4" not in [one.client for one in open_stage.freeze.body.left_out]


def test_a_payload_that_ends_behind_the_deadline_gets_no_receipt(
    open_stage: Stage, cast: Cast
) -> None:
    late = cast.contribute(open_stage.spec, "client-4")
    open_stage.submit(late)
    open_stage.study.spool.append(0, "client-4", 0, late.payload)
    open_stage.contribute(cast.clients[:4])
    open_stage.clock.now = open_stage.row.contribute_deadline_unix
    open_stage.settle()

    with pytest.raises(Refused) as caught:
        open_stage.upload(late)

    assert caught.value.rule == "collection-closed"


def test_a_receipt_and_the_freeze_stand_in_one_line(open_stage: Stage, cast: Cast) -> None:
    """The payload was whole and checked in time; its receipt came behind the deadline."""
    late = cast.contribute(open_stage.spec, "client-4")
    open_stage.submit(late)
    row, _ = open_stage.store.read(
        lambda c: find_upload(open_stage.study, c, "client-4", late.contribution.digest)
    )
    open_stage.contribute(cast.clients[:4])
    open_stage.clock.now = open_stage.row.contribute_deadline_unix
    open_stage.settle()

    with pytest.raises(Refused) as caught:
        open_stage.store.write(lambda c: give_receipt(open_stage.study, c, row))

    assert caught.value.rule == "collection-closed"
    assert len(open_stage.messages(MessageKind.RECEIPT, Receipt)) == 4


def test_before_a_quorum_accepted_nothing_is_taken(stage: Stage, cast: Cast) -> None:
    stage.settle()

    assert refused(stage, cast.contribute(stage.spec, "client-0")) == "round-not-open"


def test_a_stranger_is_refused(open_stage: Stage, cast: Cast) -> None:
    sent = cast.contribute(open_stage.spec, "client-0")
    core = replace(sent.contribution.body.core, client="operator")

    stranger = replace(sent, contribution=cast.header(core, sent.wraps))

    assert refused(open_stage, stranger) == "stranger"


def test_a_header_for_another_round_is_rejected(open_stage: Stage, cast: Cast) -> None:
    sent = cast.contribute(open_stage.spec, "client-0")
    core = replace(sent.contribution.body.core, round_id=bytes(32))

    other = replace(sent, contribution=cast.header(core, sent.wraps))

    assert refused(open_stage, other) == "wrong-round"


def test_a_header_that_announces_another_length_is_rejected(open_stage: Stage, cast: Cast) -> None:
    sent = cast.contribute(open_stage.spec, "client-0")
    core = replace(sent.contribution.body.core, payload_bytes=len(sent.payload) + 1)

    other = replace(sent, contribution=cast.header(core, sent.wraps))

    assert refused(open_stage, other) == "payload-length"


def test_a_mauled_wrap_is_rejected_and_the_true_one_is_taken(open_stage: Stage, cast: Cast) -> None:
    sent = cast.contribute(open_stage.spec, "client-0")
    mauled = bytes([sent.wraps[0][0] ^ 1]) + sent.wraps[0][1:]

    assert refused(open_stage, replace(sent, wraps=(mauled, *sent.wraps[1:]))) == "wrap-digest"
    assert refused(open_stage, replace(sent, wraps=sent.wraps[1:])) == "wraps"
    open_stage.upload(sent)


def test_a_wrap_that_would_fill_a_page_alone_is_rejected(open_stage: Stage, cast: Cast) -> None:
    sent = cast.contribute(open_stage.spec, "client-0")
    wraps = (bytes(MAX_WRAP_BYTES + 1), *sent.wraps[1:])

    large = replace(sent, wraps=wraps, contribution=cast.header(sent.contribution.body.core, wraps))

    assert refused(open_stage, large) == "wrap-length"


def test_a_payload_whose_digest_differs_is_deleted_and_may_come_again(
    open_stage: Stage, cast: Cast
) -> None:
    sent = cast.contribute(open_stage.spec, "client-0")
    mauled = bytes([sent.payload[0] ^ 1]) + sent.payload[1:]

    assert refused(open_stage, replace(sent, payload=mauled)) == "payload-digest"
    assert open_stage.submit(sent) == 0
    open_stage.upload(sent)


def test_words_that_are_no_residues_are_rejected_before_anything_is_added(
    open_stage: Stage, cast: Cast
) -> None:
    sent = cast.contribute(open_stage.spec, "client-0")
    payload = b"\xff" * len(sent.payload)
    core = replace(sent.contribution.body.core, payload_digest=payload_digest(payload))

    garbage = replace(sent, payload=payload, contribution=cast.header(core, sent.wraps))

    assert refused(open_stage, garbage) == "word-out-of-range"
    assert open_stage.messages(MessageKind.RECEIPT, Receipt) == []
