"""How the door says no: an error of the protocol becomes a status and a signed refusal."""

from collections.abc import Mapping
from typing import Any, Final

import grpc
import structlog

from blindsum_aggregator.study import Study
from blindsum_crypto.errors import Aborted, BlindsumError, Refused, Rejected, Unavailable
from blindsum_protos.calling import REFUSAL_METADATA
from blindsum_protos.convert.refusal import refusal_from_error
from blindsum_protos.convert.signed import signed_to_bytes

_LOG: Final[Any] = structlog.get_logger("blindsum.aggregator")

_STATUS: Final[Mapping[type[BlindsumError], grpc.StatusCode]] = {
    Refused: grpc.StatusCode.FAILED_PRECONDITION,
    Aborted: grpc.StatusCode.FAILED_PRECONDITION,
    Rejected: grpc.StatusCode.INVALID_ARGUMENT,
    Unavailable: grpc.StatusCode.UNAVAILABLE,
}


# Any: gRPC's context is generic in messages that do not matter here.
async def refuse(
    context: grpc.aio.ServicerContext[Any, Any],
    error: BlindsumError,
    study: Study,
    request_digest: bytes = b"",
    *,
    is_stranger: bool = False,
) -> None:
    """End a call with a status, and the signed refusal in its trailing metadata.

    Args:
        context: The call.
        error: The rule that broke.
        study: In whose aggregator's name the refusal is signed.
        request_digest: Digest of the signed message that is refused, or empty.
        is_stranger: The caller was not identified.

    Raises:
        grpc.aio.AbortError: always; it ends the call.
    """
    signed = study.sign(refusal_from_error(error, study.name, request_digest))
    code = next(code for kind, code in _STATUS.items() if isinstance(error, kind))
    if is_stranger and not isinstance(error, Unavailable):
        code = grpc.StatusCode.UNAUTHENTICATED
    metadata = ((REFUSAL_METADATA, signed_to_bytes(signed)),)
    await context.abort(code, error.rule, metadata)


async def fail(context: grpc.aio.ServicerContext[Any, Any], study: Study, method: str) -> None:
    """End a call that met an error that is no rule of the protocol; the caller learns no detail.

    Raises:
        grpc.aio.AbortError: always; it ends the call.
    """
    _LOG.exception("call-failed", study=study.name, method=method)
    await context.abort(grpc.StatusCode.INTERNAL, "internal")
