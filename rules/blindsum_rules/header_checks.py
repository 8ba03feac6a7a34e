"""A contribution's header checked, by the aggregator, every custodian and the auditor alike."""

import hmac

from blindsum_crypto.errors import Refused, Rejected
from blindsum_crypto.masking.parameters import MaskingParameters
from blindsum_crypto.primitives import DIGEST_BYTES
from blindsum_rules.header import Contribution, CoreHeader
from blindsum_rules.manifest import Manifest
from blindsum_rules.roster import enrolled_client, is_invited
from blindsum_rules.signed import Signed, verify
from blindsum_rules.spec import Spec


def check_core_header(
    contribution: Signed[Contribution],
    spec: Signed[Spec],
    manifest: Manifest,
) -> None:
    """Check who contributes, to which round, and that everything that belongs to it is counted.

    Wraps themselves are checked by who holds them; this is about what the client signed.

    Args:
        contribution: The signed header.
        spec: The round's verified spec.
        manifest: The study's verified manifest.

    Raises:
        Refused: `stranger`, when the client is not enrolled and invited; `end-spec`, when the spec
            opens no round.
        Rejected: `unknown-signer` or `bad-signature`, unless that very client signed it;
            `wrong-study`, `wrong-round`, `wrong-seal`, `payload-length`, `payload-digest`,
            `self-commitment`, `pair-table-digest`, `seed-commitments` or `wraps`, when a length or
            a number does not fit.
    """
    core = contribution.body.core
    client = enrolled_client(manifest, core.client)
    if client is None or not is_invited(spec.body.cohort, core.client):
        raise Refused("stranger", f"expected an invited client, got {core.client!r}")
    verify(contribution, {client.name: client.identity})
    _check_round(core, spec)
    _check_sealed(core, spec.body)
    parts = len(manifest.committee.parts)
    if [len(one) for one in core.seed_commitments] != [DIGEST_BYTES] * parts:
        raise Rejected("seed-commitments", f"expected {parts} commitments of {DIGEST_BYTES} bytes")
    custodians = len(manifest.custodians)
    if [len(one) for one in contribution.body.wrap_digests] != [DIGEST_BYTES] * custodians:
        raise Rejected("wraps", f"expected {custodians} digests of {DIGEST_BYTES} bytes")


def _check_round(core: CoreHeader, spec: Signed[Spec]) -> None:
    if core.study != spec.body.study:
        raise Rejected("wrong-study", f"expected {spec.body.study!r}, got {core.study!r}")
    same_round = core.round_number == spec.body.round_number
    if not (same_round and hmac.compare_digest(core.round_id, spec.digest)):
        raise Rejected("wrong-round", "CoreHeader: expected the number and the id of this round")


def _check_sealed(core: CoreHeader, spec: Spec) -> None:
    """Check what the header says about the sealed vector against the spec's seal."""
    if spec.parameters is None:
        raise Refused("end-spec", "expected the spec of a round, got the end of the study")
    if core.seal != spec.seal:
        raise Rejected("wrong-seal", f"expected {spec.seal!r}, got {core.seal!r}")
    payload_bytes = spec.parameters.payload_bytes(spec.vector_length)
    if core.payload_bytes != payload_bytes:
        raise Rejected(
            "payload-length", f"expected {payload_bytes} bytes, got {core.payload_bytes}"
        )
    masked = DIGEST_BYTES * isinstance(spec.parameters, MaskingParameters)
    for rule, found, expected in (
        ("payload-digest", core.payload_digest, DIGEST_BYTES),
        ("self-commitment", core.self_commitment, masked),
        ("pair-table-digest", core.pair_table_digest, masked),
    ):
        if len(found) != expected:
            raise Rejected(rule, f"expected {expected} bytes, got {len(found)}")
