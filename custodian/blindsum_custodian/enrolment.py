"""Whether, and as whom, a study enrols the keys of a custodian: now, earlier or later."""

import hmac
from collections.abc import Iterable, Iterator, Sequence

from blindsum_crypto.errors import Refused
from blindsum_crypto.identity import WrapKey
from blindsum_crypto.key_rings import identity_of
from blindsum_crypto.keystore import KeyRing
from blindsum_rules.amended_manifest import AmendedManifest
from blindsum_rules.manifest import EnrolledCustodian, Manifest


def enrolment(manifest: AmendedManifest, key_rings: Sequence[KeyRing]) -> str:
    """The id under which a study enrols these keys, after any number of its amendments.

    A custodian that joins with an amendment is found before the round that seats it, and one that
    left still closes what it sat in.

    Args:
        manifest: The manifest with every amendment that the custodian was started with.
        key_rings: Its key rings, one an epoch.

    Raises:
        Refused: `not-a-custodian`, when no committee of the study has this identity with one of
            these wrap keys; `one-identity`.
    """
    identity, wrap_keys = identity_of(key_rings), wrap_keys_of(key_rings)
    for body in _stands(manifest):
        index = place_of(body, identity.public)
        if index is not None and wrap_key_among(body.custodians[index], wrap_keys) is not None:
            return body.custodians[index].name
    raise Refused(
        "not-a-custodian",
        "expected identity and wrap key of one of "
        f"{[one.name for one in manifest.body.custodians]}",
    )


def place_of(manifest: Manifest, identity: bytes) -> int | None:
    """The place of an identity in a committee, from 0, or None."""
    for index, enrolled in enumerate(manifest.custodians):
        if hmac.compare_digest(enrolled.identity, identity):
            return index
    return None


def wrap_key_among(enrolled: EnrolledCustodian, wrap_keys: Iterable[WrapKey]) -> WrapKey | None:
    """The one of these keys that is enrolled, or None."""
    for key in wrap_keys:
        if enrolled.wrap_suite == key.suite and hmac.compare_digest(enrolled.wrap_key, key.public):
            return key
    return None


def wrap_keys_of(key_rings: Sequence[KeyRing]) -> tuple[WrapKey, ...]:
    """The wrap keys of several key rings."""
    return tuple(ring.wrap_key for ring in key_rings if ring.wrap_key is not None)


def _stands(manifest: AmendedManifest) -> Iterator[Manifest]:
    """What a manifest says and said, the newest first."""
    yield manifest.body
    for number in range(manifest.number - 1, -1, -1):
        yield manifest.up_to(number).body
