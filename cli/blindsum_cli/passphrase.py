"""Passphrases of key files: from a file, the environment or a prompt, never an argument."""

import os
import sys
from pathlib import Path
from typing import Annotated, Final

import typer

from blindsum_crypto.errors import Refused, Unavailable

ENVIRONMENT: Final = "BLINDSUM_PASSPHRASE"
SHORTEST: Final = 8

PassphraseFile = Annotated[
    Path | None,
    typer.Option(
        "--passphrase-file",
        help=f"File whose first line is the passphrase, mode 0600: so a service starts "
        f"unattended. Without it: the environment's {ENVIRONMENT}, else a prompt.",
        exists=True,
        dir_okay=False,
    ),
]


def read_passphrase(file: Path | None, what: str, *, confirm: bool = False) -> bytes:
    """Find the passphrase of a key file.

    Args:
        file: Its first line is the passphrase, if given.
        what: What it opens, for the prompt.
        confirm: Ask twice and refuse short ones: for a new key file.

    Raises:
        Refused: `short-passphrase`, when a new one has fewer than 8 characters; `no-passphrase`,
            when there is nobody to ask.
        Unavailable: `passphrase-file`, when the file cannot be read.
    """
    if file is not None:
        text = _first_line(file)
    elif ENVIRONMENT in os.environ:
        text = os.environ[ENVIRONMENT]
    elif not sys.stdin.isatty():
        # A prompt would echo here, or wait for nobody.
        raise Refused("no-passphrase", f"expected the passphrase of {what}, or a terminal to ask")
    else:
        text = typer.prompt(
            f"Passphrase of {what}", hide_input=True, confirmation_prompt=confirm, err=True
        )
    if confirm and len(text) < SHORTEST:
        raise Refused("short-passphrase", f"expected at least {SHORTEST} characters")
    return text.encode()


def _first_line(file: Path) -> str:
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        # The text is a secret: it stays out of the error and of its chain.
        raise Unavailable("passphrase-file", f"expected a readable text file {file}") from None
    return lines[0] if lines else ""
