"""The manifest checked: who may sign what, under which floors, and whether it is the right one."""

import hmac

from blindsum_auditor.journal import Journal
from blindsum_auditor.records import TranscriptRecord
from blindsum_crypto.errors import BlindsumError, Refused
from blindsum_rules import transcript
from blindsum_rules.manifest import Manifest
from blindsum_rules.manifest_checks import check_signed_manifest
from blindsum_rules.signed import Signed


def believed_manifest(
    record: TranscriptRecord, expected_digest: bytes | None, journal: Journal
) -> Signed[Manifest] | None:
    """Check the manifest; everything else rests on it.

    Args:
        record: The transcript as read.
        expected_digest: Digest of the study's manifest, 32 bytes, that the reader got out of band;
            None when it has none.
        journal: Where the findings are written.

    Returns:
        The manifest, or None when it is not one that anything may rest on.
    """
    manifest = record.manifest
    if manifest is None:
        return None
    if not _is_expected(manifest, expected_digest, journal):
        return None
    try:
        check_signed_manifest(manifest, record.approval)
    except BlindsumError as error:
        journal.failed("manifest", transcript.MANIFEST, str(error))
        return None
    journal.holds("manifest", transcript.MANIFEST, _in_words(manifest.body))
    return manifest


def _in_words(manifest: Manifest) -> str:
    """The numbers that a reader should hold against its own floors."""
    signers = "operator" if manifest.officer is None else "operator and privacy officer"
    return (
        f"signed by {signers}; {len(manifest.custodians)} custodians, {manifest.threshold} of whom "
        f"open, quorum {manifest.quorum}; {len(manifest.clients)} clients, at least "
        f"{manifest.min_cohort} of {manifest.min_organisations} organisations in a sum"
    )


def _is_expected(
    manifest: Signed[Manifest], expected_digest: bytes | None, journal: Journal
) -> bool:
    check = "manifest-digest"
    if expected_digest is None:
        journal.not_checkable(
            check,
            transcript.MANIFEST,
            "no digest was given to compare: whoever wrote this folder could have written this "
            f"manifest too; its digest is {manifest.digest.hex()}",
        )
        return True
    is_expected = hmac.compare_digest(manifest.digest, expected_digest)
    with journal.checking(check, transcript.MANIFEST, "the manifest that the reader expected"):
        if not is_expected:
            raise Refused(check, f"expected {expected_digest.hex()}, got {manifest.digest.hex()}")
    return is_expected
