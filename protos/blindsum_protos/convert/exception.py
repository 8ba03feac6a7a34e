"""manifest.proto: an exception to the rule against differencing, and the file of it."""

from blindsum_crypto.errors import Rejected
from blindsum_protos.convert import fields
from blindsum_protos.convert.envelope import envelope_from_message, envelope_to_message
from blindsum_protos.convert.strict import (
    canonical_bytes,
    parse_strict,
    refuse_unknown_fields,
)
from blindsum_protos.v1 import manifest_pb2, signed_pb2
from blindsum_rules.exception import DifferencingException, SignedException
from blindsum_rules.signed import Signed


def exception_to_message(value: DifferencingException) -> manifest_pb2.ExceptionBody:
    """An exception to the rule against differencing as a message."""
    return manifest_pb2.ExceptionBody(
        study=value.study,
        round_number=value.round_number,
        model_version=value.model_version,
        clients=value.clients,
        reason=value.reason,
        manifest_digest=value.manifest_digest,
    )


def exception_from_message(message: manifest_pb2.ExceptionBody) -> DifferencingException:
    """Read an exception to the rule against differencing.

    Raises:
        Rejected: `malformed-message`.
    """
    return DifferencingException(
        study=fields.identifier(message.study, "ExceptionBody.study"),
        round_number=fields.ordinal(message.round_number, "ExceptionBody.round_number"),
        model_version=fields.ordinal(message.model_version, "ExceptionBody.model_version"),
        clients=fields.ascending_identifiers(message.clients, "ExceptionBody.clients"),
        reason=fields.sentence(message.reason, "ExceptionBody.reason"),
        manifest_digest=fields.digest(message.manifest_digest, "ExceptionBody.manifest_digest"),
    )


def signed_exception_to_message(value: SignedException) -> manifest_pb2.SignedException:
    """An exception with the signatures that it has so far.

    Raises:
        Rejected: `exception-bodies`, when the two signed different ones.
    """
    message = manifest_pb2.SignedException(operator=envelope_to_message(value.operator))
    if value.officer is not None:
        _check_one_body(value.operator, value.officer)
        message.officer.CopyFrom(envelope_to_message(value.officer))
    return message


def signed_exception_from_message(message: manifest_pb2.SignedException) -> SignedException:
    """Read an exception that at least its operator signed: structure only.

    `blindsum_rules.differencing.check_exception` verifies what comes back.

    Raises:
        Rejected: `malformed-message`, `unknown-field`, `not-canonical`; `exception-bodies`, when
            the two signed different ones.
    """
    refuse_unknown_fields(message)
    fields.present(message, "operator")
    operator = _envelope(message.operator)
    if not message.HasField("officer"):
        return SignedException(operator)
    officer = _envelope(message.officer)
    _check_one_body(operator, officer)
    return SignedException(operator, officer)


def signed_exception_to_bytes(value: SignedException) -> bytes:
    """The file of an exception on its way from operator to officer, and back."""
    return canonical_bytes(signed_exception_to_message(value))


def signed_exception_from_bytes(data: bytes) -> SignedException:
    """Read such a file; raises as `signed_exception_from_message`."""
    return signed_exception_from_message(parse_strict(manifest_pb2.SignedException, data))


def exception_file_to_bytes(
    operator: Signed[DifferencingException], officer: Signed[DifferencingException]
) -> bytes:
    """A transcript's file of an exception: the operator's and the officer's signature.

    Raises:
        Rejected: `exception-bodies`, when the two signed different ones.
    """
    return signed_exception_to_bytes(SignedException(operator, officer))


def exception_file_from_bytes(
    data: bytes,
) -> tuple[Signed[DifferencingException], Signed[DifferencingException]]:
    """Read a transcript's exception, the operator's signature first: structure only.

    Raises:
        Rejected: as `signed_exception_from_message`; `malformed-message`, when a signature is
            missing.
    """
    message = parse_strict(manifest_pb2.SignedException, data)
    fields.present(message, "operator", "officer")
    signed = signed_exception_from_message(message)
    if signed.officer is None:
        raise fields.malformed("SignedException.officer", "a signature")
    return signed.operator, signed.officer


def _envelope(message: signed_pb2.Signed) -> Signed[DifferencingException]:
    return envelope_from_message(message, manifest_pb2.ExceptionBody, exception_from_message)


def _check_one_body(
    operator: Signed[DifferencingException], officer: Signed[DifferencingException]
) -> None:
    if not operator.same_body(officer):
        raise Rejected("exception-bodies", "expected two signatures over the same exception")
