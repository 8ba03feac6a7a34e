"""What lies in a transcript folder: every file is known by its place, or is a finding."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from blindsum_auditor.journal import Journal
from blindsum_crypto.errors import BlindsumError, Unavailable
from blindsum_rules import transcript
from blindsum_rules.identifiers import check_identifier

_ROUND_FILES = transcript.PUBLIC_FILES | transcript.SEALED_FILES | transcript.ENTITLED_FILES
_UNKNOWN = "unknown-file: expected only the files that a transcript has"


@dataclass(frozen=True, slots=True)
class Listing:
    """The known plain files of a transcript folder.

    Attributes:
        files: Path below the folder, with forward slashes, to where it lies.
        rounds: Numbers of the rounds that have a folder, ascending.
        has_end: Whether there is a folder for the end of the study.
    """

    files: Mapping[str, Path]
    rounds: tuple[int, ...]
    has_end: bool

    def names_in(self, folder: str) -> frozenset[str]:
        """The names of the plain files that lie directly in a folder."""
        prefix = f"{folder}/"
        return frozenset(
            file.removeprefix(prefix)
            for file in self.files
            if file.startswith(prefix) and "/" not in file.removeprefix(prefix)
        )


def list_folder(folder: Path, journal: Journal) -> Listing:
    """Walk a transcript folder; write down whatever has no place in it.

    Links are not followed and count as unknown: a transcript is files, and a link would let the
    folder's writer choose what else the auditor's machine reads.

    Raises:
        Unavailable: `transcript-folder`, when the folder is not there or cannot be listed.
    """
    files: dict[str, Path] = {}
    rounds: set[int] = set()
    for parts, path in _walk(folder):
        name = printable("/".join(parts))
        if path.is_symlink() or not (path.is_dir() or path.is_file()):
            journal.failed("files", name, f"{_UNKNOWN}, got something that is not a plain file")
        elif path.is_dir():
            if not _is_known_folder(parts):
                journal.failed("files", name, f"{_UNKNOWN}, got a folder")
            elif len(parts) > 1:
                rounds.add(int(parts[1]))
        elif _is_known_file(parts):
            files[name] = path
        else:
            journal.failed("files", name, _UNKNOWN)
    has_end = (folder / transcript.END).is_dir()
    return Listing(files, tuple(sorted(rounds)), has_end=has_end)


def printable(name: str) -> str:
    """A file's name that is safe to print: what is not printable ASCII is escaped."""
    # A name is the folder writer's words; a raw one could carry escapes to the reader's terminal.
    return name if name.isascii() and name.isprintable() else ascii(name)[1:-1]


def _walk(folder: Path, above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Path]]:
    """Every entry of the known folders; unknown folders are named and not entered."""
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        raise Unavailable("transcript-folder", f"expected a readable folder at {folder}") from error
    for entry in entries:
        parts = (*above, entry.name)
        yield parts, entry
        if _is_known_folder(parts) and entry.is_dir() and not entry.is_symlink():
            yield from _walk(entry, parts)


def _is_known_folder(parts: tuple[str, ...]) -> bool:
    match parts:
        case (transcript.ROUNDS,) | (transcript.END,):
            return True
        case (transcript.ROUNDS, number):
            return transcript.round_number_of(number) is not None
        case (transcript.ROUNDS, number, transcript.PAYLOADS):
            return transcript.round_number_of(number) is not None
        case _:
            return False


def _is_known_file(parts: tuple[str, ...]) -> bool:
    match parts:
        case (transcript.MANIFEST,):
            return True
        case (transcript.END, name):
            return name in transcript.END_FILES
        case (transcript.ROUNDS, number, name):
            return transcript.round_number_of(number) is not None and name in _ROUND_FILES
        case (transcript.ROUNDS, number, transcript.PAYLOADS, name):
            return transcript.round_number_of(number) is not None and _is_payload(name)
        case _:
            return False


def _is_payload(name: str) -> bool:
    client = transcript.client_of(name)
    if client is None:
        return False
    try:
        check_identifier(client, "client")
    except BlindsumError:
        return False
    return True
