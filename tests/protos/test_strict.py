"""Only one spelling of a body counts: unknown fields and other spellings are refused by name."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from blindsum_crypto.errors import Rejected
from blindsum_crypto.identity import Identity
from blindsum_protos.convert.bodies import BODY_FORMS, form_of
from blindsum_protos.convert.contribution import core_header_from_bytes
from blindsum_protos.convert.manifest import manifest_file_from_bytes, manifest_file_to_bytes
from blindsum_protos.convert.signed import (
    parse_signed,
    sign,
    signed_from_bytes,
    signed_list_from_bytes,
    signed_list_to_bytes,
    signed_to_bytes,
    to_wire,
)
from blindsum_protos.convert.strict import canonical_bytes, parse_strict, refuse_unknown_fields
from blindsum_protos.v1 import contribution_pb2, manifest_pb2, round_pb2, signed_pb2
from blindsum_rules.close import Close
from blindsum_rules.header import Contribution
from blindsum_rules.manifest import Manifest
from blindsum_rules.signed import signing_input
from blindsum_rules.spec import Spec

KINDS = pytest.mark.parametrize("kind", BODY_FORMS, ids=lambda kind: kind.__name__)
UNKNOWN = bytes.fromhex("c03e01")  # field 1000, varint 1
Examples = Mapping[type[Any], Any]

STUDY = bytes.fromhex("0a057374756479")  # field 1: "study"
ROUND = bytes.fromhex("1007")  # field 2: 7
FREEZE = bytes.fromhex("1a20") + bytes(range(32))  # field 3: 32 bytes
CUSTODIAN = bytes.fromhex("2206") + b"signer"  # field 4: "signer"
MANIFEST = bytes.fromhex("2a20") + bytes(32)


def envelope(kind: type[Any], body_bytes: bytes, identity: Identity) -> signed_pb2.Signed:
    """Whatever bytes, properly signed."""
    signature = identity.sign(signing_input(kind.DOMAIN, body_bytes))
    return signed_pb2.Signed(body=body_bytes, signer="signer", signature=signature)


def nested_messages(message: Message) -> Iterator[Message]:
    """Every message below a message, at any depth."""
    for field, value in message.ListFields():
        if field.type != FieldDescriptor.TYPE_MESSAGE:
            continue
        for below in [value] if isinstance(value, Message) else list(value):
            yield below
            yield from nested_messages(below)


@KINDS
def test_an_unknown_field_of_a_body_is_refused(
    kind: type[Any], examples: Examples, identity: Identity
) -> None:
    body_bytes = sign(examples[kind], "signer", identity).body_bytes + UNKNOWN

    with pytest.raises(Rejected) as caught:
        parse_signed(kind, envelope(kind, body_bytes, identity))

    assert caught.value.rule == "unknown-field"


@KINDS
def test_an_unknown_field_of_every_nested_message_is_refused(
    kind: type[Any], examples: Examples, identity: Identity
) -> None:
    form = form_of(kind)
    places = len(list(nested_messages(form.to_message(examples[kind]))))

    for place in range(places):
        message = form.to_message(examples[kind])
        list(nested_messages(message))[place].MergeFromString(UNKNOWN)
        with pytest.raises(Rejected) as caught:
            parse_signed(kind, envelope(kind, canonical_bytes(message), identity))
        assert caught.value.rule == "unknown-field"


def test_the_examples_have_nested_messages_where_the_wire_has_them(examples: Examples) -> None:
    nested = {
        kind.__name__
        for kind, value in examples.items()
        if any(nested_messages(form_of(kind).to_message(value)))
    }

    assert nested == {"Admission", "Amendment", "Freeze", "Manifest", "Release", "Spec"}


def test_an_unknown_field_inside_a_nested_body_is_refused(
    examples: Examples, identity: Identity
) -> None:
    message = form_of(Spec).to_message(examples[Spec])
    message.closes[0].CopyFrom(envelope(Close, STUDY + ROUND + UNKNOWN, identity))
    message.closes[0].signer = "k0"

    with pytest.raises(Rejected) as caught:
        parse_signed(Spec, envelope(Spec, canonical_bytes(message), identity))

    assert caught.value.rule == "unknown-field"


@pytest.mark.parametrize(
    ("spoil", "rule"),
    [
        (lambda core: core + UNKNOWN, "unknown-field"),
        (lambda core: core[:-1], "malformed-message"),
        (lambda core: core[7:] + core[:7], "not-canonical"),
        (lambda core: core[:0], "malformed-message"),
    ],
)
def test_a_core_header_is_parsed_as_strictly_as_the_body_around_it(
    spoil: Callable[[bytes], bytes], rule: str, examples: Examples, identity: Identity
) -> None:
    good: Contribution = examples[Contribution]
    core = spoil(good.core_bytes)
    body = contribution_pb2.ContributionBody(core_header=core, wrap_digests=good.wrap_digests)

    with pytest.raises(Rejected) as caught:
        parse_signed(Contribution, envelope(Contribution, canonical_bytes(body), identity))
    assert caught.value.rule == rule

    with pytest.raises(Rejected) as caught:
        core_header_from_bytes(core)
    assert caught.value.rule == rule


@pytest.mark.parametrize(
    ("body_bytes", "rule"),
    [
        pytest.param(STUDY + bytes.fromhex("1000"), "not-canonical", id="default-written-out"),
        pytest.param(STUDY + ROUND + bytes.fromhex("1a00"), "not-canonical", id="empty-bytes"),
        pytest.param(ROUND + STUDY + FREEZE, "not-canonical", id="out-of-order"),
        pytest.param(STUDY + bytes.fromhex("108700"), "not-canonical", id="long-varint"),
        pytest.param(bytes.fromhex("0a85007374756479"), "not-canonical", id="long-length"),
        pytest.param(STUDY + bytes.fromhex("900007"), "not-canonical", id="long-tag"),
        pytest.param(STUDY + STUDY + ROUND, "not-canonical", id="field-twice-equal"),
        pytest.param(STUDY + bytes.fromhex("1006") + ROUND, "not-canonical", id="field-twice"),
        pytest.param(STUDY + bytes.fromhex("1507000000"), "unknown-field", id="other-wire-type"),
        pytest.param(STUDY + bytes.fromhex("13 14"), "unknown-field", id="group"),
        pytest.param(STUDY + bytes.fromhex("0a"), "malformed-message", id="cut-off"),
        pytest.param(bytes.fromhex("0a02c328"), "malformed-message", id="not-utf-8"),
        pytest.param(STUDY + bytes.fromhex("0001"), "malformed-message", id="field-zero"),
        pytest.param(b"", "malformed-message", id="nothing"),
    ],
)
def test_another_spelling_of_a_close_is_refused(
    body_bytes: bytes, rule: str, identity: Identity
) -> None:
    with pytest.raises(Rejected) as caught:
        parse_signed(Close, envelope(Close, body_bytes, identity))

    assert caught.value.rule == rule


def test_the_one_spelling_of_that_close_is_accepted(identity: Identity) -> None:
    signed = parse_signed(
        Close, envelope(Close, STUDY + ROUND + FREEZE + CUSTODIAN + MANIFEST, identity)
    )

    assert signed.body == Close("study", 7, bytes(range(32)), "signer", bytes(32))


def test_a_split_or_unpacked_list_of_numbers_is_refused() -> None:
    packed = manifest_pb2.NamedArray(name="w", shape=[13, 8]).SerializeToString()
    unpacked = bytes.fromhex("0a0177") + bytes.fromhex("100d1008")
    split = bytes.fromhex("0a0177") + bytes.fromhex("12010d120108")

    for spelling in (unpacked, split):
        assert manifest_pb2.NamedArray.FromString(spelling).shape == [13, 8]
        with pytest.raises(Rejected) as caught:
            parse_strict(manifest_pb2.NamedArray, spelling)
        assert caught.value.rule == "not-canonical"
    assert parse_strict(manifest_pb2.NamedArray, packed).shape == [13, 8]


def test_a_nested_message_in_two_halves_is_refused() -> None:
    whole = round_pb2.SpecBody(previous=round_pb2.PreviousRound(round_id=b"a", freeze_digest=b"b"))
    first = round_pb2.SpecBody(previous=round_pb2.PreviousRound(round_id=b"a"))
    second = round_pb2.SpecBody(previous=round_pb2.PreviousRound(freeze_digest=b"b"))
    halves = first.SerializeToString() + second.SerializeToString()

    assert round_pb2.SpecBody.FromString(halves) == whole
    with pytest.raises(Rejected) as caught:
        parse_strict(round_pb2.SpecBody, halves)

    assert caught.value.rule == "not-canonical"


def test_envelopes_and_files_are_parsed_strictly_too(
    examples: Examples, identity: Identity
) -> None:
    close = sign(Close("study", 7, b"", "signer", bytes(32)), "signer", identity)
    manifest = sign(examples[Manifest], "signer", identity)
    doors: list[tuple[Callable[[bytes], object], bytes]] = [
        (lambda data: signed_from_bytes(Close, data), signed_to_bytes(close)),
        (lambda data: signed_list_from_bytes(Close, data), signed_list_to_bytes([close])),
        (manifest_file_from_bytes, manifest_file_to_bytes(manifest, None)),
    ]

    for read, data in doors:
        read(data)
        with pytest.raises(Rejected) as unknown:
            read(data + UNKNOWN)
        with pytest.raises(Rejected) as cut:
            read(data[:-1])
        assert unknown.value.rule == "unknown-field"
        assert cut.value.rule == "malformed-message"


def test_an_envelope_with_its_fields_out_of_order_is_refused(identity: Identity) -> None:
    signed = sign(Close("study", 7, b"", "signer", bytes(32)), "signer", identity)
    body = signed_pb2.Signed(body=signed.body_bytes).SerializeToString()
    rest = signed_pb2.Signed(signer="signer", signature=signed.signature).SerializeToString()

    assert signed_from_bytes(Close, body + rest) == signed
    with pytest.raises(Rejected) as caught:
        signed_from_bytes(Close, rest + body)

    assert caught.value.rule == "not-canonical"


def test_an_unknown_field_of_an_envelope_that_was_already_parsed_is_refused(
    identity: Identity,
) -> None:
    message = to_wire(sign(Close("study", 7, b"", "signer", bytes(32)), "signer", identity))
    message.MergeFromString(UNKNOWN)

    with pytest.raises(Rejected) as caught:
        parse_signed(Close, message)

    assert caught.value.rule == "unknown-field"


def test_a_live_door_refuses_unknown_fields_at_any_depth(identity: Identity) -> None:
    submission = contribution_pb2.HeaderSubmission(
        contribution=to_wire(sign(Close("study", 7, b"", "signer", bytes(32)), "signer", identity)),
        wraps=[b"w"],
    )
    refuse_unknown_fields(submission)
    submission.contribution.MergeFromString(UNKNOWN)

    with pytest.raises(Rejected) as caught:
        refuse_unknown_fields(submission)

    assert caught.value.rule == "unknown-field"
