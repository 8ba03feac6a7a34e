from blindsum_protos.v1 import contribution_pb2 as _contribution_pb2
from blindsum_protos.v1 import manifest_pb2 as _manifest_pb2
from blindsum_protos.v1 import signed_pb2 as _signed_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class NextRoundRequest(_message.Message):
    __slots__ = ("study", "after", "wait_seconds")
    STUDY_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    WAIT_SECONDS_FIELD_NUMBER: _ClassVar[int]
    study: str
    after: int
    wait_seconds: int
    def __init__(self, study: _Optional[str] = ..., after: _Optional[int] = ..., wait_seconds: _Optional[int] = ...) -> None: ...

class RoundAnnouncement(_message.Message):
    __slots__ = ("spec", "acceptances")
    SPEC_FIELD_NUMBER: _ClassVar[int]
    ACCEPTANCES_FIELD_NUMBER: _ClassVar[int]
    spec: _signed_pb2.Signed
    acceptances: _containers.RepeatedCompositeFieldContainer[_signed_pb2.Signed]
    def __init__(self, spec: _Optional[_Union[_signed_pb2.Signed, _Mapping]] = ..., acceptances: _Optional[_Iterable[_Union[_signed_pb2.Signed, _Mapping]]] = ...) -> None: ...

class OutcomeRequest(_message.Message):
    __slots__ = ("study", "round_number", "wait_seconds", "until_closed")
    STUDY_FIELD_NUMBER: _ClassVar[int]
    ROUND_NUMBER_FIELD_NUMBER: _ClassVar[int]
    WAIT_SECONDS_FIELD_NUMBER: _ClassVar[int]
    UNTIL_CLOSED_FIELD_NUMBER: _ClassVar[int]
    study: str
    round_number: int
    wait_seconds: int
    until_closed: bool
    def __init__(self, study: _Optional[str] = ..., round_number: _Optional[int] = ..., wait_seconds: _Optional[int] = ..., until_closed: bool = ...) -> None: ...

class RoundOutcome(_message.Message):
    __slots__ = ("state", "certificate", "abort", "closes", "endorsements", "acceptances")
    STATE_FIELD_NUMBER: _ClassVar[int]
    CERTIFICATE_FIELD_NUMBER: _ClassVar[int]
    ABORT_FIELD_NUMBER: _ClassVar[int]
    CLOSES_FIELD_NUMBER: _ClassVar[int]
    ENDORSEMENTS_FIELD_NUMBER: _ClassVar[int]
    ACCEPTANCES_FIELD_NUMBER: _ClassVar[int]
    state: str
    certificate: _signed_pb2.Signed
    abort: _signed_pb2.Signed
    closes: _containers.RepeatedCompositeFieldContainer[_signed_pb2.Signed]
    endorsements: _containers.RepeatedCompositeFieldContainer[_signed_pb2.Signed]
    acceptances: _containers.RepeatedCompositeFieldContainer[_signed_pb2.Signed]
    def __init__(self, state: _Optional[str] = ..., certificate: _Optional[_Union[_signed_pb2.Signed, _Mapping]] = ..., abort: _Optional[_Union[_signed_pb2.Signed, _Mapping]] = ..., closes: _Optional[_Iterable[_Union[_signed_pb2.Signed, _Mapping]]] = ..., endorsements: _Optional[_Iterable[_Union[_signed_pb2.Signed, _Mapping]]] = ..., acceptances: _Optional[_Iterable[_Union[_signed_pb2.Signed, _Mapping]]] = ...) -> None: ...

class FetchRequest(_message.Message):
    __slots__ = ("study", "digest", "offset")
    STUDY_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    study: str
    digest: bytes
    offset: int
    def __init__(self, study: _Optional[str] = ..., digest: _Optional[bytes] = ..., offset: _Optional[int] = ...) -> None: ...

class Piece(_message.Message):
    __slots__ = ("total_bytes", "data")
    TOTAL_BYTES_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    total_bytes: int
    data: bytes
    def __init__(self, total_bytes: _Optional[int] = ..., data: _Optional[bytes] = ...) -> None: ...

class RoundStep(_message.Message):
    __slots__ = ("round_number", "state")
    ROUND_NUMBER_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    round_number: int
    state: str
    def __init__(self, round_number: _Optional[int] = ..., state: _Optional[str] = ...) -> None: ...

