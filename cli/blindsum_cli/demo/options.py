"""Options that the demos share."""

from pathlib import Path
from typing import Annotated

import typer

DemoFolder = Annotated[
    Path | None,
    typer.Option(
        help="Where everything goes; it must be new or empty. Default: a new folder, named.",
        file_okay=False,
    ),
]
DemoJson = Annotated[
    Path | None,
    typer.Option("--json", help="Also write the results here, for scripts.", dir_okay=False),
]
DemoPort = Annotated[
    int,
    typer.Option(
        help="Port of the aggregator on the loopback interface; 0 lets the system choose.",
        min=0,
        max=65535,
    ),
]
