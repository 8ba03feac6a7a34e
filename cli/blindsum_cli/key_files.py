"""A party's files: NAME.key (secret, encrypted) and NAME.identity (public, self-signed)."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final, cast

from blindsum_cli.passphrase import read_passphrase
from blindsum_crypto.errors import Refused, Rejected, Unavailable
from blindsum_crypto.identity import AgreementKey, Identity, WrapKey
from blindsum_crypto.key_rings import identity_of
from blindsum_crypto.keystore import FileKeyStore, KeyRing
from blindsum_crypto.primitives import DEFAULT_WRAP_SUITE, WrapSuite
from blindsum_protos.convert.signed import sign, signed_from_bytes, signed_to_bytes
from blindsum_rules.identifiers import check_identifier
from blindsum_rules.party import PartyIdentity, Role
from blindsum_rules.signed import Signed, verify

KEY_SUFFIX: Final = ".key"
IDENTITY_SUFFIX: Final = ".identity"


def key_file(folder: Path, name: str) -> Path:
    """Where a party's secret half lies."""
    return folder / f"{name}{KEY_SUFFIX}"


def identity_file(folder: Path, name: str) -> Path:
    """Where a party's public half lies."""
    return folder / f"{name}{IDENTITY_SUFFIX}"


def check_free(folder: Path, name: str) -> None:
    """Check that a party's files may be made here.

    Raises:
        Refused: `key-file-exists`, when one of them is there.
        Rejected: `identifier`, when the name is none.
    """
    check_identifier(name, "NAME")
    for path in (key_file(folder, name), identity_file(folder, name)):
        if path.exists():
            raise Refused("key-file-exists", f"expected no {path}")


def make_party(
    folder: Path, name: str, role: Role, passphrase: bytes, suite: str = DEFAULT_WRAP_SUITE
) -> PartyIdentity:
    """Draw a party's keys and write its two files.

    Args:
        folder: Where they go; it is made if it is missing.
        name: The party's id.
        role: What it is in the study.
        passphrase: What encrypts NAME.key.
        suite: Custodians: HPKE suite of the wrap key.

    Raises:
        Refused: `key-file-exists`, `empty-passphrase`, `unknown-wrap-suite`.
        Rejected: `identifier`.
    """
    check_free(folder, name)
    ring = KeyRing(
        identity=Identity.generate(),
        # WrapKey refuses what is no suite, by name.
        wrap_key=WrapKey.generate(cast(WrapSuite, suite)) if role is Role.CUSTODIAN else None,
        agreement_key=AgreementKey.generate() if role is Role.CLIENT else None,
    )
    folder.mkdir(parents=True, exist_ok=True)
    FileKeyStore(key_file(folder, name), passphrase).create(ring)
    identity = public_identity(name, role, ring)
    identity_file(folder, name).write_bytes(signed_to_bytes(identity))
    return identity.body


def open_key(path: Path, passphrase: bytes) -> KeyRing:
    """Decrypt a key file.

    Raises:
        Rejected: `wrong-passphrase-or-damaged-key-file`.
        Refused: `key-file-permissions`.
        Unavailable: `key-file-missing`.
    """
    return FileKeyStore(path, passphrase).load()


def named(paths: Iterable[Path]) -> str:
    """Key files in a question for their passphrase."""
    return " and ".join(str(path) for path in paths)


def open_keys(paths: Sequence[Path], passphrase_file: Path | None) -> list[KeyRing]:
    """Decrypt the key files of one party, one an epoch, under one passphrase.

    Raises:
        Refused: `one-identity`, when they are of different parties; as `open_key`.
        Rejected, Unavailable: as `open_key`.
    """
    passphrase = read_passphrase(passphrase_file, named(paths))
    rings = [open_key(path, passphrase) for path in paths]
    identity_of(rings)
    return rings


def read_identity(path: Path) -> PartyIdentity:
    """Read NAME.identity and check that its own key signed it under its own name.

    Raises:
        Rejected: when the file is malformed, altered or signed by another name.
        Unavailable: `identity-file`, when it cannot be read.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise Unavailable("identity-file", f"expected a readable file {path}") from error
    try:
        signed = signed_from_bytes(PartyIdentity, content)
    except Rejected as error:
        raise Rejected(
            error.rule, f"{path}: expected a NAME{IDENTITY_SUFFIX} of `blindsum keys new`"
        ) from error
    verify(signed, {signed.body.name: signed.body.identity})
    return signed.body


def read_identities(paths: Iterable[Path]) -> dict[str, PartyIdentity]:
    """Read several identity files, or all *.identity of folders among them, by name.

    Raises:
        Rejected: `name-twice`, when two files name one party with different keys; as
            `read_identity`.
        Unavailable: `identity-file`.
    """
    identities: dict[str, PartyIdentity] = {}
    for path in paths:
        for file in sorted(path.glob(f"*{IDENTITY_SUFFIX}")) if path.is_dir() else [path]:
            party = read_identity(file)
            if identities.setdefault(party.name, party) != party:
                raise Rejected("name-twice", f"{file}: another identity of {party.name!r} is given")
    return identities


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
