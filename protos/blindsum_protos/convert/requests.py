"""identity.proto and aggregator.proto: what callers sign, calls and the operator's requests."""

import re
from typing import Final

from blindsum_protos.convert import fields
from blindsum_protos.v1 import aggregator_pb2, identity_pb2
from blindsum_rules.requests import Call, OperatorAction, OperatorRequest

_METHOD: Final = re.compile(r"/[A-Za-z0-9_.]{1,100}/[A-Za-z0-9_]{1,100}")


def operator_request_to_message(value: OperatorRequest) -> aggregator_pb2.OperatorRequestBody:
    """An operator's request as a message."""
    return aggregator_pb2.OperatorRequestBody(
        study=value.study,
        action=value.action,
        round_number=value.round_number,
        reason=value.reason,
        issued_unix=value.issued_unix,
        nonce=value.nonce,
        manifest_digest=value.manifest_digest,
        exception_digest=value.exception_digest,
        amendment_digest=value.amendment_digest,
    )


def operator_request_from_message(message: aggregator_pb2.OperatorRequestBody) -> OperatorRequest:
    """Read an operator's request.

    Raises:
        Rejected: `malformed-message`.
    """
    nonce = message.nonce
    action = fields.word(OperatorAction, message.action, "OperatorRequestBody.action")
    return OperatorRequest(
        study=fields.identifier(message.study, "OperatorRequestBody.study"),
        action=action,
        round_number=fields.ordinal(message.round_number, "OperatorRequestBody.round_number"),
        reason=fields.sentence(message.reason, "OperatorRequestBody.reason"),
        issued_unix=fields.unix_seconds(message.issued_unix, "OperatorRequestBody.issued_unix"),
        nonce=fields.exact_bytes(nonce, fields.NONCE_BYTES, "OperatorRequestBody.nonce"),
        manifest_digest=fields.digest(
            message.manifest_digest, "OperatorRequestBody.manifest_digest"
        ),
        exception_digest=_beside(
            message.exception_digest,
            "OperatorRequestBody.exception_digest",
            is_named=action is OperatorAction.EXCEPT_ROUND,
        ),
        amendment_digest=_beside(
            message.amendment_digest,
            "OperatorRequestBody.amendment_digest",
            is_named=action is OperatorAction.AMEND_STUDY,
        ),
    )


def _beside(named: bytes, field: str, *, is_named: bool) -> bytes:
    """The digest of what is handed in beside a request of one action, and of no other."""
    return fields.digest(named, field) if is_named else fields.exact_bytes(named, 0, field)


def call_to_message(value: Call) -> identity_pb2.CallBody:
    """A call as a message."""
    return identity_pb2.CallBody(
        study=value.study,
        aggregator=value.aggregator,
        method=value.method,
        issued_unix=value.issued_unix,
        nonce=value.nonce,
    )


def call_from_message(message: identity_pb2.CallBody) -> Call:
    """Read a call.

    Raises:
        Rejected: `malformed-message`.
    """
    if _METHOD.fullmatch(message.method) is None:
        raise fields.malformed("CallBody.method", "a gRPC method, /package.Service/Method")
    return Call(
        study=fields.identifier(message.study, "CallBody.study"),
        aggregator=fields.identifier(message.aggregator, "CallBody.aggregator"),
        method=message.method,
        issued_unix=fields.unix_seconds(message.issued_unix, "CallBody.issued_unix"),
        nonce=fields.exact_bytes(message.nonce, fields.NONCE_BYTES, "CallBody.nonce"),
    )
