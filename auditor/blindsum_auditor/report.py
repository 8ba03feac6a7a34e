"""The auditor's report: what held in a transcript, what failed, what could not be checked."""

import json
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from blindsum_auditor.amendment_in_force import AmendmentInForce
from blindsum_auditor.anonymity import RoundAnonymity, in_words
from blindsum_auditor.exceptions import UsedException
from blindsum_auditor.privacy_account import PrivacyAccount


class Level(StrEnum):
    """What the reader of a transcript holds; each level includes the one before.

    `public`: signatures, sets, chain. `sealed`: payloads and sealed sums. `entitled`: releases,
    salts, aggregates and models (docs/specification.md, 13).
    """

    PUBLIC = "public"
    SEALED = "sealed"
    ENTITLED = "entitled"

    @property
    def rank(self) -> int:
        """0, 1, 2: how much the level holds."""
        return list(Level).index(self)

    def includes(self, other: "Level") -> bool:
        """Say whether a reader of this level can do checks of the other."""
        return other.rank <= self.rank


class Status(StrEnum):
    """What came of one check."""

    OK = "ok"
    FAILED = "failed"
    NOT_CHECKABLE = "not-checkable"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found in one file.

    Attributes:
        check: Name of the check in kebab-case; where it failed, the sentence begins with the rule.
        level: The level that the check needs.
        status: What came of it.
        file: The file that the finding is about, as a path below the transcript folder.
        sentence: What was found, or what was expected; never a value of a vector.
    """

    check: str
    level: Level
    status: Status
    file: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that a verification found.

    Attributes:
        study: The study's id, or empty when the manifest could not be read.
        manifest_digest: Digest of the manifest in the folder, 32 bytes, or empty.
        level: The level that the checks went up to.
        rounds: How many rounds the folder holds.
        ended: Whether an accepted end spec closes the chain.
        findings: In the order of the checks.
        limits: What no transcript can show; part of every report (docs/specification.md, 13).
        is_believed: Whether the manifest is believed, so that anything may rest on it.
        privacy: What a private study promised and spent; None without differential privacy, or
            when the manifest is not believed.
        anonymity: Among how many clients each frozen set hides its members, by ascending round.
        exceptions: Every exception to the rule against differencing that was used, and what it
            gave away, by ascending round.
        amendments: Every amendment that came into force, in order.
    """

    study: str
    manifest_digest: bytes
    level: Level
    rounds: int
    ended: bool
    findings: tuple[Finding, ...]
    limits: tuple[str, ...]
    is_believed: bool = False
    privacy: PrivacyAccount | None = None
    anonymity: tuple[RoundAnonymity, ...] = ()
    exceptions: tuple[UsedException, ...] = ()
    amendments: tuple[AmendmentInForce, ...] = ()

    @property
    def accepted(self) -> bool:
        """Whether no check failed; what was not checkable is not thereby shown."""
        return not self.failed

    @property
    def failed(self) -> tuple[Finding, ...]:
        """The findings that say that something is wrong."""
        return self.of_status(Status.FAILED)

    @property
    def not_checkable(self) -> tuple[Finding, ...]:
        """The findings that say what this folder or level does not show."""
        return self.of_status(Status.NOT_CHECKABLE)

    def of_status(self, status: Status) -> tuple[Finding, ...]:
        """The findings of one status, in order."""
        return tuple(finding for finding in self.findings if finding.status is status)

    @property
    def privacy_in_words(self) -> str:
        """What the study promises about single records, patients or clients, in one sentence."""
        if not self.is_believed:
            return "not known: the manifest is not believed"
        if self.privacy is None:
            return "no differential privacy"
        return self.privacy.in_words

    @property
    def anonymity_in_words(self) -> str:
        """Among how many clients the smallest sum hides each, in one sentence."""
        if not self.is_believed:
            return "not known: the manifest is not believed"
        return in_words(self.anonymity)

    @property
    def amendments_in_words(self) -> str:
        """How often the study was amended, in one sentence."""
        if not self.is_believed:
            return "not known: the manifest is not believed"
        count = len(self.amendments)
        if not count:
            return "none"
        what = "1 amendment" if count == 1 else f"{count} amendments"
        return f"{what}, in the specs that put them in force: no further file is needed"

    def to_json(self) -> str:
        """The report as JSON: keys sorted, two spaces of indentation, digests in hexadecimal."""
        document = {
            "study": self.study,
            "manifest_digest": self.manifest_digest.hex(),
            "level": self.level,
            "rounds": self.rounds,
            "ended": self.ended,
            "accepted": self.accepted,
            "findings": [asdict(finding) for finding in self.findings],
            "limits": list(self.limits),
            "privacy": self._privacy(),
            "anonymity": {
                "in_words": self.anonymity_in_words,
                "rounds": [one.document() for one in self.anonymity],
            },
            "exceptions": [one.document() for one in self.exceptions],
            "amendments": [one.document() for one in self.amendments],
        }
        return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False)

    # Any: plain values of several kinds, for JSON.
    def _privacy(self) -> dict[str, Any]:
        known = {"differential_privacy": self.privacy is not None} if self.is_believed else {}
        figures = {} if self.privacy is None else self.privacy.document()
        return {"in_words": self.privacy_in_words, **known, **figures}