class Attendance(_message.Message):
    __slots__ = ("study", "steps")
    STUDY_FIELD_NUMBER: _ClassVar[int]
    STEPS_FIELD_NUMBER: _ClassVar[int]
    study: str
    steps: _containers.RepeatedCompositeFieldContainer[RoundStep]
    def __init__(self, study: _Optional[str] = ..., steps: _Optional[_Iterable[_Union[RoundStep, _Mapping]]] = ...) -> None: ...

class AcceptDuty(_message.Message):
    __slots__ = ("spec",)
    SPEC_FIELD_NUMBER: _ClassVar[int]
    spec: _signed_pb2.Signed
    def __init__(self, spec: _Optional[_Union[_signed_pb2.Signed, _Mapping]] = ...) -> None: ...

class HeaderEntry(_message.Message):
    __slots__ = ("contribution", "wrap")
    CONTRIBUTION_FIELD_NUMBER: _ClassVar[int]
    WRAP_FIELD_NUMBER: _ClassVar[int]
    contribution: _signed_pb2.Signed
    wrap: bytes
    def __init__(self, contribution: _Optional[_Union[_signed_pb2.Signed, _Mapping]] = ..., wrap: _Optional[bytes] = ...) -> None: ...

class AdmitDuty(_message.Message):
    __slots__ = ("page", "entries")
    PAGE_FIELD_NUMBER: _ClassVar[int]
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    page: _signed_pb2.Signed
    entries: _containers.RepeatedCompositeFieldContainer[HeaderEntry]
    def __init__(self, page: _Optional[_Union[_signed_pb2.Signed, _Mapping]] = ..., entries: _Optional[_Iterable[_Union[HeaderEntry, _Mapping]]] = ...) -> None: ...

class EndorseDuty(_message.Message):
    __slots__ = ("round_number", "freeze_digest", "exception_operator", "exception_officer")
    ROUND_NUMBER_FIELD_NUMBER: _ClassVar[int]
    FREEZE_DIGEST_FIELD_NUMBER: _ClassVar[int]
    EXCEPTION_OPERATOR_FIELD_NUMBER: _ClassVar[int]
    EXCEPTION_OFFICER_FIELD_NUMBER: _ClassVar[int]
    round_number: int
    freeze_digest: bytes
    exception_operator: _signed_pb2.Signed
    exception_officer: _signed_pb2.Signed
    def __init__(self, round_number: _Optional[int] = ..., freeze_digest: _Optional[bytes] = ..., exception_operator: _Optional[_Union[_signed_pb2.Signed, _Mapping]] = ..., exception_officer: _Optional[_Union[_signed_pb2.Signed, _Mapping]] = ...) -> None: ...

class ReleaseDuty(_message.Message):
    __slots__ = ("round_number", "freeze_digest", "endorsements", "pages_here")
    ROUND_NUMBER_FIELD_NUMBER: _ClassVar[int]
    FREEZE_DIGEST_FIELD_NUMBER: _ClassVar[int]
    ENDORSEMENTS_FIELD_NUMBER: _ClassVar[int]
    PAGES_HERE_FIELD_NUMBER: _ClassVar[int]
    round_number: int
    freeze_digest: bytes
    endorsements: _containers.RepeatedCompositeFieldContainer[_signed_pb2.Signed]
    pages_here: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, round_number: _Optional[int] = ..., freeze_digest: _Optional[bytes] = ..., endorsements: _Optional[_Iterable[_Union[_signed_pb2.Signed, _Mapping]]] = ..., pages_here: _Optional[_Iterable[int]] = ...) -> None: ...

class CloseDuty(_message.Message):
    __slots__ = ("round_number", "handed_to")
    ROUND_NUMBER_FIELD_NUMBER: _ClassVar[int]
    HANDED_TO_FIELD_NUMBER: _ClassVar[int]
    round_number: int
    handed_to: bytes
    def __init__(self, round_number: _Optional[int] = ..., handed_to: _Optional[bytes] = ...) -> None: ...

class Duty(_message.Message):
    __slots__ = ("accept", "admit", "endorse", "release", "close")
    ACCEPT_FIELD_NUMBER: _ClassVar[int]
    ADMIT_FIELD_NUMBER: _ClassVar[int]
    ENDORSE_FIELD_NUMBER: _ClassVar[int]
    RELEASE_FIELD_NUMBER: _ClassVar[int]
    CLOSE_FIELD_NUMBER: _ClassVar[int]
    accept: AcceptDuty
    admit: AdmitDuty
    endorse: EndorseDuty
    release: ReleaseDuty
    close: CloseDuty
    def __init__(self, accept: _Optional[_Union[AcceptDuty, _Mapping]] = ..., admit: _Optional[_Union[AdmitDuty, _Mapping]] = ..., endorse: _Optional[_Union[EndorseDuty, _Mapping]] = ..., release: _Optional[_Union[ReleaseDuty, _Mapping]] = ..., close: _Optional[_Union[CloseDuty, _Mapping]] = ...) -> None: ...

