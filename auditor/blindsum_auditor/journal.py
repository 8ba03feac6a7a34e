"""The auditor's journal: every check writes here what came of it, and goes on."""

from collections.abc import Iterator
from contextlib import contextmanager

from blindsum_auditor.report import Finding, Level, Status
from blindsum_crypto.errors import BlindsumError


class Journal:
    """Findings in the order in which they were made.

    A verification does not stop at the first failure, since the reader wants to know of all of
    them; so checks raise as everywhere else, and the journal turns what they raise into findings.
    """

    def __init__(self) -> None:
        # The keys alone count: one fault may be met on several ways, and the reader needs it once.
        self._findings: dict[Finding, None] = {}

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Everything that was found so far."""
        return tuple(self._findings)

    def has_failed(self, file: str) -> bool:
        """Say whether anything was found to be wrong with a file so far."""
        return any(
            finding.file == file and finding.status is Status.FAILED for finding in self._findings
        )

    @contextmanager
    def checking(
        self, check: str, file: str, holds: str, level: Level = Level.PUBLIC
    ) -> Iterator[None]:
        """Write what came of the checks inside the `with`.

        Args:
            check: Name of the check in kebab-case.
            file: The file at fault if it fails.
            holds: The sentence to write when nothing is raised.
            level: The level that the check needs.
        """
        try:
            yield
        except BlindsumError as error:
            self.failed(check, file, str(error), level)
        else:
            self.holds(check, file, holds, level)

    def holds(self, check: str, file: str, sentence: str, level: Level = Level.PUBLIC) -> None:
        """Write that a check holds."""
        self.write(Finding(check, level, Status.OK, file, sentence))

    def failed(self, check: str, file: str, sentence: str, level: Level = Level.PUBLIC) -> None:
        """Write that something is wrong with a file."""
        self.write(Finding(check, level, Status.FAILED, file, sentence))

    def not_checkable(
        self, check: str, file: str, sentence: str, level: Level = Level.PUBLIC
    ) -> None:
        """Write what could not be checked, and why."""
        self.write(Finding(check, level, Status.NOT_CHECKABLE, file, sentence))

    def write(self, finding: Finding) -> None:
        """Write a finding, unless the very same one is written already."""
        self._findings.setdefault(finding)
