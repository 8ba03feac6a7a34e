"""Every signed kind survives the wire unchanged, and only canonical bytes come in."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from blindsum_crypto.errors import Rejected
from blindsum_crypto.identity import Identity
from blindsum_protos.convert.bodies import BODY_FORMS, form_of
from blindsum_protos.convert.contribution import core_header_bytes, core_header_from_bytes
from blindsum_protos.convert.exception import (
    exception_file_from_bytes,
    exception_file_to_bytes,
    signed_exception_from_bytes,
    signed_exception_to_bytes,
)
from blindsum_protos.convert.manifest import (
    ManifestFile,
    manifest_file_from_bytes,
    manifest_file_to_bytes,
)
from blindsum_protos.convert.signed import (
    open_signed,
    parse_signed,
    sign,
    signed_from_bytes,
    signed_list_from_bytes,
    signed_list_to_bytes,
    signed_to_bytes,
    to_wire,
)
from blindsum_protos.convert.strict import canonical_bytes, parse_strict
from blindsum_protos.v1 import manifest_pb2
from blindsum_rules.close import Close
from blindsum_rules.exception import DifferencingException, SignedException
from blindsum_rules.header import Contribution
from blindsum_rules.manifest import Approval, Manifest

KINDS = pytest.mark.parametrize("kind", BODY_FORMS, ids=lambda kind: kind.__name__)
Strategies = Mapping[type[Any], SearchStrategy[Any]]
Examples = Mapping[type[Any], Any]


@KINDS
@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_every_value_comes_back_as_it_was_signed(
    kind: type[Any], body_strategies: Strategies, identity: Identity, data: st.DataObject
) -> None:
    body = data.draw(body_strategies[kind])
    signed = sign(body, "signer", identity)

    opened = signed_from_bytes(kind, signed_to_bytes(signed), {"signer": identity.public})

    assert opened == signed
    assert opened.body == body
    assert opened.digest == signed.digest


@KINDS
@given(data=st.data())
@settings(max_examples=120, deadline=None)
def test_altered_bytes_are_rejected_or_are_the_canonical_bytes_of_another_value(
    kind: type[Any], examples: Examples, identity: Identity, data: st.DataObject
) -> None:
    form = form_of(kind)
    original = sign(examples[kind], "signer", identity).body_bytes
    start = data.draw(st.integers(0, len(original)))
    end = data.draw(st.integers(start, min(start + 3, len(original))))
    altered = original[:start] + data.draw(st.binary(max_size=3)) + original[end:]

    rule = ""
    try:
        value = form.from_message(parse_strict(form.message, altered))
    except Rejected as error:
        rule = error.rule

    if rule:
        assert rule in {"malformed-message", "unknown-field", "not-canonical"}
    else:
        assert canonical_bytes(form.to_message(value)) == altered


@KINDS
def test_a_parsed_envelope_and_its_bytes_say_the_same(
    kind: type[Any], examples: Examples, identity: Identity
) -> None:
    signed = sign(examples[kind], "signer", identity)

    assert parse_signed(kind, to_wire(signed)) == signed
    assert open_signed(kind, to_wire(signed), {"signer": identity.public}) == signed


def test_a_list_keeps_its_order_and_an_empty_one_has_no_bytes(identity: Identity) -> None:
    items = [
        sign(Close("study", number, b"", "signer", bytes(32)), "signer", identity)
        for number in (3, 1, 2)
    ]

    assert signed_list_from_bytes(Close, signed_list_to_bytes(items)) == tuple(items)
    assert signed_list_to_bytes([]) == b""
    assert signed_list_from_bytes(Close, b"") == ()


def test_a_list_of_another_kind_is_rejected(identity: Identity, examples: Examples) -> None:
    data = signed_list_to_bytes([sign(examples[Manifest], "signer", identity)])

    with pytest.raises(Rejected) as caught:
        signed_list_from_bytes(Close, data)

    assert caught.value.rule in {"malformed-message", "unknown-field", "not-canonical"}


@pytest.mark.parametrize("approved", [True, False])
def test_a_manifest_file_comes_back_with_and_without_approval(
    approved: bool,  # noqa: FBT001 - pytest hands it in
    examples: Examples,
    identity: Identity,
) -> None:
    manifest = sign(examples[Manifest], "operator", identity)
    approval = sign(Approval("heart", manifest.digest), "officer", identity) if approved else None

    file = ManifestFile(manifest, approval)
    assert manifest_file_from_bytes(manifest_file_to_bytes(manifest, approval)) == file


def test_a_manifest_file_without_a_manifest_is_rejected() -> None:
    with pytest.raises(Rejected, match=r"ManifestFile\.manifest") as caught:
        manifest_file_from_bytes(b"")

    assert caught.value.rule == "malformed-message"


def test_an_exception_file_comes_back(examples: Examples, identity: Identity) -> None:
    body = examples[DifferencingException]
    pair = sign(body, "operator", identity), sign(body, "officer", Identity(bytes(32)))

    assert exception_file_from_bytes(exception_file_to_bytes(*pair)) == pair


def test_an_exception_file_with_two_bodies_is_neither_written_nor_read(identity: Identity) -> None:
    first, second = (
        sign(
            DifferencingException("study", number, 0, ("a", "b"), "why", bytes(32)),
            "operator",
            identity,
        )
        for number in (1, 2)
    )
    message = manifest_pb2.SignedException(operator=to_wire(first), officer=to_wire(second))

    with pytest.raises(Rejected) as written:
        exception_file_to_bytes(first, second)
    with pytest.raises(Rejected) as read:
        exception_file_from_bytes(canonical_bytes(message))

    assert written.value.rule == "exception-bodies"
    assert read.value.rule == "exception-bodies"


def test_an_exception_file_with_one_signature_is_rejected(
    examples: Examples, identity: Identity
) -> None:
    signed = sign(examples[DifferencingException], "operator", identity)
    both = exception_file_to_bytes(signed, signed)
    one = both[: len(both) // 2]

    with pytest.raises(Rejected, match=r"SignedException\.officer") as caught:
        exception_file_from_bytes(one)

    assert caught.value.rule == "malformed-message"


def test_an_exception_that_waits_for_the_officer_comes_back_as_it_is(
    examples: Examples, identity: Identity
) -> None:
    signed = sign(examples[DifferencingException], "operator", identity)
    for waiting in (SignedException(signed), SignedException(signed, signed)):
        assert signed_exception_from_bytes(signed_exception_to_bytes(waiting)) == waiting

    with pytest.raises(Rejected, match=r"SignedException\.operator"):
        signed_exception_from_bytes(b"")


def test_a_core_header_comes_back(examples: Examples) -> None:
    core = examples[Contribution].core

    assert core_header_from_bytes(core_header_bytes(core)) == core
