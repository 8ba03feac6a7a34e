"""`blindsum custodian`: enrol once, then attend. It dials out and never sees a sealed vector."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from blindsum_cli.console import advise, note, say
from blindsum_cli.key_files import open_keys
from blindsum_cli.logs import SERVICE, configure_logs
from blindsum_cli.manifest_file import read_amended, read_manifest_unchecked
from blindsum_cli.options import (
    AggregatorAddress,
    KeyPaths,
    Manifests,
    MaxDelta,
    MaxEpsilon,
    MinCohort,
    MinOrganisations,
    TlsAuthority,
    TlsCertificate,
    TlsKey,
    build_settings,
    check_tls,
    digests_in_full,
    tls_key_of,
)
from blindsum_cli.passphrase import PassphraseFile
from blindsum_crypto.errors import Refused
from blindsum_rules.amended_manifest import AmendedManifest

if TYPE_CHECKING:
    from blindsum_custodian.settings import CustodianSettings

app = typer.Typer(
    no_args_is_help=True,
    help="The key management: admit, endorse, release for a frozen set, never for a single client.",
)

STORE_FILE: Final = "custodian.sqlite"
INSTANCE_FILE: Final = "custodian.instance"

_NOBODY: Final = "nobody:0"
"""Enrolling dials nobody, but settings name an aggregator."""

_Store = Annotated[
    Path,
    typer.Option(help=f"Folder of the custodian's memory, {STORE_FILE}.", file_okay=False),
]
_Instance = Annotated[
    Path,
    typer.Option(
        help=f"Folder of {INSTANCE_FILE}, which the memory is bound to. Outside of --store and "
        "OUTSIDE OF ALL BACKUPS: so a restored, old memory is noticed and signs nothing.",
        file_okay=False,
    ),
]


@app.command("enrol")
def enrol(store: _Store, instance: _Instance) -> None:
    """Create the custodian's memory and the instance that it is bound to, once.

    A custodian that lost either is not begun anew under the same keys: make new keys and have them
    enrolled.
    """
    settings = _settings(store, instance)
    settings.create_store().close()
    say(str(settings.store))
    say(str(settings.instance_file))
    advise(f"leave {settings.instance_file} out of all backups; then: blindsum custodian attend")


@app.command("attend")
def attend(
    manifest: Manifests,
    digest: Annotated[
        list[str],
        typer.Option(
            help="Digest of the manifest in full, 64 hex digits, got out of band. One for each "
            "--manifest, in the same order.",
            callback=digests_in_full,
        ),
    ],
    key: KeyPaths,
    store: _Store,
    instance: _Instance,
    aggregator: AggregatorAddress,
    min_cohort: MinCohort = None,
    min_organisations: MinOrganisations = None,
    max_epsilon: MaxEpsilon = None,
    max_delta: MaxDelta = None,
    tls_authority: TlsAuthority = None,
    tls_certificate: TlsCertificate = None,
    tls_key: TlsKey = None,
    passphrase_file: PassphraseFile = None,
    *,
    is_new: Annotated[
        bool,
        typer.Option("--new", help="First start: create memory and instance (`custodian enrol`)."),
    ] = False,
) -> None:
    """Dial the aggregator and do the duties of one or more studies.

    It runs until SIGTERM or Ctrl-C, dials again when the line is lost, goes on where it stopped. It
    signs one spec and one freeze a round, ever, and releases for that frozen set alone. More
    settings come from the environment, BLINDSUM_CUSTODIAN_....
    """
    from blindsum_custodian.attend import attend as attend_studies
    from blindsum_custodian.enrolment import enrolment

    check_tls(tls_authority, tls_certificate)
    settings = _settings(
        store,
        instance,
        aggregator=aggregator,
        min_cohort_floor=min_cohort,
        min_organisations_floor=min_organisations,
        max_epsilon=max_epsilon,
        max_delta=max_delta,
        tls_authority=tls_authority,
        tls_certificate=tls_certificate,
        tls_key=tls_key_of(tls_certificate, tls_key),
    )
    studies = _studies(manifest, digest)
    rings = open_keys(key, passphrase_file)
    for amended in studies:
        # Before a store is made: one that a wrong key left behind would be in the right key's way.
        enrolment(amended, rings)
    if is_new:
        settings.create_store().close()
    configure_logs(SERVICE)
    note(f"attending at {aggregator}; stop with Ctrl-C or SIGTERM")
    files = [read_manifest_unchecked(path) for path in manifest]
    attend_studies(settings, rings[0], files, other_keys=rings[1:])


def _studies(manifests: Sequence[Path], digests: Sequence[str]) -> list[AmendedManifest]:
    if len(manifests) != len(digests):
        raise Refused(
            "manifest-digest",
            f"expected one --digest for each --manifest, got {len(digests)} for {len(manifests)}",
        )
    return [read_amended(path, digest) for path, digest in zip(manifests, digests, strict=True)]


def _settings(
    store: Path,
    instance: Path,
    aggregator: str = _NOBODY,
    **options: float | Path | None,
) -> "CustodianSettings":
    """Settings from the options; a memory and an instance that one backup takes are refused here.

    Raises:
        Refused: `instance-apart`.
    """
    from blindsum_custodian.settings import CustodianSettings

    apart = (store.resolve(), instance.resolve())
    if apart[0].is_relative_to(apart[1]) or apart[1].is_relative_to(apart[0]):
        raise Refused(
            "instance-apart",
            f"expected --store {store} and --instance {instance} outside of each other, so that no "
            "backup takes both",
        )
    return build_settings(
        CustodianSettings,
        aggregator=aggregator,
        store=store / STORE_FILE,
        instance_file=instance / INSTANCE_FILE,
        **options,
    )
