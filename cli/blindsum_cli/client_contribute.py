"""`blindsum client contribute`: one round by hand, from a file of what was trained."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from blindsum_cli.client_options import Digest, InitialModel, State, Wait
from blindsum_cli.client_session import Session, Tls, next_round
from blindsum_cli.console import advise, say
from blindsum_cli.model_file import read_arrays
from blindsum_cli.options import (
    AggregatorAddress,
    KeyPaths,
    ManifestPath,
    MinCohort,
    MinOrganisations,
    TlsAuthority,
    TlsCertificate,
    TlsKey,
)
from blindsum_cli.own_counts import tell_own_counts
from blindsum_cli.passphrase import PassphraseFile
from blindsum_cli.units_file import UnitsFile, read_units
from blindsum_crypto.errors import Refused

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from blindsum_client.client import Client
    from blindsum_client.round import Round
    from blindsum_client.update import Update


def contribute(
    file: ManifestPath,
    digest: Digest,
    key: KeyPaths,
    aggregator: AggregatorAddress,
    state: State,
    update: Annotated[
        Path | None,
        typer.Option(
            help="The .npz of the change that training made: trained minus start, with the model's "
            "names and shapes.",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    records: Annotated[
        int | None,
        typer.Option(
            help="With --update: how many records it was trained on; travels only sealed.", min=1
        ),
    ] = None,
    units: Annotated[
        Path | None,
        typer.Option(
            help="Where the study hides records or patients, in place of --update: one row for "
            "each, a .npy of shape (units, values of the model) in the model's flat order, or an "
            ".npz with the model's names and the units in front of every shape. The order of the "
            "rows must not follow from their values.",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    round_number: Annotated[
        int | None,
        typer.Option(
            "--round",
            help="The round whose model it was trained from; another one is refused. Default: not "
            "checked.",
            min=0,
        ),
    ] = None,
    initial_model: InitialModel = None,
    wait: Wait = 600.0,
    min_cohort: MinCohort = None,
    min_organisations: MinOrganisations = None,
    tls_authority: TlsAuthority = None,
    tls_certificate: TlsCertificate = None,
    tls_key: TlsKey = None,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Clip, round, seal and send an update, or units, to the present round; wait for the receipt.

    One contribution a round, ever: run again it sends what is still queued, and waits for the next
    round. What came of it: `blindsum client verify STUDY.manifest --round NUMBER`.
    """
    given = _read(update, records, units)
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
        round_ = next_round(client, wait)
        if round_number not in (None, round_.number):
            raise Refused(
                "other-round", f"expected round {round_number}, the present one is {round_.number}"
            )
        receipt = client.contribute(round_, _encoded(client, round_, given))
        say(f"receipt for round {round_.number}: {receipt.body.contribution_digest.hex()}")
        advise(f"once the round is over: blindsum client verify {file} --round {round_.number}")


def _read(update: Path | None, records: int | None, units: Path | None) -> "Update | UnitsFile":
    """What the options name; read before anybody is called."""
    if (update is None) == (units is None):
        raise typer.BadParameter("expected one of --update and --units")
    if units is not None:
        if records is not None:
            raise typer.BadParameter(
                "--records goes with --update: the rows of --units are counted"
            )
        return read_units(units)
    if update is None or records is None:
        raise typer.BadParameter("--update needs --records")
    from blindsum_client.update import Update

    return Update(read_arrays(update), records)


def _encoded(
    client: "Client", round_: "Round", given: "Update | UnitsFile"
) -> "npt.NDArray[np.int64]":
    if not isinstance(given, UnitsFile):
        return client.encode(round_, given)
    integers, report = client.encode_units(round_, given.batches(round_.model))
    tell_own_counts(report)
    return integers
