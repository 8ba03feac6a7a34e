"""Duties become values, answers become messages, and no message carries a sealed vector."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from blindsum_crypto.errors import Rejected
from blindsum_custodian.accept import AcceptDuty
from blindsum_custodian.close import CloseDuty
from blindsum_custodian.custodian import RoundStep
from blindsum_custodian.duties import (
    answer_to_message,
    attendance_to_message,
    digest_of_message,
    duty_from_message,
)
from blindsum_custodian.endorse import EndorseDuty
from blindsum_custodian.release import ReleaseDuty
from blindsum_protos.convert.signed import to_wire
from blindsum_protos.v1 import aggregator_pb2, contribution_pb2, freeze_pb2, manifest_pb2, round_pb2
from blindsum_rules.exception import DifferencingException
from blindsum_rules.refusal import Refusal
from blindsum_rules.transitions import CustodianState

if TYPE_CHECKING:
    from tests.custodian.rounds.conftest import Play

A, B, C, D = (f"custodian-{index}" for index in range(4))

RECEIVED: tuple[type[Message], ...] = (
    aggregator_pb2.Duty,
    aggregator_pb2.DutyAnswered,
    # What stands inside the signed envelopes of a duty, or is fetched by its digest.
    round_pb2.SpecBody,
    round_pb2.CloseBody,
    contribution_pb2.HeaderPageBody,
    contribution_pb2.ContributionBody,
    contribution_pb2.CoreHeader,
    freeze_pb2.FreezeBody,
    freeze_pb2.EndorsementBody,
    manifest_pb2.ExceptionBody,
)


# Any: the two implementations of protobuf's descriptors have no common type.
def fields_below(kind: type[Message]) -> Iterator[Any]:
    """The descriptor of every field of a message and of the messages inside it."""
    seen: set[str] = set()
    waiting: list[Any] = [kind.DESCRIPTOR]
    while waiting:
        message = waiting.pop()
        if message.full_name in seen:
            continue
        seen.add(message.full_name)
        for field in message.fields:
            yield field
            if field.message_type is not None:
                waiting.append(field.message_type)


def test_no_message_that_a_custodian_receives_has_room_for_a_sealed_vector() -> None:
    fields = {field.full_name: field for kind in RECEIVED for field in fields_below(kind)}
    # The walk reaches every level: a duty's entries and what a client signs.
    assert "blindsum.v1.HeaderEntry.wrap" in fields
    assert "blindsum.v1.PreviousRound.freeze_digest" in fields

    about_payloads = {
        name for name in fields if "payload" in name.lower() or "chunk" in name.lower()
    }

    assert about_payloads == {
        "blindsum.v1.CoreHeader.payload_digest",  # 32 bytes, the value's door checks
        "blindsum.v1.CoreHeader.payload_bytes",  # a number
    }
    number = fields["blindsum.v1.CoreHeader.payload_bytes"]
    assert number.type == FieldDescriptor.TYPE_UINT64
    byte_fields = {
        name for name, field in fields.items() if field.type == FieldDescriptor.TYPE_BYTES
    }
    assert byte_fields - {name for name in byte_fields if "digest" in name} == {
        "blindsum.v1.Signed.body",  # one of the bodies above
        "blindsum.v1.Signed.signature",
        "blindsum.v1.HeaderEntry.wrap",
        "blindsum.v1.ContributionBody.core_header",
        "blindsum.v1.CoreHeader.round_id",
        "blindsum.v1.CoreHeader.seed_commitments",
        "blindsum.v1.CoreHeader.self_commitment",  # 32 bytes, the header's check counts them
        "blindsum.v1.HeaderPageBody.round_id",
        "blindsum.v1.FreezeBody.round_id",
        "blindsum.v1.FreezeBody.root",
        "blindsum.v1.EndorsementBody.round_id",
        "blindsum.v1.CloseBody.handed_to",  # 32 bytes or none, whoever reads it compares them
        "blindsum.v1.CloseDuty.handed_to",
        "blindsum.v1.PreviousRound.round_id",
        "blindsum.v1.PreviousRound.aggregate_commitment",
    }


def test_the_control_that_an_upload_does_have_room_for_one() -> None:
    fields = {field.full_name for field in fields_below(contribution_pb2.PayloadChunk)}
    assert "blindsum.v1.PayloadChunk.data" in fields


def messages_of(play: "Play") -> dict[str, tuple[aggregator_pb2.Duty, Any, bytes]]:
    """One duty of each kind: its message, the value it stands for, and the digest it names."""
    spec = play.spec()
    submissions = play.submissions(spec, play.clients[:2])
    admit = play.admit_duty(A, play.page(spec, submissions), submissions)
    freeze = play.freeze(spec, submissions)
    body = DifferencingException("small-study", 0, 0, ("client-00",), "a reason", bytes(32))
    hands = [play.people.sign(body, name) for name in ("operator", "officer")]
    endorsements = play.endorsements_of(spec, freeze, [B, C, D])
    entries = [
        aggregator_pb2.HeaderEntry(contribution=to_wire(one.contribution), wrap=one.wrap)
        for one in admit.entries
    ]
    return {
        "accept": (
            aggregator_pb2.Duty(accept=aggregator_pb2.AcceptDuty(spec=to_wire(spec))),
            AcceptDuty(spec),
            spec.digest,
        ),
        "admit": (
            aggregator_pb2.Duty(
                admit=aggregator_pb2.AdmitDuty(page=to_wire(admit.page), entries=entries)
            ),
            admit,
            admit.page.digest,
        ),
        "endorse": (
            aggregator_pb2.Duty(
                endorse=aggregator_pb2.EndorseDuty(
                    freeze_digest=freeze.digest,
                    exception_operator=to_wire(hands[0]),
                    exception_officer=to_wire(hands[1]),
                )
            ),
            EndorseDuty(0, freeze.digest, *hands),
            freeze.digest,
        ),
        "release": (
            aggregator_pb2.Duty(
                release=aggregator_pb2.ReleaseDuty(
                    freeze_digest=freeze.digest,
                    endorsements=[to_wire(one) for one in endorsements],
                )
            ),
            ReleaseDuty(0, freeze.digest, endorsements),
            freeze.digest,
        ),
        "close": (
            aggregator_pb2.Duty(close=aggregator_pb2.CloseDuty(round_number=7)),
            CloseDuty(7),
            b"",
        ),
    }


KINDS = ("accept", "admit", "endorse", "release", "close")


@pytest.mark.parametrize("kind", KINDS)
def test_a_duty_of_each_kind_is_read(play: "Play", kind: str) -> None:
    message, value, digest = messages_of(play)[kind]
    assert duty_from_message(message) == value
    assert digest_of_message(message) == digest


@pytest.mark.parametrize("kind", KINDS)
def test_a_duty_with_an_unknown_field_is_rejected(play: "Play", kind: str) -> None:
    message, _, _ = messages_of(play)[kind]
    unknown = aggregator_pb2.Duty.FromString(message.SerializeToString() + b"\x9a\x06\x01x")
    with pytest.raises(Rejected) as caught:
        duty_from_message(unknown)
    assert caught.value.rule == "unknown-field"


def test_an_empty_duty_is_rejected() -> None:
    with pytest.raises(Rejected) as caught:
        duty_from_message(aggregator_pb2.Duty())
    assert caught.value.rule == "malformed-message"
    assert digest_of_message(aggregator_pb2.Duty()) == b""


def test_a_page_with_an_entry_that_does_not_parse_is_refused_by_its_digest(play: "Play") -> None:
    message, value, _ = messages_of(play)["admit"]
    message.admit.entries[1].contribution.body += b"\x00"
    with pytest.raises(Rejected):
        duty_from_message(message)
    assert digest_of_message(message) == value.page.digest
    message.admit.page.body += b"\x00"
    assert digest_of_message(message) == b""


@pytest.mark.parametrize("digest", [b"", b"x" * 31])
def test_a_freeze_digest_of_another_length_is_rejected(digest: bytes) -> None:
    messages = [
        aggregator_pb2.Duty(endorse=aggregator_pb2.EndorseDuty(freeze_digest=digest)),
        aggregator_pb2.Duty(release=aggregator_pb2.ReleaseDuty(freeze_digest=digest)),
    ]
    for message in messages:
        with pytest.raises(Rejected) as caught:
            duty_from_message(message)
        assert caught.value.rule == "malformed-message"
        assert digest_of_message(message) == b""


def test_each_answer_travels_in_the_field_of_its_kind_with_its_own_bytes(play: "Play") -> None:
    spec = play.spec()
    submissions = play.submissions(spec, play.clients)
    freeze = play.freeze(spec, submissions)
    answers = {
        "acceptance": play.perform(A, AcceptDuty(spec)),
        "admission": play.perform(A, play.admit_duty(A, play.page(spec, submissions), submissions)),
        "endorsement": play.perform(A, EndorseDuty(0, freeze.digest)),
        "release": play.perform(
            A, ReleaseDuty(0, freeze.digest, play.endorsements_of(spec, freeze, [B, C, D]))
        ),
        "close": play.perform(A, CloseDuty(0)),
        "refusal": play.perform(A, CloseDuty(99)),
    }
    assert isinstance(answers["refusal"][0].body, Refusal)
    for kind, (answer,) in answers.items():
        message = answer_to_message(answer)
        assert message.WhichOneof("kind") == kind
        assert getattr(message, kind) == to_wire(answer)


def test_an_attendance_states_the_last_step_of_every_open_round(play: "Play") -> None:
    spec = play.spec()
    play.perform(A, AcceptDuty(spec))
    steps = play.custodian(A).attendance()
    assert steps == (RoundStep(0, CustodianState.ACCEPTED),)

    message = attendance_to_message("small-study", steps)
    assert message.study == "small-study"
    assert [(step.round_number, step.state) for step in message.steps] == [(0, "ACCEPTED")]

    play.perform(A, CloseDuty(0))
    assert play.custodian(A).attendance() == ()
