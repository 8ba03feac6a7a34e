"""Amendments in STUDY.manifest: added by the operator, signed by the privacy officer as well."""

import hmac
from dataclasses import replace
from pathlib import Path

from blindsum_cli.manifest_file import read_manifest, read_manifest_unchecked, replace_manifest
from blindsum_crypto.errors import Refused
from blindsum_crypto.identity import Identity
from blindsum_protos.convert.manifest import ManifestFile
from blindsum_protos.convert.signed import sign
from blindsum_rules.amended_manifest import AmendedManifest
from blindsum_rules.amendment import Amendment, SignedAmendment


def amended_so_far(path: Path, *, replacing: bool) -> AmendedManifest:
    """Read the study on which the next amendment of a file follows.

    Args:
        path: STUDY.manifest.
        replacing: Pass over the last amendment, which the officer has not signed yet.

    Raises:
        Refused: `amendment-signed`, when there is none to replace; as `read_amended`.
        Rejected: as `read_amended`.
    """
    manifest, _ = read_manifest(path)
    file = read_manifest_unchecked(path)
    if not replacing:
        return AmendedManifest(manifest).amended(file.amendments)
    if not awaits_officer(file):
        raise Refused("amendment-signed", f"expected {path} to end with one not signed by all")
    return AmendedManifest(manifest).amended(file.amendments[:-1])


def add_amendment(
    path: Path, before: AmendedManifest, amendment: Amendment, operator: Identity
) -> AmendedManifest:
    """Sign an amendment as operator and write it behind those that a file holds.

    Args:
        path: STUDY.manifest.
        before: What it follows on, by `amended_so_far`.
        amendment: The words.
        operator: The operator's key.

    Returns:
        The study as the new amendment words it; where an officer is named, its hand is missing yet.

    Raises:
        Refused: `operator-key`, when it is another party's key; what `AmendedManifest.as_worded`
            refuses.
        Rejected: what it rejects.
    """
    party = before.body.operator
    if not hmac.compare_digest(operator.public, party.identity):
        raise Refused("operator-key", f"expected the key of operator {party.name!r}")
    signed = SignedAmendment(sign(amendment, party.name, operator))
    amended = before.as_worded((signed,))
    _write(path, read_manifest_unchecked(path), amended.amendments)
    return amended


def awaits_officer(file: ManifestFile) -> bool:
    """Whether the manifest is approved and its last amendment lacks the officer's hand."""
    named = file.manifest.body.officer is not None and file.approval is not None
    return named and bool(file.amendments) and file.amendments[-1].officer is None


def approve_amendment(path: Path, officer: Identity) -> AmendedManifest:
    """Sign the last amendment of a file as its privacy officer.

    Returns:
        The study with that amendment.

    Raises:
        Refused: `officer-key`, when the manifest names another key; what `AmendedManifest.amended`
            refuses.
        Rejected: what it rejects; as `read_manifest`.
    """
    read_manifest(path)
    file = read_manifest_unchecked(path)
    party = file.manifest.body.officer
    if party is None or not hmac.compare_digest(officer.public, party.identity):
        raise Refused("officer-key", "expected the key of the officer whom the manifest names")
    *earlier, last = file.amendments
    signed = replace(last, officer=sign(last.body, party.name, officer))
    amendments = (*earlier, signed)
    amended = AmendedManifest(file.manifest).amended(amendments)
    _write(path, file, amendments)
    return amended


def _write(path: Path, file: ManifestFile, amendments: tuple[SignedAmendment, ...]) -> None:
    replace_manifest(path, file._replace(amendments=amendments))
