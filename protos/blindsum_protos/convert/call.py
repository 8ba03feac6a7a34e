"""Who calls: a signed Call in the metadata of every call, with TLS and without."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

from blindsum_crypto.identity import Identity
from blindsum_crypto.randomness import Randomness
from blindsum_protos.convert import fields
from blindsum_protos.convert.signed import sign, signed_from_bytes, signed_to_bytes
from blindsum_rules.manifest import Manifest
from blindsum_rules.requests import Call
from blindsum_rules.signed import Signed


@dataclass(frozen=True, slots=True)
class Caller:
    """A party as it calls: its id in the manifest and the key pair that it signs with."""

    name: str
    identity: Identity


def sign_call(manifest: Manifest, method: str, caller: Caller, randomness: Randomness) -> bytes:
    """The metadata "blindsum-call-bin" of one call, issued now: good once, for 300 s either way.

    Args:
        manifest: The study that the call is about, and the aggregator that is called.
        method: The full gRPC method, "/blindsum.v1.Aggregator/NextRound".
        caller: Who calls.
        randomness: Where the nonce comes from.

    Raises:
        Rejected: `malformed-message`, when a field does not hold what the wire demands.
    """
    call = Call(
        study=manifest.study,
        aggregator=manifest.aggregator.name,
        method=method,
        issued_unix=int(time.time()),
        nonce=randomness.bytes(fields.NONCE_BYTES),
    )
    return signed_to_bytes(sign(call, caller.name, caller.identity))


def open_call(data: bytes, signers: Mapping[str, bytes]) -> Signed[Call]:
    """Read and verify the metadata of one call.

    The aggregator still compares study, aggregator, method and time, and remembers the nonce.

    Raises:
        Rejected: `malformed-message`, `unknown-field`, `not-canonical`, `unknown-signer`,
            `bad-signature`.
    """
    return signed_from_bytes(Call, data, signers)
