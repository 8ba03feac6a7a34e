"""A changed bit, another signer, another kind: nothing of it is believed (threat T21)."""

import itertools
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blindsum_crypto import domains
from blindsum_crypto.errors import Rejected
from blindsum_crypto.identity import Identity
from blindsum_protos.convert.bodies import BODY_FORMS, form_of
from blindsum_protos.convert.signed import open_signed, sign, signed_from_bytes, signed_to_bytes
from blindsum_protos.v1 import signed_pb2
from blindsum_rules.close import Close
from blindsum_rules.endorsement import Endorsement
from blindsum_rules.manifest import Approval
from blindsum_rules.receipt import Receipt

KINDS = pytest.mark.parametrize("kind", BODY_FORMS, ids=lambda kind: kind.__name__)
Examples = Mapping[type[Any], Any]
DOOR_RULES = {"malformed-message", "unknown-field", "not-canonical"}


def flip(data: bytes, bit: int) -> bytes:
    """The same bytes with one bit changed."""
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


@KINDS
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_a_flipped_bit_anywhere_in_an_envelope_is_rejected(
    kind: type[Any], examples: Examples, identity: Identity, data: st.DataObject
) -> None:
    whole = signed_to_bytes(sign(examples[kind], "signer", identity))
    bit = data.draw(st.integers(0, 8 * len(whole) - 1))

    with pytest.raises(Rejected) as caught:
        signed_from_bytes(kind, flip(whole, bit), {"signer": identity.public})

    assert caught.value.rule in {*DOOR_RULES, "bad-signature", "unknown-signer", "signer-name"}


def test_every_single_flipped_bit_of_a_close_is_rejected(identity: Identity) -> None:
    whole = signed_to_bytes(
        sign(Close("study", 7, bytes(32), "signer", bytes(32)), "signer", identity)
    )

    for bit in range(8 * len(whole)):
        with pytest.raises(Rejected):
            signed_from_bytes(Close, flip(whole, bit), {"signer": identity.public})


@KINDS
def test_a_flipped_bit_of_the_signature_is_a_bad_signature(
    kind: type[Any], examples: Examples, identity: Identity
) -> None:
    signed = sign(examples[kind], "signer", identity)
    for bit in (0, 255, 256, 511):
        message = signed_pb2.Signed(
            body=signed.body_bytes, signer="signer", signature=flip(signed.signature, bit)
        )

        with pytest.raises(Rejected) as caught:
            open_signed(kind, message, {"signer": identity.public})

        assert caught.value.rule == "bad-signature"


@KINDS
def test_another_signer_is_unknown_and_another_key_does_not_fit(
    kind: type[Any], examples: Examples, identity: Identity
) -> None:
    data = signed_to_bytes(sign(examples[kind], "signer", identity))
    stranger = signed_to_bytes(sign(examples[kind], "stranger", identity))
    signers = {"signer": identity.public}

    with pytest.raises(Rejected) as unknown:
        signed_from_bytes(kind, stranger, signers)
    with pytest.raises(Rejected) as unfit:
        signed_from_bytes(kind, data, {"signer": Identity(bytes(32)).public})

    assert unknown.value.rule == "unknown-signer"
    assert unfit.value.rule == "bad-signature"
    assert signed_from_bytes(kind, data, signers).body == examples[kind]


def test_the_signer_may_not_be_exchanged_for_another_known_one(identity: Identity) -> None:
    other = Identity(bytes(32))
    signers = {"signer": identity.public, "other": other.public}
    for body, rule in (
        (Approval("study", bytes(32)), "bad-signature"),
        (Close("study", 7, b"", "signer", bytes(32)), "signer-name"),
    ):
        exchanged = signed_to_bytes(replace(sign(body, "signer", identity), signer="other"))

        with pytest.raises(Rejected) as caught:
            signed_from_bytes(type(body), exchanged, signers)

        assert caught.value.rule == rule


def test_a_close_is_no_receipt_though_both_have_the_same_fields(identity: Identity) -> None:
    """Attack: a close and a receipt of one number can be the same bytes; only domains differ."""
    digest = bytes(range(32))
    close = sign(Close("study", 7, digest, "signer", bytes(32)), "signer", identity)
    receipt = sign(Receipt("study", 7, digest, "signer", bytes(32), 0), "signer", identity)
    assert close.body_bytes == receipt.body_bytes

    with pytest.raises(Rejected) as caught:
        signed_from_bytes(Receipt, signed_to_bytes(close), {"signer": identity.public})

    assert caught.value.rule == "bad-signature"
    assert close.digest != receipt.digest
    assert close.signature != receipt.signature


def test_a_close_is_no_endorsement(identity: Identity) -> None:
    close = sign(Close("study", 7, bytes(32), "signer", bytes(32)), "signer", identity)

    with pytest.raises(Rejected) as caught:
        signed_from_bytes(Endorsement, signed_to_bytes(close), {"signer": identity.public})

    assert caught.value.rule == "malformed-message"


def test_no_kind_passes_for_any_other_kind(examples: Examples, identity: Identity) -> None:
    pairs = list(itertools.permutations(examples, 2))

    for kind, other in pairs:
        data = signed_to_bytes(sign(examples[kind], "signer", identity))
        with pytest.raises(Rejected) as caught:
            signed_from_bytes(other, data, {"signer": identity.public})
        assert caught.value.rule in {*DOOR_RULES, "bad-signature"}

    assert len(pairs) == len(BODY_FORMS) * (len(BODY_FORMS) - 1)


def test_bytes_that_pass_the_parser_as_another_kind_fail_at_its_domain(
    examples: Examples, identity: Identity
) -> None:
    """The negative control of the domains: without them these pairs would be believed."""
    confusable = set()
    plain = {**examples, Close: replace(examples[Close], handed_to=b"")}
    for kind, other in itertools.permutations(plain, 2):
        data = signed_to_bytes(sign(plain[kind], "signer", identity))
        try:
            signed_from_bytes(other, data)
        except Rejected:
            continue
        confusable.add((kind.__name__, other.__name__))

    assert ("Close", "Receipt") in confusable


def test_every_kind_has_its_own_domain() -> None:
    used = [kind.DOMAIN for kind in BODY_FORMS]

    assert len(set(used)) == len(used)


def test_every_domain_string_of_the_table_is_unique() -> None:
    strings = [value for name, value in vars(domains).items() if name.isupper()]

    assert len(strings) > len(BODY_FORMS)
    assert len(set(strings)) == len(strings)
    assert {kind.DOMAIN for kind in BODY_FORMS} <= set(strings)


def test_every_body_message_of_the_wire_is_in_the_table() -> None:
    files = {form.message.DESCRIPTOR.file for form in BODY_FORMS.values()}
    bodies = {
        name for file in files for name in file.message_types_by_name if name.endswith("Body")
    }

    assert {form_of(kind).message.DESCRIPTOR.name for kind in BODY_FORMS} == bodies
