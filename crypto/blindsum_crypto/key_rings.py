"""Several key rings of one party: its identity stays, and each ring has the keys of one epoch."""

import hmac
from collections.abc import Sequence
from pathlib import Path

from blindsum_crypto.errors import Refused
from blindsum_crypto.identity import Identity
from blindsum_crypto.keystore import FileKeyStore, KeyRing

KeyFiles = str | Path | Sequence[str | Path]
"""One key file of a party, or several, each of another epoch."""


def identity_of(key_rings: Sequence[KeyRing]) -> Identity:
    """The identity that all of a party's key rings share.

    Raises:
        Refused: `one-identity`, when there is no ring, or they are of different parties.
    """
    identities = [ring.identity for ring in key_rings]
    if not identities or any(
        not hmac.compare_digest(one.public, identities[0].public) for one in identities
    ):
        raise Refused("one-identity", "expected key files of one party, each of another epoch")
    return identities[0]


def load_key_rings(key_files: KeyFiles, passphrase: bytes) -> tuple[KeyRing, ...]:
    """The key rings of one or several key files of one party, under one passphrase.

    Raises:
        Refused, Rejected, Unavailable: as `FileKeyStore.load`, and as `identity_of`.
    """
    paths = [key_files] if isinstance(key_files, str | Path) else key_files
    rings = tuple(FileKeyStore(Path(path), passphrase).load() for path in paths)
    identity_of(rings)
    return rings
