"""Whose hand is on each file: what is not signed by who must sign it is not believed further."""

from collections.abc import Mapping
from dataclasses import replace

from blindsum_auditor.amendments import RoundManifests
from blindsum_auditor.journal import Journal
from blindsum_auditor.records import EndRecord, RoundRecord
from blindsum_crypto.errors import BlindsumError
from blindsum_rules import transcript
from blindsum_rules.signed import BodyT, Signed, verify

_CHECK = "signatures"


class Believer:
    """Keeps of a transcript what the parties of a verified manifest signed."""

    def __init__(self, manifests: RoundManifests, journal: Journal) -> None:
        self._manifests = manifests
        self._journal = journal

    def round(self, record: RoundRecord) -> RoundRecord:
        """The round with those messages alone that the right party signed.

        Contributions stay as they are: there are many, and `check_core_header` verifies them.
        """
        manifest = self._manifests.of_round(record.number).body
        aggregator, custodians = manifest.aggregator_key, manifest.custodian_keys
        file = record.file
        return replace(
            record,
            spec=self._one(record.spec, aggregator, file(transcript.SPEC)),
            acceptances=self._many(record.acceptances, custodians, file(transcript.ACCEPTANCES)),
            pages=self._many(record.pages, aggregator, file(transcript.PAGES)),
            admissions=self._many(record.admissions, custodians, file(transcript.ADMISSIONS)),
            freeze=self._one(record.freeze, aggregator, file(transcript.FREEZE)),
            endorsements=self._many(record.endorsements, custodians, file(transcript.ENDORSEMENTS)),
            releases=self._many(record.releases, custodians, file(transcript.RELEASES)),
            certificate=self._one(record.certificate, aggregator, file(transcript.CERTIFICATE)),
            abort=self._one(record.abort, aggregator, file(transcript.ABORT)),
            closes=self._many(record.closes, custodians, file(transcript.CLOSES)),
        )

    def end(self, record: EndRecord) -> EndRecord:
        """The end of the study, likewise."""
        manifest = self._manifests.newest.body
        return EndRecord(
            spec=self._one(
                record.spec, manifest.aggregator_key, transcript.end_file(transcript.SPEC)
            ),
            acceptances=self._many(
                record.acceptances,
                manifest.custodian_keys,
                transcript.end_file(transcript.ACCEPTANCES),
            ),
        )

    def _one(
        self, signed: Signed[BodyT] | None, signers: Mapping[str, bytes], file: str
    ) -> Signed[BodyT] | None:
        if signed is None:
            return None
        believed = self._many((signed,), signers, file)
        return believed[0] if believed else None

    def _many(
        self, items: tuple[Signed[BodyT], ...], signers: Mapping[str, bytes], file: str
    ) -> tuple[Signed[BodyT], ...]:
        believed: list[Signed[BodyT]] = []
        for signed in items:
            try:
                believed.append(verify(signed, signers))
            except BlindsumError as error:
                self._journal.failed(_CHECK, file, str(error))
        return tuple(believed)
