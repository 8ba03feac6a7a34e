"""A signed call says who asks, once."""

import time
from collections.abc import Mapping
from typing import Any

import pytest

from blindsum_crypto.errors import Rejected
from blindsum_crypto.identity import Identity
from blindsum_crypto.randomness import SeededRandomness
from blindsum_protos.convert.call import Caller, open_call, sign_call
from blindsum_protos.convert.signed import sign, signed_to_bytes
from blindsum_rules.manifest import Manifest
from blindsum_rules.requests import OperatorRequest

METHOD = "/blindsum.v1.Aggregator/NextRound"
Examples = Mapping[type[Any], Any]


def test_a_call_names_study_aggregator_method_and_time(
    examples: Examples, identity: Identity
) -> None:
    manifest: Manifest = examples[Manifest]
    earliest = int(time.time())

    data = sign_call(manifest, METHOD, Caller("cleveland", identity), SeededRandomness(b"a"))
    signed = open_call(data, {"cleveland": identity.public})

    assert signed.signer == "cleveland"
    assert (signed.body.study, signed.body.aggregator) == (manifest.study, "aggregator")
    assert signed.body.method == METHOD
    assert earliest <= signed.body.issued_unix <= int(time.time())
    assert signed.body.nonce == SeededRandomness(b"a").bytes(16)


def test_two_calls_differ_in_their_nonce(examples: Examples, identity: Identity) -> None:
    randomness = SeededRandomness(b"a")
    caller = Caller("cleveland", identity)
    first, second = (
        open_call(
            sign_call(examples[Manifest], METHOD, caller, randomness),
            {"cleveland": identity.public},
        )
        for _ in range(2)
    )

    assert first.body.nonce != second.body.nonce


def test_a_call_by_a_stranger_or_with_another_key_is_rejected(
    examples: Examples, identity: Identity
) -> None:
    data = sign_call(
        examples[Manifest], METHOD, Caller("cleveland", identity), SeededRandomness(b"a")
    )

    with pytest.raises(Rejected) as stranger:
        open_call(data, {"zurich": identity.public})
    with pytest.raises(Rejected) as other_key:
        open_call(data, {"cleveland": Identity(bytes(32)).public})

    assert stranger.value.rule == "unknown-signer"
    assert other_key.value.rule == "bad-signature"


def test_another_signed_message_is_no_call(examples: Examples, identity: Identity) -> None:
    request = signed_to_bytes(sign(examples[OperatorRequest], "operator", identity))

    with pytest.raises(Rejected):
        open_call(request, {"operator": identity.public})


@pytest.mark.parametrize("data", [b"", b"not a message", bytes(100)])
def test_metadata_that_is_no_message_is_rejected(data: bytes) -> None:
    with pytest.raises(Rejected) as caught:
        open_call(data, {})

    assert caught.value.rule in {"malformed-message", "unknown-field"}


def test_a_method_that_grpc_would_not_name_so_is_not_signed(
    examples: Examples, identity: Identity
) -> None:
    with pytest.raises(Rejected, match=r"CallBody\.method"):
        sign_call(
            examples[Manifest], "NextRound", Caller("cleveland", identity), SeededRandomness(b"a")
        )


def test_a_caller_does_not_show_its_key(identity: Identity) -> None:
    assert repr(identity.private) not in repr(Caller("cleveland", identity))
