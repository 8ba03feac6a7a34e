"""manifest.proto: an exception to the rule against differencing, and the file of it."""

from blindsum_crypto.errors import Rejected
from blindsum_protos.convert import fields
from blindsum_protos.convert.envelope import envelope_from_message, envelope_to_message
from blindsum_protos.convert.strict import canonical_bytes, parse_strict
from blindsum_protos.v1 import manifest_pb2, signed_pb2
from blindsum_rules.exception import DifferencingException
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


def exception_file_to_bytes(
    operator: Signed[DifferencingException], officer: Signed[DifferencingException]
) -> bytes:
    """The file of an exception: the operator's and the officer's signature over one body.

    Raises:
        Rejected: `exception-bodies`, when the two signed different ones.
    """
    _check_one_body(operator, officer)
    return canonical_bytes(
        manifest_pb2.SignedException(
            operator=envelope_to_message(operator), officer=envelope_to_message(officer)
        )
    )


def exception_file_from_bytes(
    data: bytes,
) -> tuple[Signed[DifferencingException], Signed[DifferencingException]]:
    """Read an exception, the operator's signature first: structure only.

    `blindsum_rules.differencing.check_exception` verifies what comes back.

    Raises:
        Rejected: `malformed-message`, `unknown-field`, `not-canonical`; `exception-bodies` when
            the two signed different ones.
    """
    message = parse_strict(manifest_pb2.SignedException, data)
    fields.present(message, "operator", "officer")
    operator = _envelope(message.operator)
    officer = _envelope(message.officer)
    _check_one_body(operator, officer)
    return operator, officer


def _envelope(message: signed_pb2.Signed) -> Signed[DifferencingException]:
    return envelope_from_message(message, manifest_pb2.ExceptionBody, exception_from_message)


def _check_one_body(
    operator: Signed[DifferencingException], officer: Signed[DifferencingException]
) -> None:
    if not operator.same_body(officer):
        raise Rejected("exception-bodies", "expected two signatures over the same exception")
