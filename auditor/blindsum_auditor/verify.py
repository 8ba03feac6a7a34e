"""Verify a study from its transcript folder: files only, no network, and nobody believed."""

from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from blindsum_auditor.amendment_in_force import AmendmentInForce
from blindsum_auditor.amendments import RoundManifests, fold_amendments
from blindsum_auditor.anonymity import RoundAnonymity
from blindsum_auditor.anonymity_check import anonymity_sets
from blindsum_auditor.chain import check_chain
from blindsum_auditor.equivocation import check_equivocation
from blindsum_auditor.exceptions import UsedException
from blindsum_auditor.folder import read_folder
from blindsum_auditor.journal import Journal
from blindsum_auditor.limits import limits_of
from blindsum_auditor.manifest_check import believed_manifest
from blindsum_auditor.membership import Membership
from blindsum_auditor.models import ModelChain
from blindsum_auditor.no_differencing import check_all_freezes
from blindsum_auditor.opening import OpeningCheck
from blindsum_auditor.outcome import check_outcome
from blindsum_auditor.pair_tables import check_pair_tables
from blindsum_auditor.privacy import privacy_account
from blindsum_auditor.privacy_account import PrivacyAccount
from blindsum_auditor.records import RoundRecord, TranscriptRecord
from blindsum_auditor.report import Level, Report
from blindsum_auditor.sealed import SealedCheck
from blindsum_auditor.seals import sum_seal
from blindsum_auditor.signatures import Believer
from blindsum_crypto.errors import BlindsumError
from blindsum_rules import transcript
from blindsum_rules.aggregate import Aggregate
from blindsum_rules.groups import group_count
from blindsum_rules.signed import Signed
from blindsum_rules.spec import Spec, SpecKind
from blindsum_rules.spec_checks import check_spec


def verify(
    folder: Path, expected_manifest_digest: bytes | None = None, level: Level | None = None
) -> Report:
    """Verify a transcript folder.

    Every file must be known by its place, parse strictly, be signed by who must sign it, and fit
    the others. What the folder or the level does not let one check is said to be not checkable.

    Args:
        folder: The transcript folder of one study.
        expected_manifest_digest: Digest of the study's manifest, 32 bytes, got out of band; None
            when the reader has none, which the report says.
        level: Up to which level to check; None for whatever the folder holds.

    Returns:
        The report; `Report.accepted` says whether nothing failed.

    Raises:
        Unavailable: `transcript-folder`, when the folder is not there or cannot be read.
    """
    journal = Journal()
    read = read_folder(folder, journal)
    held = read.level
    asked = held if level is None else level
    manifest = believed_manifest(read, expected_manifest_digest, journal)
    found = _Found()
    if manifest is None:
        why = "everything else rests on the manifest, which is not believed"
        journal.not_checkable("rounds", transcript.ROUNDS, why)
    else:
        manifests = fold_amendments(read, manifest, journal)
        found = _Verification(manifests, held, asked, journal).check(read)
    return Report(
        study="" if read.manifest is None else read.manifest.body.study,
        manifest_digest=b"" if read.manifest is None else read.manifest.digest,
        level=asked,
        rounds=len(read.rounds),
        ended=found.ended,
        findings=journal.findings,
        limits=limits_of(
            is_private=found.privacy is not None,
            groups=1 if manifest is None else group_count(manifest.body),
        ),
        is_believed=manifest is not None,
        privacy=found.privacy,
        anonymity=found.anonymity,
        exceptions=found.exceptions,
        amendments=found.amendments,
    )


class _Found(NamedTuple):
    """What the checks have to say beside their findings: nothing, where none was made."""

    ended: bool = False
    privacy: PrivacyAccount | None = None
    anonymity: tuple[RoundAnonymity, ...] = ()
    exceptions: tuple[UsedException, ...] = ()
    amendments: tuple[AmendmentInForce, ...] = ()


