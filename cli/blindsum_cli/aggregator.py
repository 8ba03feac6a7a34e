"""`blindsum aggregator`: serve studies; the one process of the protocol that listens."""

import asyncio
import hmac
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from blindsum_cli.console import advise, say
from blindsum_cli.key_files import open_key
from blindsum_cli.logs import SERVICE, configure_logs
from blindsum_cli.manifest_file import read_amended, read_manifest
from blindsum_cli.model_file import read_model
from blindsum_cli.options import KeyPath, Manifests, build_settings, tls_key_of
from blindsum_cli.passphrase import PassphraseFile, read_passphrase
from blindsum_crypto.errors import Refused
from blindsum_rules.manifest import Manifest, StudyKind
from blindsum_rules.model import Model, model_digest
from blindsum_rules.statistics.answered import nothing_answered

if TYPE_CHECKING:
    from blindsum_aggregator.server import AggregatorServer
    from blindsum_aggregator.study import StudyFiles

app = typer.Typer(
    no_args_is_help=True, help="Serve studies: add sealed vectors that cannot be opened alone."
)

_EVERY_INTERFACE: Final = ("0.0.0.0", "[::]", "::")  # noqa: S104 - to be told apart, not to listen


@app.callback()
def _group() -> None:
    """Keep `serve` a command of its own: a group of one command would lose its name."""


@app.command("serve")
def serve(
    manifest: Manifests,
    key: KeyPath,
    data: Annotated[
        Path,
        typer.Option(
            help="Folder of everything that must survive: database, uploads, sums, models.",
            file_okay=False,
        ),
    ],
    initial_model: Annotated[
        list[Path] | None,
        typer.Option(
            help="The .npz of a study's first model, matched by the digest that the manifest pins. "
            "Repeatable; statistics have none.",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    transcript: Annotated[
        Path | None,
        typer.Option(
            help="Folder of the transcripts, one folder a study; default: DATA/transcripts.",
            file_okay=False,
        ),
    ] = None,
    listen: Annotated[
        str, typer.Option(help="HOST:PORT; port 0 lets the system choose one.")
    ] = "127.0.0.1:7443",
    address_file: Annotated[
        Path | None,
        typer.Option(help="Write HOST:PORT here once it listens, for scripts.", dir_okay=False),
    ] = None,
    tls_certificate: Annotated[
        Path | None,
        typer.Option(
            help="PEM certificate of the server, from `blindsum keys tls`: use TLS. Its key is "
            "NAME.key.pem beside NAME.pem unless --tls-key names it.",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    tls_key: Annotated[
        Path | None, typer.Option(help="PEM private key of the server.", dir_okay=False)
    ] = None,
    tls_client_authority: Annotated[
        Path | None,
        typer.Option(
            help="PEM authority of client certificates: every caller must show one (mTLS).",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    passphrase_file: PassphraseFile = None,
    *,
    keep_payloads: Annotated[
        bool,
        typer.Option(
            "--keep-payloads",
            help="Keep sealed payloads in the transcript, so that auditors can add them again. "
            "Default: delete them once a round is published.",
        ),
    ] = False,
    manual_rounds: Annotated[
        bool,
        typer.Option(
            "--manual-rounds",
            help="Open a round only when the operator asks: `blindsum round open`. Default: as the "
            "study's schedule says.",
        ),
    ] = False,
) -> None:
    """Listen for clients and custodians, and drive the rounds of one or more studies.

    It runs until SIGTERM or Ctrl-C, and goes on where it stopped. More settings come from the
    environment, BLINDSUM_AGGREGATOR_.... Watch it with `blindsum round status`.
    """
    from blindsum_aggregator.server import AggregatorServer
    from blindsum_aggregator.settings import AggregatorSettings

    host, port = _host_and_port(listen)
    settings = build_settings(
        AggregatorSettings,
        host=host,
        port=port,
        state_directory=data,
        transcript_directory=transcript,
        tls_certificate=tls_certificate,
        tls_key=tls_key_of(tls_certificate, tls_key),
        tls_client_authority=tls_client_authority,
        keep_payloads=keep_payloads or None,
        manual_rounds=manual_rounds or None,
    )
    files = _study_files(manifest, initial_model or [])
    ring = open_key(key, read_passphrase(passphrase_file, str(key)))
    configure_logs(SERVICE)
    asyncio.run(_serve(AggregatorServer(settings, ring, files), host, address_file))


async def _serve(server: "AggregatorServer", host: str, address_file: Path | None) -> None:
    """Serve until SIGTERM or SIGINT; calls in progress are finished first."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    port = await server.start()
    try:
        say(f"listening on {host}:{port}")
        if address_file is not None:
            await asyncio.to_thread(_write_address, address_file, f"{host}:{port}\n")
        where = "HOST" if host in _EVERY_INTERFACE else host
        advise(f"everybody dials out to here: --aggregator {where}:{port}")
        await stop.wait()
    finally:
        await server.stop()


def _study_files(manifests: Sequence[Path], models: Sequence[Path]) -> "list[StudyFiles]":
    from blindsum_aggregator.study import StudyFiles

    by_digest = {model_digest(model): model for _, model in map(read_model, models)}
    files = []
    for path in manifests:
        signed, approval = read_manifest(path)
        model = _initial_model(signed.body, by_digest)
        amendments = read_amended(path).amendments
        files.append(StudyFiles(signed, approval, model, amendments))
    return files


def _initial_model(manifest: Manifest, by_digest: dict[bytes, Model]) -> Model:
    if manifest.kind is StudyKind.STATISTIC:
        return nothing_answered()
    for digest, model in by_digest.items():
        if hmac.compare_digest(digest, manifest.initial_model_digest):
            return model
    raise Refused(
        "initial-model", f"expected --initial-model with the model that {manifest.study!r} pins"
    )


def _host_and_port(listen: str) -> tuple[str, int]:
    host, separator, port = listen.rpartition(":")
    if not (separator and host and port.isdecimal()):
        raise typer.BadParameter(f"expected HOST:PORT, got {listen!r}", param_hint="--listen")
    return host, int(port)


def _write_address(path: Path, address: str) -> None:
    """The file appears whole: who waits for it reads it at once."""
    draft = path.with_name(f"{path.name}.draft")
    draft.write_text(address, encoding="utf-8")
    draft.replace(path)
