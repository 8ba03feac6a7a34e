"""STUDY.manifest on disk, and the draft that `study create` leaves for the signatures."""

import hmac
import os
import tempfile
from pathlib import Path
from typing import Final

from blindsum_crypto.errors import Refused, Rejected, Unavailable
from blindsum_crypto.identity import Identity
from blindsum_protos.convert.bodies import form_of
from blindsum_protos.convert.manifest import (
    ManifestFile,
    manifest_file_from_bytes,
    manifest_file_to_bytes,
)
from blindsum_protos.convert.signed import sign
from blindsum_protos.convert.strict import canonical_bytes, parse_strict
from blindsum_rules.amended_manifest import AmendedManifest
from blindsum_rules.manifest import Approval, Manifest
from blindsum_rules.manifest_checks import check_manifest, check_signed_manifest
from blindsum_rules.signed import Signed

DRAFT_SUFFIX: Final = ".draft"
MANIFEST_SUFFIX: Final = ".manifest"
_PUBLIC_MODE: Final = 0o644

SignedStudy = tuple[Signed[Manifest], Signed[Approval] | None]
"""A manifest with its officer's approval, if one is named."""


def write_draft(path: Path, manifest: Manifest) -> None:
    """Write an unsigned manifest, in the bytes that the operator will sign."""
    _replace(path, canonical_bytes(form_of(Manifest).to_message(manifest)))


def read_draft(path: Path) -> Manifest:
    """Read an unsigned manifest, strictly.

    Raises:
        Rejected: when the bytes are not the one spelling of a manifest.
        Refused: a rule of `check_manifest`.
    """
    form = form_of(Manifest)
    content = _read(path)
    try:
        manifest: Manifest = form.from_message(parse_strict(form.message, content))
    except Rejected as error:
        raise _at(path, error) from error
    check_manifest(manifest)
    return manifest


def read_manifest_unchecked(path: Path) -> ManifestFile:
    """Read STUDY.manifest strictly; no signature is verified.

    Raises:
        Rejected: when the file is malformed.
    """
    content = _read(path)
    try:
        return manifest_file_from_bytes(content)
    except Rejected as error:
        raise _at(path, error) from error


def read_manifest(path: Path, digest: str | None = None) -> SignedStudy:
    """Read STUDY.manifest and check signatures and content.

    Not its validity: a study that has expired opens no round, and still is ended, asked about and
    verified. Who opens or accepts a round checks the dates.

    Args:
        path: The file.
        digest: The digest as hex that the reader was told out of band, if any.

    Raises:
        Refused: `manifest-digest` when it is another manifest; every rule of
            `rules.manifest_checks`.
        Rejected: when the file is malformed.
    """
    manifest, approval, _ = read_manifest_unchecked(path)
    if digest is not None and not _same(manifest.digest, digest):
        raise Refused("manifest-digest", f"{path}: expected {digest}, got {manifest.digest.hex()}")
    check_signed_manifest(manifest, approval)
    return manifest, approval


def read_amended(path: Path, digest: str | None = None) -> AmendedManifest:
    """Read STUDY.manifest as `read_manifest` does, with all that was amended since.

    What it holds may be ahead of the rounds: an amendment comes into force by a spec.

    Raises:
        Refused, Rejected: as `read_manifest`; what `AmendedManifest.amended` raises.
    """
    manifest, _ = read_manifest(path, digest)
    return AmendedManifest(manifest).amended(read_manifest_unchecked(path).amendments)


def sign_draft(draft: Path, identity: Identity) -> tuple[Path, Signed[Manifest]]:
    """Sign a draft as its operator.

    Returns:
        STUDY.manifest beside the draft, and what it holds.

    Raises:
        Refused: `operator-key`, when the draft names another key; a rule of `check_manifest`.
        Rejected: when the draft is malformed.
    """
    manifest = read_draft(draft)
    if not hmac.compare_digest(identity.public, manifest.operator.identity):
        raise Refused("operator-key", f"expected the key of operator {manifest.operator.name!r}")
    signed = sign(manifest, manifest.operator.name, identity)
    path = draft.with_suffix(MANIFEST_SUFFIX)
    _replace(path, manifest_file_to_bytes(signed, None))
    return path, signed


def approve_manifest(path: Path, identity: Identity) -> Signed[Manifest]:
    """Approve a signed manifest as its privacy officer; the file then holds both signatures.

    Raises:
        Refused: `officer-key`, when the manifest names no officer or another key; a rule of
            `check_signed_manifest`.
        Rejected: when the file is malformed.
    """
    signed, _, amendments = read_manifest_unchecked(path)
    officer = signed.body.officer
    if officer is None or not hmac.compare_digest(identity.public, officer.identity):
        raise Refused("officer-key", "expected the key of the officer whom the manifest names")
    approval = sign(Approval(signed.body.study, signed.digest), officer.name, identity)
    check_signed_manifest(signed, approval)
    _replace(path, manifest_file_to_bytes(signed, approval, amendments))
    return signed


def replace_manifest(path: Path, file: ManifestFile) -> None:
    """Write STUDY.manifest anew, whole: whoever reads it meanwhile sees the old or the new one."""
    _replace(path, manifest_file_to_bytes(*file))


def _same(digest: bytes, told: str) -> bool:
    try:
        return hmac.compare_digest(digest, bytes.fromhex(told))
    except ValueError:
        return False


def _at(path: Path, error: Rejected) -> Rejected:
    """The same rule, with the file that broke it: people hand over drafts and keys by mistake."""
    return Rejected(error.rule, f"{path}: {error.expected}")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Unavailable("manifest-file", f"expected a readable file {path}") from error


def _replace(path: Path, content: bytes) -> None:
    """Write a public file whole: whoever reads it meanwhile sees the old bytes or the new ones."""
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    Path(temporary).chmod(_PUBLIC_MODE)
    Path(temporary).replace(path)
