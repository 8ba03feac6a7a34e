"""`blindsum client`: join a study, contribute to its rounds, and check what came of them."""

from pathlib import Path
from typing import Annotated, Final

import typer

from blindsum_cli.client_contribute import contribute
from blindsum_cli.client_options import Digest, InitialModel, State, Wait
from blindsum_cli.client_session import STUDY_ENDED, Session, Tls, next_round, stopped_by_signals
from blindsum_cli.console import advise, note, say
from blindsum_cli.exits import RULE_BROKE
from blindsum_cli.logs import SERVICE, configure_logs
from blindsum_cli.model_file import write_arrays
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
)
from blindsum_cli.own_counts import tell_own_counts
from blindsum_cli.passphrase import PassphraseFile
from blindsum_cli.trainer import checked, load_trainer
from blindsum_crypto.errors import Refused, Unavailable

_EXCEPTION: Final = (
    "[yellow]an exception[/] stands in the certificate: this sum overlaps an earlier one of the "
    "same model, and the two may be subtracted. `blindsum verify FOLDER` says who signed it, why, "
    "and what the difference gives away."
)

app = typer.Typer(
    no_args_is_help=True, help="Take part in a study: contribute sealed updates, check the rounds."
)


@app.command("join")
def join(
    file: ManifestPath,
    digest: Digest,
    key: KeyPaths,
    aggregator: AggregatorAddress,
    state: State,
    initial_model: InitialModel = None,
    trainer: Annotated[
        str | None,
        typer.Option(
            help="MODULE:FUNCTION: called for every round with the model (name to numpy array) and "
            "the round; returns blindsum_client.Update(changes, records), or units, batches of one "
            "row for every record or patient, where the study hides those. Then the client stays "
            "until the study ends."
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="With --trainer: write the final model here, as .npz.", dir_okay=False),
    ] = None,
    min_cohort: MinCohort = None,
    min_organisations: MinOrganisations = None,
    max_epsilon: MaxEpsilon = None,
    max_delta: MaxDelta = None,
    tls_authority: TlsAuthority = None,
    tls_certificate: TlsCertificate = None,
    tls_key: TlsKey = None,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Pin a study in a state folder; with --trainer also serve its rounds until it ends.

    Killed and started again with the same --state, the client goes on where it stopped and never
    seals a round twice. A state folder that came back from a backup refuses to seal what it forgot.
    """
    if out is not None and trainer is None:
        raise typer.BadParameter("--out needs --trainer; else: blindsum client model --out")
    train = None if trainer is None else checked(load_trainer(trainer), trainer)
    tls = Tls(tls_authority, tls_certificate, tls_key)
    session = Session(
        file,
        digest,
        key,
        passphrase_file,
        aggregator,
        state,
        tls,
        initial_model,
        min_cohort,
        min_organisations,
        max_epsilon,
        max_delta,
    )
    with session.open() as client:
        say(f"{client.name} joined study {client.study}, pinned in {state}")
        if train is None:
            advise("blindsum client model, train, then blindsum client contribute.")
            return
        from blindsum_client.agent import Agent

        configure_logs(SERVICE)
        try:
            with stopped_by_signals(client):
                final = Agent(client, train, on_units=tell_own_counts).run()
        except Unavailable as error:
            if error.rule != "stopped":
                raise
            advise("start it again with the same --state: it goes on where it stopped.")
            return
        say(f"study {client.study} has ended; its final model is verified")
        if out is not None:
            write_arrays(out, final)
            say(str(out))


@app.command("model")
def model(
    file: ManifestPath,
    digest: Digest,
    key: KeyPaths,
    aggregator: AggregatorAddress,
    state: State,
    out: Annotated[Path, typer.Option(help="Where the model goes, as .npz.", dir_okay=False)],
    initial_model: InitialModel = None,
    wait: Wait = 600.0,
    min_cohort: MinCohort = None,
    min_organisations: MinOrganisations = None,
    tls_authority: TlsAuthority = None,
    tls_certificate: TlsCertificate = None,
    tls_key: TlsKey = None,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Wait for the round that invites you, verify it, and write the model to train from.

    Then train, and send the change: `blindsum client contribute --round NUMBER`. When the study has
    ended, it writes the final model.
    """
    tls = Tls(tls_authority, tls_certificate, tls_key)
    session = Session(
        file,
        digest,
        key,
        passphrase_file,
        aggregator,
        state,
        tls,
        initial_model,
        min_cohort,
        min_organisations,
    )
    with session.open() as client:
        try:
            round_ = next_round(client, wait)
        except Refused as error:
            if error.rule != STUDY_ENDED:
                raise
            write_arrays(out, client.final())
            say(f"{out}  final model of study {client.study}, which has ended")
            return
        write_arrays(out, round_.model)
        say(f"{out}  model of round {round_.number}, version {round_.model_version}")
        advise(f"train from it; then: blindsum client contribute --round {round_.number}")


app.command("contribute")(contribute)


@app.command("verify")
def verify(
    file: ManifestPath,
    digest: Digest,
    key: KeyPaths,
    aggregator: AggregatorAddress,
    state: State,
    number: Annotated[int, typer.Option("--round", help="The round's number.", min=0)],
    min_cohort: MinCohort = None,
    min_organisations: MinOrganisations = None,
    tls_authority: TlsAuthority = None,
    tls_certificate: TlsCertificate = None,
    tls_key: TlsKey = None,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Fetch a round's certificate, verify it, and say whether this client is in the sum.

    Exit code 0: the certificate holds; 1: it does not, or the round ended without a sum.
    """
    tls = Tls(tls_authority, tls_certificate, tls_key)
    session = Session(
        file,
        digest,
        key,
        passphrase_file,
        aggregator,
        state,
        tls,
        min_cohort=min_cohort,
        min_organisations=min_organisations,
    )
    # It reads: the process that takes part may go on holding the state.
    with session.open(alone=False) as client:
        outcome = client.look_back(number)
        if outcome.freeze is None:
            say(f"round {number} was aborted: {outcome.aborted_by_rule}; nothing was opened")
            raise typer.Exit(RULE_BROKE)
        members = sorted(outcome.freeze.body.clients)
        say(f"[green]ok[/] round {number}: a sum of {len(members)}: {', '.join(members)}")
        if outcome.included:
            say(f"{client.name} is in the sum")
        else:
            say(f"{client.name} is not in the sum: {outcome.left_out_by_rule or 'no contribution'}")
        if outcome.certificate is not None and outcome.certificate.body.exception_digest:
            note(_EXCEPTION)
        advise("the whole study, from its transcript: blindsum verify FOLDER")
