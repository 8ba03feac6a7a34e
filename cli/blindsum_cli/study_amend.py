"""`blindsum study amend`: who joins, leaves, changes keys or is revoked, while a study runs."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from blindsum_cli.amendment_changes import Wishes, amendment_of
from blindsum_cli.amendment_file import add_amendment, amended_so_far
from blindsum_cli.amendment_view import render_amendments
from blindsum_cli.console import advise, say
from blindsum_cli.key_files import open_key, read_identities
from blindsum_cli.options import KeyPath, ManifestPath
from blindsum_cli.passphrase import PassphraseFile, read_passphrase
from blindsum_rules.amended_manifest import AmendedManifest
from blindsum_rules.quorum import liveness_note


def amend(
    file: ManifestPath,
    key: KeyPath,
    reason: Annotated[
        str, typer.Option(help="One sentence: why. It stands in the transcript for everybody.")
    ],
    identities: Annotated[
        list[Path] | None,
        typer.Option(
            "--identity",
            help="NAME.identity files, or folders of them, of everybody with new keys. Repeatable. "
            "Compare their fingerprints with the parties first: `blindsum keys show`.",
            exists=True,
        ),
    ] = None,
    join: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=ORGANISATION", help="A client that joins. Repeatable."),
    ] = None,
    group: Annotated[
        int, typer.Option(help="The group of all that join, in a study of several.", min=0)
    ] = 0,
    leave: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="A client that leaves with the next round. Repeatable."),
    ] = None,
    rotate: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="A client or custodian with a new agreement or wrap key and its identity as it "
            "was, in its NAME.identity. Repeatable.",
        ),
    ] = None,
    revoke: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="A client or custodian whose keys count no longer: at once, also in a round that "
            "runs. A custodian loses its seat by it. Repeatable.",
        ),
    ] = None,
    seat: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="A new custodian. Repeatable."),
    ] = None,
    unseat: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="A custodian that gives up its seat. Repeatable."),
    ] = None,
    threshold: Annotated[
        int | None,
        typer.Option(help="Custodians needed to open from now on. Default: as before.", min=1),
    ] = None,
    quorum: Annotated[
        int | None,
        typer.Option(help="Custodians that must sign from now on. Default: as before.", min=1),
    ] = None,
    passphrase_file: PassphraseFile = None,
    *,
    replace: Annotated[
        bool,
        typer.Option(
            "--replace", help="Instead of the last amendment, which the officer has not signed yet."
        ),
    ] = False,
) -> None:
    """Amend a running study: sign, as operator, what changes, and add it to STUDY.manifest.

    It comes into force with the next round, once the aggregator has it: `blindsum round amend`. The
    study keeps its digest; the officer signs the amendment with `blindsum study sign`.
    """
    before = amended_so_far(file, replacing=replace)
    wishes = Wishes(
        reason=reason,
        join=_joining(join or []),
        group=group,
        leave=leave or [],
        rotate=rotate or [],
        revoke=revoke or [],
        seat=seat or [],
        unseat=unseat or [],
        threshold=threshold,
        quorum=quorum,
    )
    amendment = amendment_of(wishes, before, read_identities(identities or []))
    operator = open_key(key, read_passphrase(passphrase_file, str(key))).identity
    after = add_amendment(file, before, amendment, operator)
    render_amendments([before, after])
    if amendment.committee is not None:
        body = after.body
        say(f"  {liveness_note(len(body.custodians), body.threshold, body.quorum)}")
    say(f"{file}  still digest {after.digest.hex()}")
    officer = after.body.officer
    if officer is not None:
        advise(f"officer {officer.name!r} runs: blindsum study sign {file} --key OFFICER.key")
    advise(what_next(file, after))


def what_next(file: Path, amended: AmendedManifest) -> str:
    """What the operator does with the last amendment of a file once it has every signature."""
    receivers = sorted(_with_new_keys(amended))
    if amended.amendments[-1].body.revoked:
        receivers.append("every custodian, which restarts with it and heeds the revocation at once")
    to = f"send {file} to {', '.join(receivers)}; " if receivers else ""
    return f"{to}put it in force: blindsum round amend {file}"


def _with_new_keys(amended: AmendedManifest) -> set[str]:
    """Who needs the file: it is enrolled by the last amendment, or with other keys."""
    before = amended.up_to(amended.number - 1).body
    known = {(one.name, one.agreement_key) for one in before.clients}
    known |= {(one.name, one.wrap_key) for one in before.custodians}
    now = {(one.name, one.agreement_key) for one in amended.body.clients}
    now |= {(one.name, one.wrap_key) for one in amended.body.custodians}
    return {name for name, _ in now - known}


def _joining(given: Iterable[str]) -> dict[str, str]:
    joining: dict[str, str] = {}
    for one in given:
        name, separator, organisation = one.partition("=")
        if not (separator and name and organisation):
            raise typer.BadParameter(
                f"expected NAME=ORGANISATION, got {one!r}", param_hint="--join"
            )
        if name in joining:
            raise typer.BadParameter(f"expected {name!r} once", param_hint="--join")
        joining[name] = organisation
    return joining
