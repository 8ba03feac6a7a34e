"""A party's files: NAME.key (secret, encrypted) and NAME.identity (public, self-signed)."""

from collections.abc import Iterable
from pathlib import Path

from blindsum_crypto.errors import Rejected
from blindsum_crypto.keystore import FileKeyStore, KeyRing
from blindsum_protos.convert.signed import sign, signed_from_bytes, signed_to_bytes
from blindsum_rules.party import PartyIdentity, Role
from blindsum_rules.signed import Signed, verify


def open_key(path: Path, passphrase: bytes) -> KeyRing:
    """Decrypt a key file.

    Raises:
        Rejected: `wrong-passphrase-or-damaged-key-file`.
        Refused: `key-file-permissions`.
    """
    return FileKeyStore(path, passphrase).load()


def public_identity(name: str, role: Role, ring: KeyRing) -> Signed[PartyIdentity]:
    """The self-signed public half of a key ring."""
    body = PartyIdentity(
        name=name,
        role=role,
        identity=ring.identity.public,
        agreement_key=ring.agreement_key.public if ring.agreement_key else b"",
        wrap_suite=ring.wrap_key.suite if ring.wrap_key else "",
        wrap_key=ring.wrap_key.public if ring.wrap_key else b"",
    )
    return sign(body, name, ring.identity)


def write_identity(path: Path, identity: Signed[PartyIdentity]) -> None:
    """Write NAME.identity; it is public."""
    path.write_bytes(signed_to_bytes(identity))


def read_identity(path: Path) -> PartyIdentity:
    """Read NAME.identity and check that its own key signed it under its own name.

    Raises:
        Rejected: when the file is malformed, altered or signed by another name.
    """
    signed = signed_from_bytes(PartyIdentity, path.read_bytes())
    verify(signed, {signed.body.name: signed.body.identity})
    return signed.body


def read_identities(paths: Iterable[Path]) -> dict[str, PartyIdentity]:
    """Read several identity files, or all *.identity of folders among them, by name.

    Raises:
        Rejected: `name-twice`, when two files name one party with different keys.
    """
    identities: dict[str, PartyIdentity] = {}
    for path in paths:
        for file in sorted(path.glob("*.identity")) if path.is_dir() else [path]:
            party = read_identity(file)
            if identities.setdefault(party.name, party) != party:
                raise Rejected("name-twice", f"{file}: another identity of {party.name!r} is given")
    return identities
