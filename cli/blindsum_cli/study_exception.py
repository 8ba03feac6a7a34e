"""`blindsum study exception`: let one round sum a set that overlaps an earlier one; two sign it."""

from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.markup import escape

from blindsum_cli.console import advise, note, print_json, printable, say
from blindsum_cli.exception_file import (
    approve_exception,
    exception_path,
    read_exception,
    sign_exception,
)
from blindsum_cli.key_files import open_key
from blindsum_cli.manifest_file import read_amended
from blindsum_cli.options import AsJson, KeyPath, ManifestPath
from blindsum_cli.passphrase import PassphraseFile, read_passphrase
from blindsum_rules.amended_manifest import AmendedManifest
from blindsum_rules.exception import DifferencingException, SignedException, given_away
from blindsum_rules.manifest import DifferencingScope

app = typer.Typer(
    no_args_is_help=True,
    help="Let one round sum a smaller set than an earlier one: operator and officer sign.",
)

_ExceptionPath = Annotated[
    Path,
    typer.Argument(
        metavar="FILE.exception",
        help="From `blindsum study exception create`.",
        exists=True,
        dir_okay=False,
    ),
]
_STILL_TO_SIGN: Final = "not yet signed by the officer: it allows nothing"


@app.command("create")
def create(
    file: ManifestPath,
    key: KeyPath,
    round_number: Annotated[
        int,
        typer.Option(
            "--round",
            help="The one round it is for, not frozen yet: `blindsum round status` shows the "
            "newest; the next one is that + 1.",
            min=0,
        ),
    ],
    model_version: Annotated[
        int,
        typer.Option(
            help="The model version of that round: the column `model` of `blindsum round "
            "status`. It repeats after a round that failed, and grows by one after one that "
            "was published.",
            min=0,
        ),
    ],
    reason: Annotated[
        str, typer.Option(help="One sentence: why. It stands in the transcript for everybody.")
    ],
    client: Annotated[
        list[str] | None,
        typer.Option(help="A client to sum. Repeatable: name all of them, or use --exclude."),
    ] = None,
    exclude: Annotated[
        list[str] | None,
        typer.Option(help="A client not to sum; everybody else of the roster is. Repeatable."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="The file. Default: STUDY.round-N.exception beside the manifest."),
    ] = None,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Write an exception and sign it as operator; the privacy officer signs it next.

    After a round that failed, only the same set of clients may be summed under the same model, or
    clients outside of it: the difference of two sums would give somebody away. Where one client
    spoils every round, this allows one round without it, and says what that gives away.
    """
    manifest = read_amended(file)
    clients = _chosen(manifest, client or [], exclude or [])
    exception = DifferencingException(
        study=manifest.body.study,
        round_number=round_number,
        model_version=model_version,
        clients=clients,
        reason=reason,
        manifest_digest=manifest.digest,
    )
    operator = open_key(key, read_passphrase(passphrase_file, str(key))).identity
    path = out or exception_path(file, manifest.body.study, round_number)
    signed = sign_exception(path, exception, manifest, operator)
    _render(signed, manifest)
    say(f"{path}")
    officer = manifest.body.officer
    name = "" if officer is None else f" {officer.name!r}"
    advise(f"officer{name} runs: blindsum study exception sign {file} {path} --key OFFICER.key")


@app.command("sign")
def sign(
    file: ManifestPath,
    exception_file: _ExceptionPath,
    key: KeyPath,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Sign an exception as privacy officer, over the very words that the operator signed.

    Read before you sign: `blindsum study exception show`. It is good for one round alone.
    """
    manifest = read_amended(file)
    officer = open_key(key, read_passphrase(passphrase_file, str(key))).identity
    signed = approve_exception(exception_file, manifest, officer)
    _render(signed, manifest)
    advise(
        f"the operator hands it in before round {signed.body.round_number} is frozen: blindsum "
        f"round except {file} {exception_file} --key OPERATOR.key --aggregator HOST:PORT"
    )


@app.command("show")
def show(file: ManifestPath, exception_file: _ExceptionPath, *, as_json: AsJson = False) -> None:
    """Show in words what an exception allows, what it gives away, and who has signed it.

    The signatures that it has are checked.
    """
    manifest = read_amended(file)
    exception = read_exception(exception_file, manifest)
    if as_json:
        print_json(_summary(exception, manifest))
    else:
        _render(exception, manifest)


def _chosen(manifest: AmendedManifest, named: list[str], excluded: list[str]) -> tuple[str, ...]:
    roster = [one.name for one in manifest.body.clients]
    if bool(named) == bool(excluded):
        raise typer.BadParameter("give either --client, for each that is summed, or --exclude")
    strangers = sorted({*named, *excluded} - set(roster))
    if strangers:
        raise typer.BadParameter(
            f"no client of this study: {', '.join(strangers)}; `blindsum study show` lists them"
        )
    return tuple(sorted(set(named) or set(roster) - set(excluded)))


def _render(exception: SignedException, manifest: AmendedManifest) -> None:
    body = exception.body
    absent = _absent(exception, manifest)
    say(f"[bold]{body.study}[/]: an exception to the rule that no two sums may be subtracted")
    say(f"allows    round {body.round_number}, model version {body.model_version}, once")
    say(f"sums      exactly {', '.join(body.clients)} ({len(body.clients)} clients)")
    say(f"without   {', '.join(sorted(absent)) or 'nobody of the roster'}")
    say(f"reason    {escape(printable(body.reason))}")
    say(f"signed    by operator {exception.operator.signer}")
    if exception.officer is None:
        say(f"[yellow]missing[/]   {_STILL_TO_SIGN}")
    else:
        say(f"signed    by officer {exception.officer.signer}")
    say(f"discloses {escape(_given_away(exception, manifest))}")
    if manifest.body.no_differencing is DifferencingScope.STUDY:
        note("The rule of this study is over all rounds: each further one needs an exception too.")


def _given_away(exception: SignedException, manifest: AmendedManifest) -> str:
    """What whoever holds both sums learns; earlier sets are known to aggregator and auditors."""
    absent = _absent(exception, manifest)
    if not absent:
        return "nothing beside a sum over the whole roster"
    clients = frozenset(exception.body.clients)
    difference = given_away(clients, clients | absent)
    noise = "" if manifest.body.privacy is None else ", with the noise of both sums in it"
    return (
        f"beside a sum over the whole roster: {difference}{noise}. Any other set that overlaps "
        "this one gives its own difference away; `blindsum round except` says which sums there are"
    )


def _absent(exception: SignedException, manifest: AmendedManifest) -> frozenset[str]:
    return frozenset(manifest.body.client_keys).difference(exception.body.clients)


# Any: plain values of several kinds, for JSON.
def _summary(exception: SignedException, manifest: AmendedManifest) -> dict[str, Any]:
    body, officer = exception.body, exception.officer
    return {
        "study": body.study,
        "manifest_digest": body.manifest_digest.hex(),
        "digest": exception.digest.hex(),
        "round": body.round_number,
        "model_version": body.model_version,
        "clients": list(body.clients),
        "without": sorted(_absent(exception, manifest)),
        "reason": body.reason,
        "operator": exception.operator.signer,
        "officer": None if officer is None else officer.signer,
        "discloses": _given_away(exception, manifest),
    }
