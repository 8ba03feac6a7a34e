"""How commands reach the aggregator: its address, TLS files, and the operator's signed requests."""

import time
from pathlib import Path
from typing import Annotated

import typer

from blindsum_crypto.identity import Identity
from blindsum_crypto.randomness import SystemRandomness
from blindsum_protos.calling import AggregatorCalls, TlsFiles
from blindsum_protos.convert.call import Caller
from blindsum_protos.convert.signed import sign, to_wire
from blindsum_protos.v1 import aggregator_pb2
from blindsum_rules.manifest import Manifest
from blindsum_rules.requests import OperatorAction, OperatorRequest

AggregatorAddress = Annotated[
    str, typer.Option("--aggregator", help="HOST:PORT of the aggregator.")
]
TlsAuthority = Annotated[
    Path | None,
    typer.Option(help="PEM of the authority behind the aggregator's certificate: use TLS."),
]
TlsOwn = Annotated[
    Path | None,
    typer.Option(
        "--tls-certificate", help="Own PEM certificate for mTLS; its key lies beside: NAME.key.pem."
    ),
]
Endpoint = tuple[str, Path | None, Path | None]
"""Address, TLS authority, own TLS certificate."""

_TIMEOUT_SECONDS = 20.0
_NONCE_BYTES = 16


def tls_files(authority: Path | None, certificate: Path | None) -> TlsFiles | None:
    """The TLS files behind the options; None means plain TCP."""
    if authority is None:
        if certificate is not None:
            raise typer.BadParameter("--tls-certificate needs --tls-authority")
        return None
    key = certificate.with_suffix(".key.pem") if certificate else None
    return TlsFiles(authority, certificate, key)


def connect(manifest: Manifest, caller: Caller, endpoint: Endpoint) -> AggregatorCalls:
    """Prepare calls to the aggregator as one party of the study."""
    address, authority, certificate = endpoint
    return AggregatorCalls(address, manifest, caller, tls_files(authority, certificate))


def operate(
    manifest: Manifest,
    identity: Identity,
    endpoint: Endpoint,
    wish: tuple[OperatorAction, int, str],
) -> str:
    """Send one signed request of the operator and return the aggregator's words.

    Raises:
        BlindsumError: the aggregator's refusal.
        Unavailable: `aggregator-unreachable`.
    """
    action, round_number, reason = wish
    request = OperatorRequest(
        study=manifest.study,
        action=action,
        round_number=round_number,
        reason=reason,
        issued_unix=int(time.time()),
        nonce=SystemRandomness().bytes(_NONCE_BYTES),
    )
    signed = sign(request, manifest.operator.name, identity)
    calls = connect(manifest, Caller(manifest.operator.name, identity), endpoint)
    try:
        submission = aggregator_pb2.OperatorSubmission(request=to_wire(signed))
        reply = calls.unary("Operate", submission, _TIMEOUT_SECONDS)
        return str(reply.text)
    finally:
        calls.close()