class DutyAnswer(_message.Message):
    __slots__ = ("acceptance", "admission", "endorsement", "release", "close", "refusal")
    ACCEPTANCE_FIELD_NUMBER: _ClassVar[int]
    ADMISSION_FIELD_NUMBER: _ClassVar[int]
    ENDORSEMENT_FIELD_NUMBER: _ClassVar[int]
    RELEASE_FIELD_NUMBER: _ClassVar[int]
    CLOSE_FIELD_NUMBER: _ClassVar[int]
    REFUSAL_FIELD_NUMBER: _ClassVar[int]
    acceptance: _signed_pb2.Signed
    admission: _signed_pb2.Signed
    endorsement: _signed_pb2.Signed
    release: _signed_pb2.Signed
    close: _signed_pb2.Signed
    refusal: _signed_pb2.Signed
    def __init__(self, acceptance: _Optional[_Union[_signed_pb2.Signed, _Mapping]] = ..., admission: _Optional[_Union[_signed_pb2.Signed, _Mapping]] = ..., endorsement: _Optional[_Union[_signed_pb2.Signed, _Mapping]] = ..., release: _Optional[_Union[_signed_pb2.Signed, _Mapping]] = ..., close: _Optional[_Union[_signed_pb2.Signed, _Mapping]] = ..., refusal: _Optional[_Union[_signed_pb2.Signed, _Mapping]] = ...) -> None: ...

