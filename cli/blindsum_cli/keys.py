"""`blindsum keys`: make and show key files, and certificates for TLS."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from blindsum_cli.console import err, out, print_json
from blindsum_cli.key_files import public_identity, read_identity, write_identity
from blindsum_cli.passphrase import PassphraseFile, read_passphrase
from blindsum_crypto import tls
from blindsum_crypto.errors import Refused
from blindsum_crypto.identity import AgreementKey, Identity, WrapKey, fingerprint
from blindsum_crypto.keystore import FileKeyStore, KeyRing
from blindsum_crypto.primitives import DEFAULT_WRAP_SUITE, WrapSuite
from blindsum_rules.identifiers import check_identifier
from blindsum_rules.party import Role

app = typer.Typer(no_args_is_help=True, help="Make and show a party's keys.")


@app.command("new")
def new(
    name: Annotated[str, typer.Argument(help="The party's id, for example `cleveland`.")],
    role: Annotated[Role, typer.Option(help="What the party is in the study.")],
    folder: Annotated[
        Path, typer.Option(help="Where the two files go.", file_okay=False)
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

    Send NAME.identity to the operator and read the fingerprint to each other by telephone.
    """
    check_identifier(name, "NAME")
    key_path, identity_path = folder / f"{name}.key", folder / f"{name}.identity"
    if key_path.exists() or identity_path.exists():
        raise Refused("key-file-exists", f"expected no {key_path} and no {identity_path}")
    passphrase = read_passphrase(passphrase_file, f"the new {key_path}", confirm=True)
    ring = KeyRing(
        identity=Identity.generate(),
        wrap_key=WrapKey.generate(WrapSuite(suite)) if role is Role.CUSTODIAN else None,
        agreement_key=AgreementKey.generate() if role is Role.CLIENT else None,
    )
    folder.mkdir(parents=True, exist_ok=True)
    FileKeyStore(key_path, passphrase).create(ring)
    write_identity(identity_path, public_identity(name, role, ring))
    out.print(f"{key_path}       secret: keep it here, keep a backup of it apart")
    out.print(f"{identity_path}  public: send it to the operator")
    out.print(f"fingerprint    [bold]{fingerprint(ring.identity.public)}[/]")


@app.command("show")
def show(
    identity: Annotated[
        Path, typer.Argument(help="NAME.identity", exists=True, dir_okay=False)
    ],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="For scripts.")] = False,
) -> None:
    """Check an identity file's own signature and show its fingerprint."""
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


@app.command("tls")
def make_tls(
    names: Annotated[
        list[str],
        typer.Argument(help="Host names and addresses of the aggregator, `127.0.0.1 localhost`."),
    ],
    folder: Annotated[Path, typer.Option(help="Where the files go.", file_okay=False)] = Path(
        "tls"
    ),
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
    err.print(f"wrote {', '.join(sorted(path.name for path in folder.iterdir()))} to {folder}")
    err.print(
        f"aggregator: --tls-certificate {folder / 'aggregator.pem'} "
        f"--tls-key {folder / 'aggregator.key.pem'}; everybody else: --tls-authority "
        f"{folder / 'authority.pem'}"
    )


def _write_pair(folder: Path, name: str, pair: tuple[bytes, bytes]) -> None:
    certificate, key = pair
    (folder / f"{name}.pem").write_bytes(certificate)
    key_path = folder / f"{name}.key.pem"
    key_path.touch(mode=0o600)
    key_path.write_bytes(key)
