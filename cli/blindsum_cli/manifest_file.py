"""STUDY.manifest on disk, and the draft that `study create` leaves for the signatures."""

import hmac
import time
from pathlib import Path

from blindsum_crypto.errors import Refused
from blindsum_protos.convert.manifest import manifest_file_from_bytes
from blindsum_rules.manifest import Approval, Manifest
from blindsum_rules.manifest_checks import check_signed_manifest, check_validity
from blindsum_rules.signed import Signed

SignedStudy = tuple[Signed[Manifest], Signed[Approval] | None]
"""A manifest with its officer's approval, if one is named."""


def read_manifest(path: Path, digest: str | None = None) -> SignedStudy:
    """Read STUDY.manifest and check signatures, content and validity.

    Args:
        path: The file.
        digest: The digest as hex that the reader was told out of band, if any.

    Raises:
        Refused: `manifest-digest` when it is another manifest; every rule of
            `rules.manifest_checks`.
    """
    manifest, approval = manifest_file_from_bytes(path.read_bytes())
    if digest is not None and not hmac.compare_digest(manifest.digest.hex(), digest.lower()):
        raise Refused(
            "manifest-digest", f"{path}: expected {digest}, got {manifest.digest.hex()}"
        )
    check_signed_manifest(manifest, approval)
    check_validity(manifest.body, int(time.time()))
    return manifest, approval
