"""Keys at rest: a party's key ring in one encrypted file, behind a door that an HSM can take.

The file is JSON in one exact form: {"format": ..., "encrypted": base64}. Reading writes it again
and compares, so there is one spelling and every changed byte is noticed.
"""

import base64
import binascii
import contextlib
import json
import os
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from blindsum_crypto import domains
from blindsum_crypto.at_rest import decrypt_at_rest, encrypt_at_rest
from blindsum_crypto.errors import BlindsumError, Refused, Rejected, Unavailable
from blindsum_crypto.identity import AgreementKey, Identity, WrapKey

MAX_KEY_FILE_BYTES: Final = 1 << 16
_OWNER_ONLY: Final = 0o600
_GROUP_AND_OTHERS: Final = 0o077


@dataclass(frozen=True, slots=True)
class KeyRing:
    """Everything secret that a party keeps; its parts' reprs show public keys alone.

    Attributes:
        identity: The signing identity.
        wrap_key: A custodian's key of the epoch, or none.
        agreement_key: A client's key of the epoch (masking), or none.
    """

    identity: Identity
    wrap_key: WrapKey | None = None
    agreement_key: AgreementKey | None = None


class KeyStore(Protocol):
    """Where a party's keys come from."""

    def load(self) -> KeyRing:
        """The key ring.

        Raises:
            Unavailable: It cannot be had now.
            Refused: It is there and must not be used.
            Rejected: It is damaged, or the passphrase is wrong.
        """
        ...


class FileKeyStore:
    """A key ring in one file, encrypted under a passphrase.

    Args:
        path: The file; its folder must exist.
        passphrase: At least one byte.
    """

    def __init__(self, path: Path, passphrase: bytes) -> None:
        self._path = path
        self._passphrase = passphrase

    def __repr__(self) -> str:
        return f"FileKeyStore({str(self._path)!r})"

    def create(self, key_ring: KeyRing) -> None:
        """Write the file: mode 0600, all of it or nothing, synced to the disk, never over another.

        Raises:
            Refused: `key-file-exists`, `empty-passphrase`.
            Unavailable: `key-folder-missing`.
        """
        content = _encode_file(encrypt_at_rest(self._passphrase, _encode_ring(key_ring)))
        folder = self._path.parent
        if not folder.is_dir():
            raise Unavailable("key-folder-missing", f"expected the folder {folder}")
        # A temporary file in the same folder (mkstemp makes it 0600), then a hard link: unlike a
        # rename a link fails when the name is taken, so no race can overwrite a key.
        descriptor, temporary = tempfile.mkstemp(prefix=".key-", dir=folder)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.link(temporary, self._path)
        except FileExistsError as error:
            raise Refused("key-file-exists", f"expected no file at {self._path}") from error
        finally:
            Path(temporary).unlink()
        _sync_folder(folder)

    def load(self) -> KeyRing:
        """Read the file.

        Raises:
            Unavailable: `key-file-missing`.
            Refused: `key-file-permissions` when group or others may do anything with it.
            Rejected: `wrong-passphrase-or-damaged-key-file`.
        """
        content = self._read()
        try:
            return _decode_ring(decrypt_at_rest(self._passphrase, _decode_file(content)))
        except Rejected as error:
            raise Rejected(
                "wrong-passphrase-or-damaged-key-file",
                f"expected the passphrase and the bytes that were written to {self._path}",
            ) from error

    def _read(self) -> bytes:
        try:
            file = self._path.open("rb")
        except OSError as error:
            raise Unavailable(
                "key-file-missing", f"expected a readable file at {self._path}"
            ) from error
        with file:
            mode = os.fstat(file.fileno()).st_mode
            if stat.S_IMODE(mode) & _GROUP_AND_OTHERS or not stat.S_ISREG(mode):
                raise Refused(
                    "key-file-permissions", f"expected {self._path} to be its owner's alone (0600)"
                )
            return file.read(MAX_KEY_FILE_BYTES)


def _encode_file(encrypted: bytes) -> bytes:
    encoded = base64.b64encode(encrypted).decode()
    return json.dumps({"format": domains.KEY_FILE, "encrypted": encoded}, indent=1).encode() + b"\n"


def _decode_file(content: bytes) -> bytes:
    try:
        encrypted = base64.b64decode(json.loads(content)["encrypted"], validate=True)
    except (ValueError, KeyError, TypeError, binascii.Error) as error:
        raise Rejected("key-file-form", "expected a key file") from error
    if _encode_file(encrypted) != content:
        raise Rejected("key-file-form", "expected the one spelling of a key file")
    return encrypted


def _encode_ring(ring: KeyRing) -> bytes:
    wrap, agreement = ring.wrap_key, ring.agreement_key
    fields = {
        "identity": ring.identity.private.hex(),
        "wrap_suite": wrap.suite if wrap else None,
        "wrap_key": wrap.private.hex() if wrap else None,
        "agreement_key": agreement.private.hex() if agreement else None,
    }
    return json.dumps(fields).encode()


def _decode_ring(content: bytes) -> KeyRing:
    ring = None
    with contextlib.suppress(ValueError, KeyError, TypeError, BlindsumError):
        fields = json.loads(content)
        wrap, agreement = fields["wrap_key"], fields["agreement_key"]
        ring = KeyRing(
            Identity(bytes.fromhex(fields["identity"])),
            WrapKey(fields["wrap_suite"], bytes.fromhex(wrap)) if wrap else None,
            AgreementKey(bytes.fromhex(agreement)) if agreement else None,
        )
    if ring is None:
        # Raised out here, so that no parser's error, which may quote the keys, hangs on it.
        raise Rejected("key-ring-form", "expected a key ring inside the key file")
    return ring


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
