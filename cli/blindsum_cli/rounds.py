"""`blindsum round`: what an operator asks of the aggregator, and how the rounds stand."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from blindsum_cli.calls import (
    Endpoint,
    RoundStanding,
    StudyStanding,
    ask_standing,
    caller_of,
    endpoint,
    operate,
)
from blindsum_cli.console import advise, note, out, print_json, printable, say
from blindsum_cli.exception_file import read_exception
from blindsum_cli.key_files import open_key
from blindsum_cli.manifest_file import read_amended, read_manifest
from blindsum_cli.options import (
    AggregatorAddress,
    AsJson,
    KeyPath,
    ManifestPath,
    TlsAuthority,
    TlsCertificate,
    TlsKey,
)
from blindsum_cli.passphrase import PassphraseFile, read_passphrase
from blindsum_crypto.errors import Refused
from blindsum_rules.anonymity import anonymity_of_size, smallest_anonymity
from blindsum_rules.manifest import Manifest
from blindsum_rules.requests import OperatorAction

app = typer.Typer(
    no_args_is_help=True, help="Open, except, amend and abort rounds, and see how they stand."
)

_Reason = Annotated[str, typer.Option(help="One sentence, for the aggregator's records.")]


@app.command("open")
def open_round(
    file: ManifestPath,
    key: KeyPath,
    aggregator: AggregatorAddress,
    round_number: Annotated[
        int | None,
        typer.Option(
            "--round", help="The round's number. Default: the next one, asked first.", min=0
        ),
    ] = None,
    reason: _Reason = "the operator opens the next round",
    tls_authority: TlsAuthority = None,
    tls_certificate: TlsCertificate = None,
    tls_key: TlsKey = None,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Ask the aggregator, signed as operator, to open the next round at once.

    Needed when it serves with --manual-rounds, or to skip the schedule's pause. Then watch it:
    `blindsum round status`.
    """
    where = endpoint(aggregator, tls_authority, tls_certificate, tls_key)
    passphrase = read_passphrase(passphrase_file, str(key))
    _ask(file, (key, passphrase), where, (OperatorAction.OPEN_ROUND, round_number, reason))


