"""`blindsum statistic`: answer a statistic study's queries from a table of records."""

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from blindsum_cli.client_session import Session, Tls, stopped_by_signals
from blindsum_cli.console import advise, out, say
from blindsum_cli.logs import SERVICE, configure_logs
from blindsum_cli.options import (
    AggregatorAddress,
    KeyPaths,
    ManifestPath,
    MaxDelta,
    MaxEpsilon,
    MinCohort,
    MinOrganisations,
    TlsAuthority,
    TlsCertificate,
    TlsKey,
    digest_in_full,
)
from blindsum_cli.passphrase import PassphraseFile
from blindsum_cli.query_view import result_table, result_values
from blindsum_crypto.errors import Rejected, Unavailable
from blindsum_rules.statistics.result import StatisticResult

app = typer.Typer(no_args_is_help=True, help="Sum counts, means and histograms over the sites.")


@app.callback()
def _group() -> None:
    """Keep `answer` a command of its own: a group of one command would lose its name."""


_Digest = Annotated[
    str,
    typer.Option(
        help="The manifest's digest in full, as the operator told it.", callback=digest_in_full
    ),
]
_State = Annotated[
    Path, typer.Option(help="Where this client remembers the study.", file_okay=False)
]
_Records = Annotated[
    Path,
    typer.Option(
        help="A .csv of this site's records, a line each, with a line of column names first. A "
        "value that is missing or no number meets no condition.",
        exists=True,
        dir_okay=False,
    ),
]


@app.command("answer")
def answer(
    file: ManifestPath,
    digest: _Digest,
    key: KeyPaths,
    aggregator: AggregatorAddress,
    state: _State,
    records: _Records,
    min_cohort: MinCohort = None,
    min_organisations: MinOrganisations = None,
    max_epsilon: MaxEpsilon = None,
    max_delta: MaxDelta = None,
    tls_authority: TlsAuthority = None,
    tls_certificate: TlsCertificate = None,
    tls_key: TlsKey = None,
    passphrase_file: PassphraseFile = None,
    results_file: Annotated[
        Path | None,
        typer.Option("--out", help="Also write the sums here, as JSON.", dir_okay=False),
    ] = None,
) -> None:
    """Answer every query of a study as its round opens, until the study ends; then show the sums.

    Read what is asked first: `blindsum study show STUDY.manifest`. Nothing but the cells that stand
    there leaves this machine, sealed. Killed and started again with the same --state, it goes on
    where it stopped.
    """
    columns = read_records(records)
    tls = Tls(tls_authority, tls_certificate, tls_key)
    session = Session(
        manifest=file,
        digest=digest,
        keys=key,
        passphrase_file=passphrase_file,
        aggregator=aggregator,
        state=state,
        tls=tls,
        min_cohort=min_cohort,
        min_organisations=min_organisations,
        max_epsilon=max_epsilon,
        max_delta=max_delta,
    )
    with session.open() as client:
        from blindsum_client.respondent import Respondent

        configure_logs(SERVICE)
        try:
            with stopped_by_signals(client):
                results = Respondent(client, columns).run()
        except Unavailable as error:
            if error.rule != "stopped":
                raise
            advise("start it again with the same --state: it goes on where it stopped.")
            return
    if results_file is not None:
        write_results(results_file, results)
    say(f"study {escape(client.study)} has ended; these sums are verified")
    for result in results:
        out.print(result_table(result))


def write_results(path: Path, results: Sequence[StatisticResult]) -> None:
    """Write results as JSON; the file appears whole."""
    draft = path.with_name(f"{path.name}.draft")
    draft.write_text(json.dumps([result_values(one) for one in results], indent=1), "utf-8")
    draft.replace(path)


def read_records(path: Path) -> dict[str, list[str]]:
    """A table's columns as texts.

    Raises:
        Rejected: `records-file`, when it has no line of names, or a line of another length.
    """
    with path.open(newline="", encoding="utf-8-sig") as file:
        lines = list(csv.reader(file, strict=True))
    if not lines or any(len(line) != len(lines[0]) for line in lines):
        raise Rejected("records-file", "expected a line of names, and lines of as many values")
    names, rows = lines[0], lines[1:]
    return {name: [row[index] for row in rows] for index, name in enumerate(names)}
