"""A transcript as values: what the files of each round say, before anybody believes them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from blindsum_auditor.report import Level
from blindsum_rules import transcript
from blindsum_rules.acceptance import Acceptance
from blindsum_rules.admission import Admission, HeaderPage
from blindsum_rules.certificate import Abort, Certificate
from blindsum_rules.close import Close
from blindsum_rules.endorsement import Endorsement
from blindsum_rules.exception import SignedException
from blindsum_rules.freeze import Freeze
from blindsum_rules.header import Contribution
from blindsum_rules.manifest import Approval, Manifest
from blindsum_rules.release import Release
from blindsum_rules.signed import Signed
from blindsum_rules.spec import Spec


@dataclass(frozen=True, slots=True)
class RoundRecord:
    """One round's folder.

    A file that is absent or unreadable is None here, or the empty tuple for a list; that it is
    absent or unreadable is a finding of its own.

    Attributes:
        number: The round's number, from the folder's name.
        folder: Where it lies.
        names: The plain files that lie in it, readable or not, payloads excepted.
        payloads: Client id to payload file.
    """

    number: int
    folder: Path
    names: frozenset[str]
    payloads: Mapping[str, Path]
    spec: Signed[Spec] | None = None
    acceptances: tuple[Signed[Acceptance], ...] = ()
    pages: tuple[Signed[HeaderPage], ...] = ()
    contributions: tuple[Signed[Contribution], ...] = ()
    admissions: tuple[Signed[Admission], ...] = ()
    freeze: Signed[Freeze] | None = None
    endorsements: tuple[Signed[Endorsement], ...] = ()
    exception: SignedException | None = None
    releases: tuple[Signed[Release], ...] = ()
    certificate: Signed[Certificate] | None = None
    abort: Signed[Abort] | None = None
    closes: tuple[Signed[Close], ...] = ()

    def file(self, name: str) -> str:
        """The path of one of the round's files below the transcript folder."""
        return transcript.round_file(self.number, name)

    @property
    def is_published(self) -> bool:
        """Whether the folder holds a certificate; it may yet be unreadable."""
        return transcript.CERTIFICATE in self.names

    @property
    def has_outcome(self) -> bool:
        """Whether the folder says how the round ended."""
        return self.is_published or transcript.ABORT in self.names

    @property
    def level(self) -> Level:
        """The highest level of which the folder holds anything."""
        if self.names & transcript.ENTITLED_FILES:
            return Level.ENTITLED
        if self.payloads or self.names & transcript.SEALED_FILES:
            return Level.SEALED
        return Level.PUBLIC


@dataclass(frozen=True, slots=True)
class EndRecord:
    """The folder `end`: the spec that binds the last aggregate and opens nothing."""

    spec: Signed[Spec] | None = None
    acceptances: tuple[Signed[Acceptance], ...] = ()


@dataclass(frozen=True, slots=True)
class TranscriptRecord:
    """A whole transcript folder.

    Attributes:
        manifest: The operator-signed manifest, or None when it could not be read.
        approval: The privacy officer's approval, or None.
        rounds: The rounds that are there, ascending by number; gaps are a finding.
        end: The end of the study, or None when it has not ended.
    """

    manifest: Signed[Manifest] | None
    approval: Signed[Approval] | None
    rounds: tuple[RoundRecord, ...]
    end: EndRecord | None

    @property
    def level(self) -> Level:
        """The highest level of which any round holds anything."""
        return max(
            (record.level for record in self.rounds),
            key=lambda level: level.rank,
            default=Level.PUBLIC,
        )
