"""Nobody signs what no receiver would take."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from blindsum_crypto.errors import Refused, Rejected
from blindsum_crypto.identity import Identity
from blindsum_protos.convert.signed import sign, to_wire
from blindsum_rules.close import Close
from blindsum_rules.freeze import Freeze
from blindsum_rules.header import Contribution

Examples = Mapping[type[Any], Any]


def test_signing_is_deterministic(examples: Examples, identity: Identity) -> None:
    for value in examples.values():
        assert sign(value, "signer", identity) == sign(value, "signer", identity)


def test_the_envelope_carries_the_very_bytes_that_were_signed(identity: Identity) -> None:
    signed = sign(Close("study", 7, b"", "signer", bytes(32)), "signer", identity)
    message = to_wire(signed)

    assert (message.body, message.signer, message.signature) == (
        signed.body_bytes,
        "signer",
        signed.signature,
    )


@pytest.mark.parametrize(
    "body",
    [
        Close("Study", 7, b"", "signer", bytes(32)),
        Close("study", 1 << 32, b"", "signer", bytes(32)),
        Close("study", 7, b"short", "signer", bytes(32)),
    ],
)
def test_a_malformed_value_is_not_signed(body: Close, identity: Identity) -> None:
    with pytest.raises(Rejected) as caught:
        sign(body, "signer", identity)

    assert caught.value.rule == "malformed-message"


@pytest.mark.parametrize(
    "body",
    [Close("study", -1, b"", "signer", bytes(32)), Close("\ud800", 7, b"", "signer", bytes(32))],
)
def test_a_value_that_fits_no_field_is_not_signed(body: Close, identity: Identity) -> None:
    with pytest.raises(Refused) as caught:
        sign(body, "signer", identity)

    assert caught.value.rule == "unsignable-body"


def test_a_signer_that_is_no_identifier_is_refused_by_the_signer_itself(identity: Identity) -> None:
    with pytest.raises(Rejected, match=r"Signed\.signer") as caught:
        sign(Close("study", 7, b"", "signer", bytes(32)), "The Signer", identity)

    assert caught.value.rule == "malformed-message"


def test_a_contribution_whose_bytes_are_not_its_core_is_not_signed(
    examples: Examples, identity: Identity
) -> None:
    """Attack: show a reader one core header and bind the wraps to another."""
    good: Contribution = examples[Contribution]
    other = replace(good, core=replace(good.core, client="zurich"))

    with pytest.raises(Refused) as caught:
        sign(other, "cleveland", identity)

    assert caught.value.rule == "unsignable-body"


def test_an_unsorted_freeze_is_not_signed(examples: Examples, identity: Identity) -> None:
    good: Freeze = examples[Freeze]

    with pytest.raises(Rejected, match=r"FreezeBody\.members"):
        sign(replace(good, members=good.members[::-1]), "aggregator", identity)
