"""What callers sign so that the aggregator knows who asks: operator's requests and calls."""

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from blindsum_crypto import domains


class OperatorAction(StrEnum):
    """What an operator may ask of the aggregator."""

    OPEN_ROUND = "open-round"
    ABORT_ROUND = "abort-round"
    END_STUDY = "end-study"
    EXCEPT_ROUND = "except-round"
    AMEND_STUDY = "amend-study"


@dataclass(frozen=True, slots=True)
class OperatorRequest:
    """The operator asks the aggregator for something, once.

    Attributes:
        study: Study id.
        action: What.
        round_number: The round it is for: the next one to open, the one to abort, or the number
            that the end spec would take, or the one that an exception is for; 0 to amend the study,
            which the aggregator does with the next spec, whatever its number.
        reason: For the transcript.
        issued_unix: UTC seconds.
        nonce: 16 random bytes, so that two requests differ.
        manifest_digest: Digest of the study's manifest, 32 bytes: a study id alone would let the
            words of an earlier study of that name speak in this one.
        exception_digest: Digest of the exception that comes beside an `except-round`, 32 bytes;
            empty in every other request.
        amendment_digest: Digest of the last amendment that comes beside an `amend-study`, 32 bytes;
            empty in every other request.
    """

    DOMAIN: ClassVar[str] = domains.OPERATOR_REQUEST

    study: str
    action: OperatorAction
    round_number: int
    reason: str
    issued_unix: int
    nonce: bytes
    manifest_digest: bytes
    exception_digest: bytes = b""
    amendment_digest: bytes = b""


@dataclass(frozen=True, slots=True)
class Call:
    """Who makes one call to the aggregator; travels in the call's metadata.

    Attributes:
        study: Study id.
        aggregator: Id of the aggregator that is called.
        method: The full gRPC method, "/blindsum.v1.Aggregator/NextRound".
        issued_unix: UTC seconds; good for 300 s either way.
        nonce: 16 random bytes; a second use within that time is refused.
    """

    DOMAIN: ClassVar[str] = domains.CALL

    study: str
    aggregator: str
    method: str
    issued_unix: int
    nonce: bytes
