from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Optional as _Optional

DESCRIPTOR: _descriptor.FileDescriptor

class IdentityBody(_message.Message):
    __slots__ = ("name", "role", "identity", "agreement_key", "wrap_suite", "wrap_key")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    IDENTITY_FIELD_NUMBER: _ClassVar[int]
    AGREEMENT_KEY_FIELD_NUMBER: _ClassVar[int]
    WRAP_SUITE_FIELD_NUMBER: _ClassVar[int]
    WRAP_KEY_FIELD_NUMBER: _ClassVar[int]
    name: str
    role: str
    identity: bytes
    agreement_key: bytes
    wrap_suite: str
    wrap_key: bytes
    def __init__(self, name: _Optional[str] = ..., role: _Optional[str] = ..., identity: _Optional[bytes] = ..., agreement_key: _Optional[bytes] = ..., wrap_suite: _Optional[str] = ..., wrap_key: _Optional[bytes] = ...) -> None: ...

class CallBody(_message.Message):
    __slots__ = ("study", "aggregator", "method", "issued_unix", "nonce")
    STUDY_FIELD_NUMBER: _ClassVar[int]
    AGGREGATOR_FIELD_NUMBER: _ClassVar[int]
    METHOD_FIELD_NUMBER: _ClassVar[int]
    ISSUED_UNIX_FIELD_NUMBER: _ClassVar[int]
    NONCE_FIELD_NUMBER: _ClassVar[int]
    study: str
    aggregator: str
    method: str
    issued_unix: int
    nonce: bytes
    def __init__(self, study: _Optional[str] = ..., aggregator: _Optional[str] = ..., method: _Optional[str] = ..., issued_unix: _Optional[int] = ..., nonce: _Optional[bytes] = ...) -> None: ...

class RefusalBody(_message.Message):
    __slots__ = ("study", "request_digest", "kind", "rule", "expected")
    STUDY_FIELD_NUMBER: _ClassVar[int]
    REQUEST_DIGEST_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_FIELD_NUMBER: _ClassVar[int]
    study: str
    request_digest: bytes
    kind: str
    rule: str
    expected: str
    def __init__(self, study: _Optional[str] = ..., request_digest: _Optional[bytes] = ..., kind: _Optional[str] = ..., rule: _Optional[str] = ..., expected: _Optional[str] = ...) -> None: ...
