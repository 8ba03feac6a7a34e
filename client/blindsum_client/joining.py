"""Joining: which study, and as whom. Nothing is trusted because it came first."""

import hmac
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from blindsum_crypto.errors import Refused, Rejected, Unavailable
from blindsum_crypto.identity import AgreementKey, Identity
from blindsum_crypto.keystore import KeyRing
from blindsum_crypto.masking.pairs import Agreements
from blindsum_crypto.primitives import DIGEST_BYTES
from blindsum_protos.convert.manifest import manifest_file_from_bytes
from blindsum_rules.amended_manifest import AmendedManifest
from blindsum_rules.local_policy import ClientPolicy, check_manifest_against
from blindsum_rules.manifest import EnrolledClient, Manifest
from blindsum_rules.manifest_checks import check_signed_manifest

_HEX_DIGITS: Final = 2 * DIGEST_BYTES


@dataclass(frozen=True, slots=True)
class Membership:
    """A verified study and this client's place in it.

    Attributes:
        manifest: The verified manifest.
        client: This client's id.
        identity: Its signing key.
        agreements: Its agreements with its peers, each made once.
        policy: Its own floors.
    """

    manifest: AmendedManifest
    client: str
    identity: Identity = field(repr=False)
    agreements: Agreements = field(repr=False)
    policy: ClientPolicy


def read_membership(
    manifest_file: Path, digest: str, key_ring: KeyRing, policy: ClientPolicy
) -> Membership:
    """Read a study's manifest and find this client in it.

    Args:
        manifest_file: STUDY.manifest.
        digest: The manifest's digest in full, 64 hex digits, as the operator gave it out of band.
        key_ring: This client's keys.
        policy: This client's own floors.

    Raises:
        Refused: `manifest-digest`, when no full digest is given or the file has another one;
            `not-enrolled`; `enrolled-key`; a rule of `check_signed_manifest` or of the policy.
        Rejected: when the file is malformed.
        Unavailable: `manifest-file`, when it cannot be read.
    """
    expected = parse_digest(digest)
    file = manifest_file_from_bytes(_read(manifest_file))
    manifest, approval = file.manifest, file.approval
    if not hmac.compare_digest(manifest.digest, expected):
        raise Refused(
            "manifest-digest", f"expected {manifest_file.name} to be the manifest of that digest"
        )
    check_signed_manifest(manifest, approval)
    check_manifest_against(policy, manifest.body)
    client, agreement_key = _enrolled(manifest.body, key_ring)
    agreements = Agreements(client.name, agreement_key, manifest.body.agreement_keys)
    return Membership(AmendedManifest(manifest), client.name, key_ring.identity, agreements, policy)


def parse_digest(digest: str) -> bytes:
    """A digest written in full as 64 hex digits.

    Raises:
        Refused: `manifest-digest`: a shortened digest, or none, would be trust on first use.
    """
    try:
        parsed = bytes.fromhex(digest)
    except ValueError:
        parsed = b""
    if len(digest) != _HEX_DIGITS or len(parsed) != DIGEST_BYTES:
        raise Refused(
            "manifest-digest",
            f"expected the manifest's whole digest, {_HEX_DIGITS} hex digits, given out of band",
        )
    return parsed


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise Unavailable("manifest-file", f"expected a readable file {file}") from error


def _enrolled(manifest: Manifest, key_ring: KeyRing) -> tuple[EnrolledClient, AgreementKey]:
    public = key_ring.identity.public
    for client in manifest.clients:
        if hmac.compare_digest(client.identity, public):
            return client, _agreement_key(client, key_ring)
    raise Refused(
        "not-enrolled", f"expected a key of a client of study {manifest.study!r}; it enrols others"
    )


def _agreement_key(client: EnrolledClient, key_ring: KeyRing) -> AgreementKey:
    agreement_key = key_ring.agreement_key
    if agreement_key is None or not hmac.compare_digest(client.agreement_key, agreement_key.public):
        raise Rejected("enrolled-key", f"expected the agreement key of {client.name!r} in the file")
    return agreement_key
