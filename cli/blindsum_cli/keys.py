"""`blindsum keys`: make and show key files, and certificates for TLS."""

import os
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.table import Table

from blindsum_cli.console import advise, note, out, print_json, say
from blindsum_cli.key_files import (
    check_free,
    identity_file,
    key_file,
    make_party,
    read_identity,
)
from blindsum_cli.key_rotation import rotate_party
from blindsum_cli.options import AsJson
from blindsum_cli.passphrase import PassphraseFile, read_passphrase
from blindsum_crypto import tls
from blindsum_crypto.errors import Refused
from blindsum_crypto.identity import fingerprint
from blindsum_crypto.primitives import DEFAULT_WRAP_SUITE
from blindsum_rules.party import Role

app = typer.Typer(no_args_is_help=True, help="Make and show a party's keys.")

_SECRET_MODE: Final = 0o600


@app.command("new")
def new(
    name: Annotated[str, typer.Argument(help="The party's id, for example `cleveland`.")],
    role: Annotated[Role, typer.Option(help="What the party is in the study.")],
    folder: Annotated[
        Path,
        typer.Option(help="Where the two files go; default: the current folder.", file_okay=False),
    ] = Path(),
    suite: Annotated[
        str,
        typer.Option(
            help="Custodians: HPKE suite of the wrap key. The default stays closed to a quantum "
            "computer; `x25519` alone does not."
        ),
    ] = DEFAULT_WRAP_SUITE,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Make NAME.key (secret, encrypted, mode 0600) and NAME.identity (public, for the operator).

    The passphrase has at least 8 characters. Then send NAME.identity to the operator, and read the
    fingerprint to each other by telephone.
    """
    check_free(folder, name)
    secret = key_file(folder, name)
    passphrase = read_passphrase(passphrase_file, f"the new {secret}", confirm=True)
    party = make_party(folder, name, role, passphrase, suite)
    public = identity_file(folder, name)
    say(f"secret       {secret}")
    say(f"public       {public}")
    say(f"fingerprint  [bold]{fingerprint(party.identity)}[/]")
    advise(
        f"keep {secret} here and a backup of it apart; send {public} to the operator, and compare "
        "the fingerprint by telephone."
    )


@app.command("rotate")
def rotate(
    key: Annotated[
        Path,
        typer.Argument(
            metavar="NAME.key",
            help="A client's or custodian's key file; NAME.identity lies beside it.",
            dir_okay=False,
        ),
    ],
    suite: Annotated[
        str | None,
        typer.Option(help="Custodians: HPKE suite of the new wrap key. Default: as before."),
    ] = None,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Make the keys of a new epoch under the same identity: NAME.2.key and NAME.2.identity.

    A custodian gets a new wrap key, a client a new agreement key. Nothing is overwritten, and the
    passphrase stays the same. The new keys come into force with the operator's amendment; until
    the last round under the old ones is closed, the role needs both files.
    """
    rotated = rotate_party(key, read_passphrase(passphrase_file, str(key)), suite)
    name = rotated.party.name
    say(f"secret       {rotated.secret}")
    say(f"public       {rotated.public}")
    say(f"fingerprint  [bold]{fingerprint(rotated.party.identity)}[/], as before")
    advise(
        f"send {rotated.public} to the operator, who amends the study: `blindsum study amend "
        f"STUDY.manifest --rotate {name} --identity {rotated.public.name} --key OPERATOR.key "
        "--reason WHY`."
    )
    start = "custodian attend" if rotated.party.role is Role.CUSTODIAN else "client join"
    advise(
        f"at once, start `blindsum {start}` with both files: --key {key} --key {rotated.secret}. "
        f"Leave {key} out once the last round before the amendment is closed (`blindsum round "
        "status`), and not before."
    )


@app.command("show")
def show(
    identity: Annotated[
        Path, typer.Argument(help="NAME.identity of any party.", exists=True, dir_okay=False)
    ],
    *,
    as_json: AsJson = False,
) -> None:
    """Check an identity file's own signature and show its fingerprint.

    The operator compares the fingerprint with the party before `blindsum study create`.
    """
    party = read_identity(identity)
    shown = {
        "name": party.name,
        "role": party.role.value,
        "fingerprint": fingerprint(party.identity),
        "identity": party.identity.hex(),
        "wrap_suite": party.wrap_suite,
    }
    if as_json:
        print_json(shown)
        return
    table = Table(show_header=False, box=None)
    for label, value in shown.items():
        if value:
            table.add_row(label, value)
    out.print(table)
    advise("compare the fingerprint with the party by telephone, not by the way the file came.")


@app.command("tls")
def make_tls(
    names: Annotated[
        list[str],
        typer.Argument(help="Host names and addresses of the aggregator: `127.0.0.1 localhost`."),
    ],
    folder: Annotated[
        Path, typer.Option(help="Where the files go; it must be empty.", file_okay=False)
    ] = Path("tls"),
    client_name: Annotated[
        list[str] | None,
        typer.Option("--client", help="Also a certificate for this party (mTLS). Repeatable."),
    ] = None,
    days: Annotated[int, typer.Option(help="Validity in days.", min=1, max=3650)] = 365,
) -> None:
    """Make an authority and the aggregator's certificate, for tests and small sites.

    Larger sites use the certificates that they have. The protocol's own signatures hold with TLS
    and without.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise Refused("tls-folder-not-empty", f"expected an empty folder, got {folder}")
    authority = tls.create_authority("Blindsum study authority", days)
    _write_pair(folder, "authority", authority)
    _write_pair(folder, "aggregator", tls.issue(authority, names, days))
    for party in client_name or ():
        _write_pair(folder, party, tls.issue(authority, [party], days))
    for path in sorted(folder.iterdir()):
        say(str(path))
    advise(
        f"blindsum aggregator serve --tls-certificate {folder / 'aggregator.pem'}; everybody else "
        f"--tls-authority {folder / 'authority.pem'}. Keep {folder / 'authority.key.pem'} offline."
    )
    if client_name:
        note("mTLS: the aggregator also takes --tls-client-authority; parties --tls-certificate.")


def _write_pair(folder: Path, name: str, pair: tuple[bytes, bytes]) -> None:
    certificate, key = pair
    (folder / f"{name}.pem").write_bytes(certificate)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    with os.fdopen(os.open(folder / f"{name}.key.pem", flags, _SECRET_MODE), "wb") as file:
        file.write(key)
