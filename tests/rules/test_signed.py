"""Signatures and digests over a body's very bytes, under the body's own domain."""

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from blindsum_crypto import domains
from blindsum_crypto.errors import Rejected
from blindsum_crypto.identity import verify_signature
from blindsum_crypto.primitives import digest
from blindsum_rules.close import Close
from blindsum_rules.endorsement import Endorsement
from blindsum_rules.release import PartRelease, Release
from blindsum_rules.signed import Signed, signing_input, verify

if TYPE_CHECKING:
    from tests.rules.conftest import SmallStudy


def test_a_signed_body_verifies_and_is_returned(study: "SmallStudy") -> None:
    signed = study.closes(study.spec())[0]
    assert verify(signed, study.body.custodian_keys) is signed


def test_a_signed_body_of_one_kind_is_none_of_another(study: "SmallStudy") -> None:
    close = study.closes(study.spec())[0]
    endorsement = Endorsement("small-study", 0, bytes(32), b"", close.signer)
    confused = Signed(endorsement, close.body_bytes, close.signer, close.signature)
    with pytest.raises(Rejected) as caught:
        verify(confused, study.body.custodian_keys)
    assert caught.value.rule == "bad-signature"
    assert confused.digest != close.digest


def test_who_may_not_sign_is_not_asked_for_a_signature(study: "SmallStudy") -> None:
    close = study.closes(study.spec(), who=["client-00"])[0]
    with pytest.raises(Rejected) as caught:
        verify(close, study.body.custodian_keys)
    assert caught.value.rule == "unknown-signer"
    verify(close, study.body.client_keys)


@pytest.mark.parametrize("signature", [b"", bytes(63), bytes(64), bytes(65)])
def test_bytes_that_are_no_signature_are_rejected(study: "SmallStudy", signature: bytes) -> None:
    close = replace(study.closes(study.spec())[0], signature=signature)
    with pytest.raises(Rejected) as caught:
        verify(close, study.body.custodian_keys)
    assert caught.value.rule == "bad-signature"


def test_digest_and_signing_input_are_as_the_wire_says() -> None:
    body = Close("small-study", 0, b"", "custodian-0", bytes(32))
    signed = Signed(body, b"bytes as sent", "custodian-0", b"")
    name = domains.CLOSE.encode()
    assert signed.digest == digest(domains.CLOSE, b"bytes as sent")
    assert signing_input(domains.CLOSE, b"bytes as sent") == (
        len(name).to_bytes(8, "big") + name + b"bytes as sent"
    )


def test_the_same_body_is_the_same_bytes_whoever_signed_them() -> None:
    body = Close("small-study", 0, b"", "custodian-0", bytes(32))
    one = Signed(body, b"one", "custodian-0", b"")
    assert one.same_body(Signed(body, b"one", "custodian-1", b"x"))
    assert not one.same_body(Signed(body, b"other", "custodian-0", b""))


def test_a_custodian_signs_in_no_other_name(study: "SmallStudy") -> None:
    theirs = study.closes(study.spec())[1]
    body = replace(theirs.body, custodian="custodian-0")
    body_bytes = repr(body).encode()
    signature = study.identities[theirs.signer].sign(signing_input(body.DOMAIN, body_bytes))
    misnamed = Signed(body, body_bytes, theirs.signer, signature)

    with pytest.raises(Rejected) as caught:
        verify(misnamed, study.body.custodian_keys)

    assert caught.value.rule == "signer-name"
    verify_signature(  # The control: only the name is wrong.
        study.body.custodian_keys[theirs.signer], signing_input(body.DOMAIN, body_bytes), signature
    )


def test_equal_words_of_two_custodians_have_two_digests(study: "SmallStudy") -> None:
    one, other = study.acceptances(study.spec())[:2]

    assert replace(one.body, custodian=other.signer) == other.body
    assert one.digest != other.digest


def test_a_signed_release_shows_no_share() -> None:
    share = b"the share of a part that nobody may read in a log"
    body = Release(
        "small-study", 0, bytes(32), bytes(32), 0, (PartRelease(1, share),), "custodian-0"
    )
    signed = Signed(body, b"\x0a" + share, "custodian-0", bytes(64))

    assert share.decode() not in repr(signed)
    assert "custodian-0" in repr(signed)