class _Verification:
    """The checks that rest on a believed manifest, theme by theme."""

    def __init__(
        self, manifests: RoundManifests, held: Level, asked: Level, journal: Journal
    ) -> None:
        self._manifests = manifests
        self._held = held
        self._asked = asked
        self._journal = journal

    def check(self, read: TranscriptRecord) -> _Found:
        """Check everything; whether the study has ended, what privacy is spent, who is hidden."""
        record = self._believed(read)
        ended = check_chain(record, self._manifests, self._journal)
        for one in record.rounds:
            if one.spec is not None:
                self._check_public(one, one.spec)
        exceptions = check_all_freezes(record, self._manifests, self._journal)
        privacy = privacy_account(record, self._manifests, self._journal)
        anonymity = anonymity_sets(record, self._manifests, self._journal)
        check_equivocation(record, self._manifests, self._journal)
        self._check_sealed(record)
        self._check_entitled(record)
        return _Found(ended, privacy, anonymity, exceptions, self._manifests.in_force)

    def _believed(self, read: TranscriptRecord) -> TranscriptRecord:
        believer = Believer(self._manifests, self._journal)
        seen = (self._seen(one) for one in read.rounds)
        return replace(
            read,
            rounds=tuple(believer.round(one) for one in seen),
            end=None if read.end is None else believer.end(read.end),
        )

    def _seen(self, record: RoundRecord) -> RoundRecord:
        """The round without what is above the level asked for."""
        if not self._asked.includes(Level.SEALED):
            record = replace(record, payloads={})
        if not self._asked.includes(Level.ENTITLED):
            record = replace(record, releases=())
        return record

    def _check_public(self, record: RoundRecord, spec: Signed[Spec]) -> None:
        Membership(record, spec, self._manifests, self._journal).check()
        check_outcome(record, spec, self._manifests.of_round(record.number), self._journal)

    def _check_sealed(self, record: TranscriptRecord) -> None:
        if not self._can_check(Level.SEALED, "sealed-sum", transcript.SEALED_SUM):
            return
        for one in record.rounds:
            if one.spec is not None and self._believes(one, one.spec, "sealed-sum", Level.SEALED):
                seal = sum_seal(one.spec, self._manifests.of_round(one.number).body)
                check_pair_tables(one, seal, self._journal)
                SealedCheck(one, seal, self._journal).check()

    def _check_entitled(self, record: TranscriptRecord) -> None:
        if not self._can_check(Level.ENTITLED, "opening", transcript.AGGREGATE):
            return
        aggregates: dict[int, Aggregate] = {}
        for one in record.rounds:
            if one.spec is not None and self._believes(one, one.spec, "opening", Level.ENTITLED):
                manifest = self._manifests.of_round(one.number).body
                check = OpeningCheck(one, one.spec, manifest, self._journal)
                aggregate = check.check()
                if aggregate is not None:
                    aggregates[one.number] = aggregate
        ModelChain(self._manifests.signed.body, aggregates, self._journal).check(record)

    def _believes(self, record: RoundRecord, spec: Signed[Spec], check: str, level: Level) -> bool:
        """Whether a round's spec is one of this study; sums of another length or seal are not made.

        That it is not is a finding of the chain's.
        """
        try:
            check_spec(spec, self._manifests.of_round(record.number), None)
        except BlindsumError:
            why = f"rests on {record.file(transcript.SPEC)}, which is not believed"
            self._journal.not_checkable(check, record.file(transcript.SEALED_SUM), why, level)
            return False
        return spec.body.kind is SpecKind.ROUND

    def _can_check(self, level: Level, check: str, name: str) -> bool:
        """Whether folder and asker go up to a level; if not, the report says so."""
        if not self._held.includes(level):
            why = f"needs the level {level}, the folder holds {self._held}"
        elif not self._asked.includes(level):
            why = f"needs the level {level}, asked was {self._asked}"
        else:
            return True
        self._journal.not_checkable(
            check, transcript.ROUNDS, f"{name} of every round: {why}", level
        )
        return False
