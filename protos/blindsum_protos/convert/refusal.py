"""identity.proto: a refusal, as a message and as the error that it carries to the other side."""

from typing import Final

from blindsum_crypto.errors import Aborted, BlindsumError, Refused, Rejected, Unavailable
from blindsum_protos.convert import fields
from blindsum_protos.v1 import identity_pb2
from blindsum_rules.refusal import Refusal

_ERROR_BY_KIND: Final[dict[str, type[BlindsumError]]] = {
    "refused": Refused,
    "rejected": Rejected,
    "aborted": Aborted,
    "unavailable": Unavailable,
}


def refusal_to_message(value: Refusal) -> identity_pb2.RefusalBody:
    """A refusal as a message."""
    return identity_pb2.RefusalBody(
        study=value.study,
        request_digest=value.request_digest,
        kind=value.kind,
        rule=value.rule,
        expected=value.expected,
    )


def refusal_from_message(message: identity_pb2.RefusalBody) -> Refusal:
    """Read a refusal.

    Raises:
        Rejected: `malformed-message`.
    """
    if message.kind not in _ERROR_BY_KIND:
        raise fields.malformed("RefusalBody.kind", f"one of {', '.join(_ERROR_BY_KIND)}")
    return Refusal(
        study=fields.identifier(message.study, "RefusalBody.study"),
        request_digest=fields.optional_digest(message.request_digest, "RefusalBody.request_digest"),
        kind=message.kind,
        rule=fields.rule_name(message.rule, "RefusalBody.rule"),
        expected=fields.sentence(message.expected, "RefusalBody.expected"),
    )


def refusal_from_error(error: BlindsumError, study: str, request_digest: bytes = b"") -> Refusal:
    """The refusal that tells the other side of an error.

    Args:
        error: One of the four kinds. Its sentence is made one line and cut at 2,000 bytes, so
            that it fits into the trailing metadata "blindsum-refusal-bin".
        study: Study id.
        request_digest: Digest of the signed message that is refused, or empty.

    Raises:
        TypeError: when the error is of none of the four kinds.
    """
    for kind, error_class in _ERROR_BY_KIND.items():
        if isinstance(error, error_class):
            return Refusal(
                study=study,
                request_digest=request_digest,
                kind=kind,
                rule=error.rule,
                expected=fields.one_line(error.expected),
            )
    raise TypeError(f"expected one of the four kinds of errors, got {type(error).__name__}")


def error_from_refusal(refusal: Refusal) -> BlindsumError:
    """The error that a refusal carries, ready to be raised."""
    return _ERROR_BY_KIND[refusal.kind](refusal.rule, refusal.expected)
