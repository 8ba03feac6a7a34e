"""`blindsum study`: write a study, sign it, read it, end it."""

import time
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from blindsum_cli import study_exception
from blindsum_cli.amendment_file import approve_amendment, awaits_officer
from blindsum_cli.amendment_view import amendment_summaries, render_amendments, worded
from blindsum_cli.calls import ask_standing, caller_of, endpoint, operate
from blindsum_cli.console import advise, note, out, print_json, say
from blindsum_cli.key_files import open_key, read_identities
from blindsum_cli.manifest_file import (
    DRAFT_SUFFIX,
    approve_manifest,
    read_amended,
    read_draft,
    read_manifest,
    read_manifest_unchecked,
    sign_draft,
    write_draft,
)
from blindsum_cli.model_file import read_model
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
from blindsum_cli.study_amend import amend, what_next
from blindsum_cli.study_view import render, summary
from blindsum_rules.manifest import StudyKind
from blindsum_rules.manifest_checks import check_validity
from blindsum_rules.model import model_digest
from blindsum_rules.privacy.adaptive_clipping import check_first_clip_norm
from blindsum_rules.requests import OperatorAction
from blindsum_rules.study_example import example_toml
from blindsum_rules.study_tables import parse_study
from blindsum_rules.study_toml import manifest_from_toml

app = typer.Typer(no_args_is_help=True, help="Write a study, sign it, read it, end it.")
app.add_typer(study_exception.app, name="exception")


