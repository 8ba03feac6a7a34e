"""`blindsum study`: write a study, sign it, read it, end it."""

import shutil
from pathlib import Path
from typing import Annotated

import typer

from blindsum_cli.calls import AggregatorAddress, TlsAuthority, TlsOwn, operate
from blindsum_cli.console import err, out, print_json
from blindsum_cli.key_files import open_key, read_identities
from blindsum_cli.manifest_file import SignedStudy, read_manifest
from blindsum_cli.model_file import read_model
from blindsum_cli.passphrase import PassphraseFile, read_passphrase
from blindsum_cli.study_view import render, summary
from blindsum_crypto.errors import Refused
from blindsum_crypto.keystore import KeyRing
from blindsum_protos.convert.manifest import (
    manifest_file_from_bytes,
    manifest_file_to_bytes,
    manifest_from_message,
    manifest_to_message,
)
from blindsum_protos.convert.signed import sign
from blindsum_protos.v1.manifest_pb2 import ManifestBody
from blindsum_rules.manifest import Approval, Manifest
from blindsum_rules.manifest_checks import check_manifest, check_signed_manifest
from blindsum_rules.model import model_digest
from blindsum_rules.requests import OperatorAction
from blindsum_rules.study_toml import example_toml, manifest_from_toml

app = typer.Typer(no_args_is_help=True, help="Write a study, sign it, read it, end it.")

ManifestPath = Annotated[
    Path, typer.Argument(help="STUDY.manifest", exists=True, dir_okay=False)
]
KeyPath = Annotated[Path, typer.Option("--key", help="Your NAME.key", exists=True, dir_okay=False)]


@app.command("create")
def create(
    study_toml: Annotated[
        Path | None, typer.Argument(help="study.toml, written by you.", dir_okay=False)
    ] = None,
    identities: Annotated[
        list[Path] | None,
        typer.Option("--identity", help="NAME.identity files, or folders of them. Repeatable."),
    ] = None,
    initial_model: Annotated[
        Path | None,
        typer.Option(help="The model of round 0: an .npz of named float arrays.", dir_okay=False),
    ] = None,
    draft: Annotated[
        Path | None, typer.Option("--out", help="The draft; default STUDY.draft beside study.toml.")
    ] = None,
    *,
    example: Annotated[
        bool, typer.Option("--example", help="Print a complete commented study.toml and stop.")
    ] = False,
) -> None:
    """Compile study.toml into the draft that operator and officer sign.

    Start with `blindsum study create --example > study.toml`.
    """
    if example:
        out.file.write(example_toml())
        return
    if study_toml is None or initial_model is None or not identities:
        raise typer.BadParameter("expected STUDY.TOML, --identity and --initial-model")
    layout, model = read_model(initial_model)
    manifest = manifest_from_toml(
        study_toml.read_text(encoding="utf-8"),
        read_identities(identities),
        model_digest(model),
        layout,
    )
    check_manifest(manifest)
    path = draft or study_toml.with_name(f"{manifest.study}.draft")
    path.write_bytes(manifest_to_message(manifest).SerializeToString(deterministic=True))
    out.print(f"{path}: read it with `blindsum study show {path}`, then `blindsum study sign`")


@app.command("sign")
def sign_study(
    file: Annotated[
        Path, typer.Argument(help="STUDY.draft, or STUDY.manifest to approve.", exists=True)
    ],
    key: KeyPath,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Sign a draft as operator, or approve a signed manifest as privacy officer.

    Your key says which of the two you are. Read what you sign: `blindsum study show`.
    """
    ring = open_key(key, read_passphrase(passphrase_file, str(key)))
    if file.suffix == ".draft":
        _sign_as_operator(file, ring)
    else:
        _approve_as_officer(file, ring)


def _sign_as_operator(file: Path, ring: KeyRing) -> None:
    manifest = _read_draft(file)
    if ring.identity.public != manifest.operator.identity:
        raise Refused("operator-key", f"expected the key of operator {manifest.operator.name!r}")
    signed = sign(manifest, manifest.operator.name, ring.identity)
    path = file.with_suffix(".manifest")
    path.write_bytes(manifest_file_to_bytes(signed, None))
    out.print(f"{path}  digest [bold]{signed.digest.hex()}[/]")
    if manifest.officer is not None:
        err.print(f"Next: officer {manifest.officer.name!r} runs `blindsum study sign {path}`")


def _approve_as_officer(file: Path, ring: KeyRing) -> None:
    signed, _ = manifest_file_from_bytes(file.read_bytes())
    officer = signed.body.officer
    if officer is None or ring.identity.public != officer.identity:
        raise Refused("officer-key", "expected the key of the officer whom the manifest names")
    approval = sign(Approval(signed.body.study, signed.digest), officer.name, ring.identity)
    check_signed_manifest(signed, approval)
    shutil.copyfile(file, file.with_suffix(".manifest.unapproved"))
    file.write_bytes(manifest_file_to_bytes(signed, approval))
    out.print(f"{file}  digest [bold]{signed.digest.hex()}[/], approved by {officer.name}")


@app.command("show")
def show(
    file: Annotated[Path, typer.Argument(help="STUDY.manifest or STUDY.draft", exists=True)],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="For scripts.")] = False,
) -> None:
    """Show a study in words: who takes part, who may see what, which rules hold."""
    if file.suffix == ".draft":
        manifest, digest = _read_draft(file), None
    else:
        signed, _ = manifest_file_from_bytes(file.read_bytes())
        manifest, digest = signed.body, signed.digest.hex()
    if as_json:
        print_json(summary(manifest, digest))
    else:
        render(manifest, digest)


@app.command("verify")
def verify_study(
    file: ManifestPath,
    digest: Annotated[
        str | None, typer.Option(help="The digest that the operator told you, 64 hex digits.")
    ] = None,
) -> None:
    """Check signatures, rules and validity of a manifest, and its digest if you were told it."""
    manifest, _ = read_manifest(file, digest)
    out.print(f"[green]ok[/] {manifest.body.study}  digest {manifest.digest.hex()}")
    if digest is None:
        err.print("Now compare this digest with the operator out of band.")


@app.command("end")
def end(
    file: ManifestPath,
    key: KeyPath,
    aggregator: AggregatorAddress,
    round_number: Annotated[
        int, typer.Option("--round", help="The number that the end takes: last round + 1.", min=0)
    ],
    reason: Annotated[str, typer.Option(help="For the transcript.")] = "the operator ends the study",
    tls_authority: TlsAuthority = None,
    tls_own: TlsOwn = None,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Ask the aggregator, signed as operator, to end the study after its last closed round."""
    study: SignedStudy = read_manifest(file)
    ring = open_key(key, read_passphrase(passphrase_file, str(key)))
    reply = operate(
        study[0].body,
        ring.identity,
        (aggregator, tls_authority, tls_own),
        (OperatorAction.END_STUDY, round_number, reason),
    )
    out.print(reply)


def _read_draft(file: Path) -> Manifest:
    return manifest_from_message(ManifestBody.FromString(file.read_bytes()))
