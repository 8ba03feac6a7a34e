"""`blindsum verify`: check a study from its transcript folder, offline, believing nobody."""

import hmac
from pathlib import Path
from typing import Annotated, Final

import typer

from blindsum_auditor.report import Level, Report
from blindsum_cli.console import advise, out
from blindsum_cli.exits import NEXT_STEPS, RULE_BROKE
from blindsum_cli.options import AsJson
from blindsum_cli.report_view import render
from blindsum_crypto.errors import Refused
from blindsum_crypto.primitives import DIGEST_BYTES

_MANIFEST_FILE: Final = "manifest.pb"


def verify_folder(
    folder: Annotated[
        Path,
        typer.Argument(
            help="The transcript folder of one study: it holds manifest.pb and rounds/."
        ),
    ],
    digest: Annotated[
        str | None,
        typer.Option(help="Digest of the manifest, got out of band: 64 hex digits."),
    ] = None,
    level: Annotated[
        Level | None,
        typer.Option(
            help="Up to which level to check: signatures, sets and chain; also sealed sums; also "
            "openings and models. Default: whatever the folder holds."
        ),
    ] = None,
    *,
    as_json: AsJson = False,
    show_all: Annotated[
        bool, typer.Option("--all", help="Every finding, one a line, not only what failed.")
    ] = False,
) -> None:
    """Verify signatures, quorums, sets, sums, openings and the chain of a study's transcript.

    Exit code 0 when nothing failed, 1 when something did; what could not be checked is listed.
    """
    report = check_folder(folder, digest, level)
    if as_json:
        out.file.write(report.to_json() + "\n")
    else:
        render(report, show_all=show_all)
        if not (folder / _MANIFEST_FILE).is_file():
            advise(NEXT_STEPS["transcript-folder"])
        elif digest is None:
            advise("give --digest, the manifest's digest as the operator told it out of band.")
    if not report.accepted:
        raise typer.Exit(RULE_BROKE)


def check_folder(folder: Path, digest: str | None, level: Level | None = None) -> Report:
    """Verify a transcript folder against a digest in hex, if one is known.

    Raises:
        Refused: `manifest-digest`, when the digest is not 64 hex digits.
        Unavailable: `transcript-folder`.
    """
    from blindsum_auditor.verify import verify

    return verify(folder, None if digest is None else _parse(digest), level)


def _parse(digest: str) -> bytes:
    try:
        parsed = bytes.fromhex(digest)
    except ValueError:
        parsed = b""
    if len(parsed) != DIGEST_BYTES or not hmac.compare_digest(parsed.hex(), digest.lower()):
        raise Refused("manifest-digest", f"expected {2 * DIGEST_BYTES} hex digits")
    return parsed
