"""Joining: which study, and as whom. Nothing is trusted because it came first."""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from blindsum_crypto.errors import Refused, Rejected, Unavailable
from blindsum_crypto.identity import AgreementKey, Identity
from blindsum_crypto.key_rings import identity_of
from blindsum_crypto.keystore import KeyRing
from blindsum_crypto.primitives import DIGEST_BYTES
from blindsum_protos.convert.manifest import manifest_file_from_bytes
from blindsum_rules.amended_manifest import AmendedManifest
from blindsum_rules.local_policy import ClientPolicy, check_manifest_against
from blindsum_rules.manifest import EnrolledClient
from blindsum_rules.manifest_checks import check_signed_manifest

_HEX_DIGITS: Final = 2 * DIGEST_BYTES


@dataclass(frozen=True, slots=True)
class Membership:
    """A verified study and this client's place in it.

    Attributes:
        manifest: The verified manifest with every amendment of the file.
        client: This client's id.
        identity: Its signing key.
        agreement_keys: Its agreement keys, one an epoch.
        policy: Its own floors.
    """

    manifest: AmendedManifest
    client: str
    identity: Identity = field(repr=False)
    agreement_keys: tuple[AgreementKey, ...] = field(repr=False)
    policy: ClientPolicy


def read_membership(
    manifest_file: Path, digest: str, key_rings: Sequence[KeyRing], policy: ClientPolicy
) -> Membership:
    """Read a study's manifest with its amendments, and find this client in it.

    A client that joins with an amendment is found before the round that enrols it.

    Args:
        manifest_file: STUDY.manifest.
        digest: The manifest's digest in full, 64 hex digits, as the operator gave it out of band.
        key_rings: This client's keys, one ring an epoch.
        policy: This client's own floors.

    Raises:
        Refused: `manifest-digest`, when no full digest is given or the file has another one;
            `not-enrolled`; `one-identity`; a rule of `check_signed_manifest`, of
            `AmendedManifest.amended` or of the policy.
        Rejected: `enrolled-key`; when the file is malformed.
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
    amended = AmendedManifest(manifest).amended(file.amendments)
    check_manifest_against(policy, amended.body)
    identity = identity_of(key_rings)
    keys = tuple(ring.agreement_key for ring in key_rings if ring.agreement_key is not None)
    return Membership(amended, _enrolled(amended, identity, keys), identity, keys, policy)


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


def _enrolled(manifest: AmendedManifest, identity: Identity, keys: Sequence[AgreementKey]) -> str:
    """The id of the client with this identity, under the newest amendment that enrols it."""
    for number in range(manifest.number, -1, -1):
        stand = manifest if number == manifest.number else manifest.up_to(number)
        for client in stand.body.clients:
            if hmac.compare_digest(client.identity, identity.public):
                _check_agreement_key(client, keys)
                return client.name
    raise Refused(
        "not-enrolled",
        f"expected a key of a client of study {manifest.body.study!r}; it enrols others",
    )


def _check_agreement_key(client: EnrolledClient, keys: Sequence[AgreementKey]) -> None:
    if not any(hmac.compare_digest(client.agreement_key, key.public) for key in keys):
        raise Rejected("enrolled-key", f"expected the agreement key of {client.name!r} in a file")