@app.command("create")
def create(
    study_toml: Annotated[
        Path | None,
        typer.Argument(help="study.toml, written by you.", exists=True, dir_okay=False),
    ] = None,
    identities: Annotated[
        list[Path] | None,
        typer.Option(
            "--identity",
            help="NAME.identity files, or folders of them. Repeatable. Compare their fingerprints "
            "with the parties first: `blindsum keys show`.",
            exists=True,
        ),
    ] = None,
    initial_model: Annotated[
        Path | None,
        typer.Option(
            help="The model of round 0: an .npz of named float arrays (numpy.savez).",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    draft: Annotated[
        Path | None,
        typer.Option("--out", help="The draft; default: STUDY.draft beside study.toml."),
    ] = None,
    *,
    example: Annotated[
        bool, typer.Option("--example", help="Print a complete commented study.toml and stop.")
    ] = False,
    private: Annotated[
        bool, typer.Option("--private", help="With --example: a study with differential privacy.")
    ] = False,
    statistic: Annotated[
        bool, typer.Option("--statistic", help="With --example: counts, means and histograms.")
    ] = False,
) -> None:
    """Compile study.toml into the draft that operator and officer sign.

    Start with `blindsum study create --example > study.toml`, with --private for one that adds
    noise and --statistic for one that trains no model: it needs no --initial-model.
    """
    if example:
        out.file.write(example_toml(private=private, statistic=statistic))
        return
    if study_toml is None or not identities:
        given = {"STUDY.TOML": study_toml, "--identity": identities}
        missing = ", ".join(name for name, value in given.items() if not value)
        raise typer.BadParameter(f"missing {missing}; a study.toml to start from: --example")
    text = study_toml.read_text(encoding="utf-8")
    if initial_model is None and parse_study(text).kind is StudyKind.MODEL:
        raise typer.BadParameter(
            "missing --initial-model; a study that trains a model begins with one"
        )
    first = None if initial_model is None else read_model(initial_model)
    manifest = manifest_from_toml(
        text,
        read_identities(identities),
        None if first is None else model_digest(first[1]),
        None if first is None else first[0],
    )
    if first is not None:
        check_first_clip_norm(manifest, first[1])
    path = draft or study_toml.with_name(f"{manifest.study}{DRAFT_SUFFIX}")
    write_draft(path, manifest)
    say(f"{path}")
    if manifest.not_after_unix <= time.time():
        note("[yellow]not_after is over[/]: this study can open no round")
    advise(
        f"read it: blindsum study show {path}; the operator signs it: blindsum study sign {path}"
    )


@app.command("sign")
def sign_study(
    file: Annotated[
        Path,
        typer.Argument(
            help="STUDY.draft to sign, or STUDY.manifest to approve.", exists=True, dir_okay=False
        ),
    ],
    key: KeyPath,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Sign a draft as operator; approve a manifest, or its last amendment, as privacy officer.

    The file says which of them you do. Read what you sign: `blindsum study show`.
    """
    ring = open_key(key, read_passphrase(passphrase_file, str(key)))
    if file.suffix == DRAFT_SUFFIX:
        path, signed = sign_draft(file, ring.identity)
        say(f"{path}  digest [bold]{signed.digest.hex()}[/]")
        officer = signed.body.officer
        if officer is not None:
            advise(f"officer {officer.name!r} runs: blindsum study sign {path}")
            return
    elif awaits_officer(read_manifest_unchecked(file)):
        amended = approve_amendment(file, ring.identity)
        say(f"{file}  amendment [bold]{amended.number}[/] approved")
        advise(f"the operator goes on: {what_next(file, amended)}")
        return
    else:
        path, signed = file, approve_manifest(file, ring.identity)
        say(f"{path}  digest [bold]{signed.digest.hex()}[/], approved")
    advise(f"send {path} to every party, and the digest by another way; they run: study verify")


app.command("amend")(amend)


@app.command("show")
def show(
    file: Annotated[
        Path, typer.Argument(help="STUDY.manifest or STUDY.draft.", exists=True, dir_okay=False)
    ],
    *,
    as_json: AsJson = False,
) -> None:
    """Show a study in words, as it is amended: who takes part, who may see what, which rules hold.

    Signatures are not checked here: `blindsum study verify` does that.
    """
    if file.suffix == DRAFT_SUFFIX:
        manifest, digest, steps = read_draft(file), None, []
    else:
        steps = worded(read_manifest_unchecked(file))
        manifest, digest = steps[-1].body, steps[0].digest.hex()
    if as_json:
        print_json({**summary(manifest, digest), "amendments": amendment_summaries(steps)})
    else:
        render(manifest, digest)
        render_amendments(steps)


@app.command("verify")
def verify_study(
    file: ManifestPath,
    digest: Annotated[
        str | None, typer.Option(help="The digest that the operator told you, 64 hex digits.")
    ] = None,
) -> None:
    """Check signatures, rules and validity of a manifest and its amendments, and its digest.

    Then start your role with this digest: `blindsum client join`, `blindsum custodian attend`.
    """
    manifest = read_amended(file, digest)
    check_validity(manifest.body, int(time.time()))
    amended = f", amended {manifest.number} times" if manifest.number else ""
    say(f"[green]ok[/] {manifest.body.study}  digest {manifest.digest.hex()}{amended}")
    if digest is None:
        advise("compare this digest with the operator out of band; a file alone proves nothing.")


@app.command("end")
def end(
    file: ManifestPath,
    key: KeyPath,
    aggregator: AggregatorAddress,
    round_number: Annotated[
        int | None,
        typer.Option(
            "--round",
            help="The number that the end takes: last round + 1. Default: asked of the aggregator.",
            min=0,
        ),
    ] = None,
    reason: Annotated[
        str, typer.Option(help="One sentence, for the aggregator's records.")
    ] = "the operator ends the study",
    tls_authority: TlsAuthority = None,
    tls_certificate: TlsCertificate = None,
    tls_key: TlsKey = None,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Ask the aggregator, signed as operator, to end the study after its last closed round.

    Watch it come: `blindsum round status`. Then anybody can check: `blindsum verify FOLDER`.
    """
    manifest, _ = read_manifest(file)
    identity = open_key(key, read_passphrase(passphrase_file, str(key))).identity
    where = endpoint(aggregator, tls_authority, tls_certificate, tls_key)
    if round_number is None:
        caller = caller_of(manifest.body, identity)
        round_number = ask_standing(manifest.body, caller, where).next_round_number
    request = (OperatorAction.END_STUDY, round_number, reason)
    say(escape(operate(manifest, identity, where, request)))
