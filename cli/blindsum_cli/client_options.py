"""Options of `blindsum client` that several of its commands share."""

from pathlib import Path
from typing import Annotated

import typer

from blindsum_cli.options import digest_in_full

Digest = Annotated[
    str,
    typer.Option(
        help="Digest of the manifest in full, 64 hex digits, got out of band: no trust on first "
        "use.",
        callback=digest_in_full,
    ),
]
State = Annotated[
    Path,
    typer.Option(
        help="Folder where this client remembers this study. Its STATE.anchor lies beside it: "
        "leave that one out of backups.",
        file_okay=False,
    ),
]
InitialModel = Annotated[
    Path | None,
    typer.Option(
        help="The .npz of the study's first model. Default: fetched; the manifest pins it.",
        exists=True,
        dir_okay=False,
    ),
]
Wait = Annotated[
    float, typer.Option(help="Wait at most so many seconds for a round that invites you.", min=1)
]