class DutyAnswered(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class OperatorSubmission(_message.Message):
    __slots__ = ("request", "exception", "amendments")
    REQUEST_FIELD_NUMBER: _ClassVar[int]
    EXCEPTION_FIELD_NUMBER: _ClassVar[int]
    AMENDMENTS_FIELD_NUMBER: _ClassVar[int]
    request: _signed_pb2.Signed
    exception: _manifest_pb2.SignedException
    amendments: _containers.RepeatedCompositeFieldContainer[_manifest_pb2.SignedAmendment]
    def __init__(self, request: _Optional[_Union[_signed_pb2.Signed, _Mapping]] = ..., exception: _Optional[_Union[_manifest_pb2.SignedException, _Mapping]] = ..., amendments: _Optional[_Iterable[_Union[_manifest_pb2.SignedAmendment, _Mapping]]] = ...) -> None: ...

class OperatorRequestBody(_message.Message):
    __slots__ = ("study", "action", "round_number", "reason", "issued_unix", "nonce", "manifest_digest", "exception_digest", "amendment_digest")
    STUDY_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    ROUND_NUMBER_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    ISSUED_UNIX_FIELD_NUMBER: _ClassVar[int]
    NONCE_FIELD_NUMBER: _ClassVar[int]
    MANIFEST_DIGEST_FIELD_NUMBER: _ClassVar[int]
    EXCEPTION_DIGEST_FIELD_NUMBER: _ClassVar[int]
    AMENDMENT_DIGEST_FIELD_NUMBER: _ClassVar[int]
    study: str
    action: str
    round_number: int
    reason: str
    issued_unix: int
    nonce: bytes
    manifest_digest: bytes
    exception_digest: bytes
    amendment_digest: bytes
    def __init__(self, study: _Optional[str] = ..., action: _Optional[str] = ..., round_number: _Optional[int] = ..., reason: _Optional[str] = ..., issued_unix: _Optional[int] = ..., nonce: _Optional[bytes] = ..., manifest_digest: _Optional[bytes] = ..., exception_digest: _Optional[bytes] = ..., amendment_digest: _Optional[bytes] = ...) -> None: ...

class OperatorReply(_message.Message):
    __slots__ = ("text",)
    TEXT_FIELD_NUMBER: _ClassVar[int]
    text: str
    def __init__(self, text: _Optional[str] = ...) -> None: ...

class StatusRequest(_message.Message):
    __slots__ = ("study",)
    STUDY_FIELD_NUMBER: _ClassVar[int]
    study: str
    def __init__(self, study: _Optional[str] = ...) -> None: ...

class RoundStatus(_message.Message):
    __slots__ = ("round_number", "state", "round_id", "model_version", "invited", "received", "frozen", "accepted_by", "endorsed_by", "released_by", "closed_by", "ended_by_rule", "seconds", "refusals", "opening_steps_done", "opening_steps")
    class SecondsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    ROUND_NUMBER_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    ROUND_ID_FIELD_NUMBER: _ClassVar[int]
    MODEL_VERSION_FIELD_NUMBER: _ClassVar[int]
    INVITED_FIELD_NUMBER: _ClassVar[int]
    RECEIVED_FIELD_NUMBER: _ClassVar[int]
    FROZEN_FIELD_NUMBER: _ClassVar[int]
    ACCEPTED_BY_FIELD_NUMBER: _ClassVar[int]
    ENDORSED_BY_FIELD_NUMBER: _ClassVar[int]
    RELEASED_BY_FIELD_NUMBER: _ClassVar[int]
    CLOSED_BY_FIELD_NUMBER: _ClassVar[int]
    ENDED_BY_RULE_FIELD_NUMBER: _ClassVar[int]
    SECONDS_FIELD_NUMBER: _ClassVar[int]
    REFUSALS_FIELD_NUMBER: _ClassVar[int]
    OPENING_STEPS_DONE_FIELD_NUMBER: _ClassVar[int]
    OPENING_STEPS_FIELD_NUMBER: _ClassVar[int]
    round_number: int
    state: str
    round_id: bytes
    model_version: int
    invited: int
    received: int
    frozen: int
    accepted_by: _containers.RepeatedScalarFieldContainer[str]
    endorsed_by: _containers.RepeatedScalarFieldContainer[str]
    released_by: _containers.RepeatedScalarFieldContainer[str]
    closed_by: _containers.RepeatedScalarFieldContainer[str]
    ended_by_rule: str
    seconds: _containers.ScalarMap[str, float]
    refusals: _containers.RepeatedScalarFieldContainer[str]
    opening_steps_done: int
    opening_steps: int
    def __init__(self, round_number: _Optional[int] = ..., state: _Optional[str] = ..., round_id: _Optional[bytes] = ..., model_version: _Optional[int] = ..., invited: _Optional[int] = ..., received: _Optional[int] = ..., frozen: _Optional[int] = ..., accepted_by: _Optional[_Iterable[str]] = ..., endorsed_by: _Optional[_Iterable[str]] = ..., released_by: _Optional[_Iterable[str]] = ..., closed_by: _Optional[_Iterable[str]] = ..., ended_by_rule: _Optional[str] = ..., seconds: _Optional[_Mapping[str, float]] = ..., refusals: _Optional[_Iterable[str]] = ..., opening_steps_done: _Optional[int] = ..., opening_steps: _Optional[int] = ...) -> None: ...

class AmendmentStatus(_message.Message):
    __slots__ = ("number", "reason", "in_force", "since_round")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    IN_FORCE_FIELD_NUMBER: _ClassVar[int]
    SINCE_ROUND_FIELD_NUMBER: _ClassVar[int]
    number: int
    reason: str
    in_force: bool
    since_round: int
    def __init__(self, number: _Optional[int] = ..., reason: _Optional[str] = ..., in_force: bool = ..., since_round: _Optional[int] = ...) -> None: ...

class StudyStatus(_message.Message):
    __slots__ = ("study", "rounds", "ended", "attending", "amendments")
    STUDY_FIELD_NUMBER: _ClassVar[int]
    ROUNDS_FIELD_NUMBER: _ClassVar[int]
    ENDED_FIELD_NUMBER: _ClassVar[int]
    ATTENDING_FIELD_NUMBER: _ClassVar[int]
    AMENDMENTS_FIELD_NUMBER: _ClassVar[int]
    study: str
    rounds: _containers.RepeatedCompositeFieldContainer[RoundStatus]
    ended: bool
    attending: _containers.RepeatedScalarFieldContainer[str]
    amendments: _containers.RepeatedCompositeFieldContainer[AmendmentStatus]
    def __init__(self, study: _Optional[str] = ..., rounds: _Optional[_Iterable[_Union[RoundStatus, _Mapping]]] = ..., ended: bool = ..., attending: _Optional[_Iterable[str]] = ..., amendments: _Optional[_Iterable[_Union[AmendmentStatus, _Mapping]]] = ...) -> None: ...
