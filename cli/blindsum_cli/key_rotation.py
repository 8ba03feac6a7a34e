"""A party's next keys: the same identity, a new wrap or agreement key, in files of their own."""

import hmac
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from blindsum_cli.key_files import IDENTITY_SUFFIX, KEY_SUFFIX, public_identity, read_identity
from blindsum_crypto.errors import Refused
from blindsum_crypto.identity import AgreementKey, WrapKey
from blindsum_crypto.keystore import FileKeyStore, KeyRing
from blindsum_crypto.primitives import WrapSuite
from blindsum_protos.convert.signed import signed_to_bytes
from blindsum_rules.party import PartyIdentity, Role


@dataclass(frozen=True, slots=True)
class RotatedKeys:
    """Where a party's next keys lie, and whose they are."""

    party: PartyIdentity
    secret: Path
    public: Path


def rotate_party(key_file: Path, passphrase: bytes, suite: str | None = None) -> RotatedKeys:
    """Draw the keys of a party's next epoch and write them beside its old ones.

    The old files stay as they are: what was sealed under the old keys is opened with them.

    Args:
        key_file: NAME.key, or the file of an earlier rotation; its .identity lies beside it.
        passphrase: What opens it, and encrypts the new one.
        suite: HPKE suite of a custodian's new wrap key, or None for the one that it had.

    Raises:
        Refused: `rotation-role`, when the party has no keys of an epoch; `rotation-identity`, when
            the identity file is another party's; `unknown-wrap-suite`; as `FileKeyStore.load`.
        Rejected: as `read_identity` and `FileKeyStore.load`.
        Unavailable: `identity-file`, `key-file-missing`.
    """
    before = FileKeyStore(key_file, passphrase).load()
    named = read_identity(key_file.with_suffix(IDENTITY_SUFFIX))
    if not hmac.compare_digest(named.identity, before.identity.public):
        raise Refused(
            "rotation-identity",
            f"expected {key_file.with_suffix(IDENTITY_SUFFIX)} to be the public half of {key_file}",
        )
    ring = _next_ring(before, suite)
    identity = public_identity(named.name, named.role, ring)
    secret, public = _free_files(key_file.parent, named.name)
    FileKeyStore(secret, passphrase).create(ring)
    public.write_bytes(signed_to_bytes(identity))
    return RotatedKeys(identity.body, secret, public)


def _next_ring(before: KeyRing, suite: str | None) -> KeyRing:
    wrap_key, agreement_key = before.wrap_key, before.agreement_key
    if wrap_key is not None:
        # WrapKey refuses what is no suite, by name.
        return KeyRing(before.identity, WrapKey.generate(cast(WrapSuite, suite or wrap_key.suite)))
    if agreement_key is not None:
        return KeyRing(before.identity, agreement_key=AgreementKey.generate())
    raise Refused(
        "rotation-role",
        f"expected the key file of a {Role.CLIENT} or a {Role.CUSTODIAN}: others have an identity "
        "alone, which lasts as long as the study",
    )


def _free_files(folder: Path, name: str) -> tuple[Path, Path]:
    """NAME.2.key and NAME.2.identity, or the next number that is free."""
    number = 2
    while True:
        stem = f"{name}.{number}"
        files = folder / f"{stem}{KEY_SUFFIX}", folder / f"{stem}{IDENTITY_SUFFIX}"
        if not any(path.exists() for path in files):
            return files
        number += 1
