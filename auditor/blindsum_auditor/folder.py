"""A transcript folder read into values: every file strictly, and nothing believed yet."""

from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

from blindsum_auditor.files import read_at_most
from blindsum_auditor.journal import Journal
from blindsum_auditor.listing import Listing, list_folder
from blindsum_auditor.records import EndRecord, RoundRecord, TranscriptRecord
from blindsum_crypto.errors import BlindsumError
from blindsum_protos.convert.exception import exception_file_from_bytes
from blindsum_protos.convert.manifest import manifest_file_from_bytes
from blindsum_protos.convert.signed import signed_from_bytes, signed_list_from_bytes
from blindsum_rules import transcript
from blindsum_rules.acceptance import Acceptance
from blindsum_rules.admission import Admission, HeaderPage
from blindsum_rules.certificate import Abort, Certificate
from blindsum_rules.close import Close
from blindsum_rules.endorsement import Endorsement
from blindsum_rules.exception import SignedException
from blindsum_rules.freeze import Freeze
from blindsum_rules.header import Contribution
from blindsum_rules.release import Release
from blindsum_rules.signed import BodyT, Signed
from blindsum_rules.spec import Spec

MAX_PARSED_BYTES: Final = (1 << 31) - 1
"""Largest file of messages that is parsed, by protobuf's own limit.

100,000 contributions at (7,4) take 150 MB; the releases of 1,000 masked clients of whom half are
absent 100 MB at (4,2), 1.1 GB at (7,4).
"""

_ALWAYS: Final = (
    transcript.SPEC,
    transcript.ACCEPTANCES,
    transcript.PAGES,
    transcript.CONTRIBUTIONS,
    transcript.ADMISSIONS,
    transcript.ENDORSEMENTS,
    transcript.CLOSES,
)
"""Files that every round has, however it ended; a list without items is a file without bytes."""

ValueT = TypeVar("ValueT")


def read_folder(folder: Path, journal: Journal) -> TranscriptRecord:
    """Read a transcript folder.

    Files that are unknown, missing or unreadable are findings; what remains is read.

    Raises:
        Unavailable: `transcript-folder`, when the folder is not there.
    """
    reader = _Reader(list_folder(folder, journal), journal)
    return reader.transcript(folder)


class _Reader:
    """Reads the listed files, and writes down which of them cannot be read."""

    def __init__(self, listing: Listing, journal: Journal) -> None:
        self._listing = listing
        self._journal = journal

    def transcript(self, folder: Path) -> TranscriptRecord:
        file = self._parsed(transcript.MANIFEST, manifest_file_from_bytes)
        manifest, approval = (None, None) if file is None else (file.manifest, file.approval)
        if file is not None and file.amendments:
            what = "amendments-apart: expected every amendment in the spec that puts it in force"
            self._journal.failed("amendments", transcript.MANIFEST, what)
        self._expect(transcript.MANIFEST)
        end = self._end() if self._listing.has_end else None
        rounds = tuple(self._round(folder, number) for number in self._listing.rounds)
        self._expect_numbers(end)
        self._expect_files(rounds, has_ended=end is not None)
        return TranscriptRecord(manifest, approval, rounds, end)

    def _round(self, folder: Path, number: int) -> RoundRecord:
        place = transcript.round_folder(number)

        def file(name: str) -> str:
            return transcript.round_file(number, name)

        return RoundRecord(
            number=number,
            folder=folder / place,
            names=self._listing.names_in(place),
            payloads=self._payloads(place),
            spec=self._one(Spec, file(transcript.SPEC)),
            acceptances=self._many(Acceptance, file(transcript.ACCEPTANCES)),
            pages=self._many(HeaderPage, file(transcript.PAGES)),
            contributions=self._many(Contribution, file(transcript.CONTRIBUTIONS)),
            admissions=self._many(Admission, file(transcript.ADMISSIONS)),
            freeze=self._one(Freeze, file(transcript.FREEZE)),
            endorsements=self._many(Endorsement, file(transcript.ENDORSEMENTS)),
            exception=self._exception(file(transcript.EXCEPTION)),
            releases=self._many(Release, file(transcript.RELEASES)),
            certificate=self._one(Certificate, file(transcript.CERTIFICATE)),
            abort=self._one(Abort, file(transcript.ABORT)),
            closes=self._many(Close, file(transcript.CLOSES)),
        )

    def _end(self) -> EndRecord:
        spec, acceptances = (
            transcript.end_file(name) for name in (transcript.SPEC, transcript.ACCEPTANCES)
        )
        self._expect(spec)
        self._expect(acceptances)
        return EndRecord(self._one(Spec, spec), self._many(Acceptance, acceptances))

    def _payloads(self, place: str) -> dict[str, Path]:
        folder = f"{place}/{transcript.PAYLOADS}"
        payloads: dict[str, Path] = {}
        for name in sorted(self._listing.names_in(folder)):
            client = transcript.client_of(name)
            if client is not None:
                payloads[client] = self._listing.files[f"{folder}/{name}"]
        return payloads

    def _exception(self, file: str) -> SignedException | None:
        signatures = self._parsed(file, exception_file_from_bytes)
        return None if signatures is None else SignedException(*signatures)

    def _one(self, kind: type[BodyT], file: str) -> Signed[BodyT] | None:
        return self._parsed(file, lambda data: signed_from_bytes(kind, data))

    def _many(self, kind: type[BodyT], file: str) -> tuple[Signed[BodyT], ...]:
        return self._parsed(file, lambda data: signed_list_from_bytes(kind, data)) or ()

    def _parsed(self, file: str, parse: Callable[[bytes], ValueT]) -> ValueT | None:
        path = self._listing.files.get(file)
        if path is None:
            return None
        try:
            return parse(read_at_most(path, MAX_PARSED_BYTES))
        except BlindsumError as error:
            self._journal.failed("files", file, str(error))
            return None

    def _expect_numbers(self, end: EndRecord | None) -> None:
        """Name the first missing round of every gap; an end spec takes the next number."""
        expected = 0
        numbers = self._listing.rounds
        if end is not None and end.spec is not None:
            numbers = (*numbers, end.spec.body.round_number)
        for number in numbers:
            if number > expected:
                self._journal.failed(
                    "files",
                    transcript.round_file(expected, transcript.SPEC),
                    f"missing-file: expected the rounds {expected} to {number - 1}",
                )
            expected = number + 1

    def _expect_files(self, rounds: tuple[RoundRecord, ...], *, has_ended: bool) -> None:
        for record in rounds:
            is_last = record is rounds[-1] and not has_ended
            if is_last and not record.has_outcome:
                self._journal.not_checkable(
                    "files",
                    record.file(transcript.CERTIFICATE),
                    "this last round has neither a certificate nor an abort: it has not ended",
                )
            for name in _expected_names(record, is_last=is_last):
                self._expect(record.file(name))

    def _expect(self, file: str) -> None:
        if file not in self._listing.files:
            self._journal.failed("files", file, "missing-file: expected this file")


def _expected_names(record: RoundRecord, *, is_last: bool) -> tuple[str, ...]:
    """What a round's folder must hold; the last round of a running study may still be under way."""
    if not is_last:
        return _ALWAYS
    if record.has_outcome:
        return tuple(name for name in _ALWAYS if name != transcript.CLOSES)
    return ()
