"""An error crosses the wire as a signed refusal and is the same error on the other side."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blindsum_crypto.errors import Aborted, BlindsumError, Refused, Rejected, Unavailable
from blindsum_crypto.identity import Identity
from blindsum_protos.convert.refusal import error_from_refusal, refusal_from_error
from blindsum_protos.convert.signed import sign, signed_from_bytes, signed_to_bytes
from blindsum_rules.refusal import Refusal

GRPC_METADATA_BYTES = 8_192  # grpc.max_metadata_size, the soft limit
KINDS = {Refused: "refused", Rejected: "rejected", Aborted: "aborted", Unavailable: "unavailable"}


@pytest.mark.parametrize("error_class", KINDS)
def test_each_kind_of_error_is_raised_again_as_itself(
    error_class: type[BlindsumError], identity: Identity
) -> None:
    error = error_class("min-cohort", "expected 3 contributions, got 2")

    refusal = refusal_from_error(error, "study", bytes(32))
    data = signed_to_bytes(sign(refusal, "aggregator", identity))
    opened = signed_from_bytes(Refusal, data, {"aggregator": identity.public})
    again = error_from_refusal(opened.body)

    assert refusal.kind == KINDS[error_class]
    assert refusal.request_digest == bytes(32)
    assert type(again) is error_class
    assert (again.rule, again.expected) == (error.rule, error.expected)


def test_a_refusal_of_an_unsigned_request_names_no_digest() -> None:
    assert refusal_from_error(Refused("quota", "expected less"), "study").request_digest == b""


def test_an_error_of_no_kind_is_a_mistake_of_the_program() -> None:
    with pytest.raises(TypeError):
        refusal_from_error(BlindsumError("rule", "sentence"), "study")


@given(text=st.text(max_size=200))
def test_whatever_an_error_says_its_refusal_can_be_signed(text: str) -> None:
    refusal = refusal_from_error(Refused("rule", text), "study")

    assert sign(refusal, "aggregator", Identity(bytes(32))).body == refusal


@pytest.mark.parametrize("text", ["x" * 1_000_000, "€" * 5_000, "\ud800" * 3_000, ""])
def test_a_refusal_fits_into_trailing_metadata(text: str, identity: Identity) -> None:
    refusal = refusal_from_error(Refused("rule", text), "study")

    assert len(signed_to_bytes(sign(refusal, "aggregator", identity))) < GRPC_METADATA_BYTES // 2


def test_a_long_sentence_is_cut_at_the_end_and_says_so() -> None:
    refusal = refusal_from_error(Refused("rule", "€" * 5_000), "study")

    assert refusal.expected == "€" * 665 + "…"


def test_a_line_break_in_an_error_forges_no_line_of_a_log() -> None:
    refusal = refusal_from_error(Refused("rule", "one\n2030-01-01 all is well\x1b[2J"), "study")

    assert refusal.expected == "one 2030-01-01 all is well [2J"