@app.command("abort")
def abort_round(
    file: ManifestPath,
    key: KeyPath,
    aggregator: AggregatorAddress,
    round_number: Annotated[int, typer.Option("--round", help="The round's number.", min=0)],
    reason: Annotated[str, typer.Option(help="One sentence, for the transcript.")],
    tls_authority: TlsAuthority = None,
    tls_certificate: TlsCertificate = None,
    tls_key: TlsKey = None,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Ask the aggregator, signed as operator, to end a round without an aggregate.

    A frozen round counts as released all the same, until a quorum of custodians closed it without
    that freeze: an abort alone has no effect on them. The next round follows by itself.
    """
    where = endpoint(aggregator, tls_authority, tls_certificate, tls_key)
    passphrase = read_passphrase(passphrase_file, str(key))
    _ask(file, (key, passphrase), where, (OperatorAction.ABORT_ROUND, round_number, reason))


@app.command("except")
def except_round(
    file: ManifestPath,
    exception_file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE.exception",
            help="From `blindsum study exception create`, signed by operator and officer.",
            exists=True,
            dir_okay=False,
        ),
    ],
    key: KeyPath,
    aggregator: AggregatorAddress,
    tls_authority: TlsAuthority = None,
    tls_certificate: TlsCertificate = None,
    tls_key: TlsKey = None,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Hand an exception in: that one round then sums exactly the clients that it names.

    The aggregator invites them alone, or, if the round is open already, leaves all others out. If
    one of them does not contribute, the exception allows nothing and the round is aborted. The
    answer says which earlier sums the new one may be subtracted from.
    """
    amended = read_amended(file)
    exception = read_exception(exception_file, amended)
    if exception.officer is None:
        raise Refused("exception", f"expected {exception_file} to be signed by the officer as well")
    identity = open_key(key, read_passphrase(passphrase_file, str(key))).identity
    where = endpoint(aggregator, tls_authority, tls_certificate, tls_key)
    body = exception.body
    request = (OperatorAction.EXCEPT_ROUND, body.round_number, body.reason)
    say(escape(operate(amended.signed, identity, where, request, exception)))
    advise("watch the round: blindsum round status; open it, if rounds are opened by hand.")


@app.command("amend")
def amend(
    file: ManifestPath,
    key: KeyPath,
    aggregator: AggregatorAddress,
    reason: _Reason = "the operator amends the study",
    tls_authority: TlsAuthority = None,
    tls_certificate: TlsCertificate = None,
    tls_key: TlsKey = None,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Hand the amendments of STUDY.manifest in: the next round puts them in force.

    They come from `blindsum study amend`. Those that the aggregator has already are well again. Who
    is revoked is turned away at once.
    """
    amended = read_amended(file)
    if not amended.amendments:
        raise Refused("no-amendment", f"expected {file} to hold an amendment")
    identity = open_key(key, read_passphrase(passphrase_file, str(key))).identity
    where = endpoint(aggregator, tls_authority, tls_certificate, tls_key)
    request = (OperatorAction.AMEND_STUDY, 0, reason)
    say(escape(operate(amended.signed, identity, where, request, amendments=amended.amendments)))
    advise("watch it come into force: blindsum round status; open a round, if that is by hand.")


@app.command("status")
def status(
    file: ManifestPath,
    key: KeyPath,
    aggregator: AggregatorAddress,
    tls_authority: TlsAuthority = None,
    tls_certificate: TlsCertificate = None,
    tls_key: TlsKey = None,
    passphrase_file: PassphraseFile = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Show how a study stands, as the aggregator says. Any party of the study may ask.

    It is the aggregator's word; what happened stands in the transcript: `blindsum verify`.
    """
    manifest = read_amended(file)
    identity = open_key(key, read_passphrase(passphrase_file, str(key))).identity
    where = endpoint(aggregator, tls_authority, tls_certificate, tls_key)
    standing = ask_standing(manifest.body, caller_of(manifest.body, identity), where)
    if as_json:
        print_json(asdict(standing))
        return
    out.print(_table(standing, manifest.body))
    say(f"attending: {', '.join(standing.attending) or 'no custodian'}")
    for amendment in standing.amendments:
        since = amendment.since_round
        when = "comes with the next round" if since is None else f"in force since round {since}"
        say(f"amendment {amendment.number}: {when}: {escape(printable(amendment.reason))}")
    for one in standing.rounds:
        if one.opening_steps:
            note(_opening(one))
        for refusal in one.refusals:
            note(escape(f"round {one.number}: {printable(refusal)}"))
    if not standing.rounds and not standing.ended:
        advise("start the custodians; then `blindsum round open`, or wait for the schedule.")


def _opening(one: RoundStanding) -> str:
    share = 100 * one.opening_steps_done // one.opening_steps
    return f"round {one.number}: its sum is being opened, {share} % of it is done"


def _ask(
    file: Path,
    key: tuple[Path, bytes],
    where: Endpoint,
    wish: tuple[OperatorAction, int | None, str],
) -> None:
    manifest, _ = read_manifest(file)
    identity = open_key(*key).identity
    action, number, reason = wish
    if number is None:
        caller = caller_of(manifest.body, identity)
        number = ask_standing(manifest.body, caller, where).next_round_number
    say(escape(operate(manifest, identity, where, (action, number, reason))))


def _table(standing: StudyStanding, manifest: Manifest) -> Table:
    ended = "ended" if standing.ended else "running"
    table = Table(
        title=f"{standing.study}: {ended}",
        title_justify="left",
        caption="clients: invited, received, in U; hidden: each among so many at least, "
        f"{smallest_anonymity(manifest).against}; "
        "custodians: accepted, endorsed, released, closed; "
        "seconds: of the steps that are over",
        caption_justify="left",
    )
    table.add_column("round", justify="right")
    table.add_column("state")
    table.add_column("model", justify="right")
    table.add_column("clients", justify="right")
    table.add_column("hidden", justify="right")
    table.add_column("custodians", justify="right")
    table.add_column("seconds", justify="right")
    for one in standing.rounds:
        table.add_row(*_row(one, manifest))
    return table


def _row(one: RoundStanding, manifest: Manifest) -> tuple[str, ...]:
    ended = f": {one.ended_by_rule}" if one.ended_by_rule else ""
    state = escape(printable(f"{one.state}{ended}"))
    signed = (one.accepted_by, one.endorsed_by, one.released_by, one.closed_by)
    return (
        str(one.number),
        state,
        str(one.model_version),
        f"{one.invited}, {one.received}, {one.frozen}",
        str(anonymity_of_size(manifest, one.frozen).clients) if one.frozen else "",
        ", ".join(str(len(custodians)) for custodians in signed),
        f"{sum(one.seconds.values()):.1f}",
    )
