from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Member(_message.Message):
    __slots__ = ("client", "contribution_digest")
    CLIENT_FIELD_NUMBER: _ClassVar[int]
    CONTRIBUTION_DIGEST_FIELD_NUMBER: _ClassVar[int]
    client: str
    contribution_digest: bytes
    def __init__(self, client: _Optional[str] = ..., contribution_digest: _Optional[bytes] = ...) -> None: ...

class LeftOut(_message.Message):
    __slots__ = ("client", "contribution_digest", "rule")
    CLIENT_FIELD_NUMBER: _ClassVar[int]
    CONTRIBUTION_DIGEST_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    client: str
    contribution_digest: bytes
    rule: str
    def __init__(self, client: _Optional[str] = ..., contribution_digest: _Optional[bytes] = ..., rule: _Optional[str] = ...) -> None: ...

class FreezeBody(_message.Message):
    __slots__ = ("study", "round_number", "round_id", "members", "root", "left_out")
    STUDY_FIELD_NUMBER: _ClassVar[int]
    ROUND_NUMBER_FIELD_NUMBER: _ClassVar[int]
    ROUND_ID_FIELD_NUMBER: _ClassVar[int]
    MEMBERS_FIELD_NUMBER: _ClassVar[int]
    ROOT_FIELD_NUMBER: _ClassVar[int]
    LEFT_OUT_FIELD_NUMBER: _ClassVar[int]
    study: str
    round_number: int
    round_id: bytes
    members: _containers.RepeatedCompositeFieldContainer[Member]
    root: bytes
    left_out: _containers.RepeatedCompositeFieldContainer[LeftOut]
    def __init__(self, study: _Optional[str] = ..., round_number: _Optional[int] = ..., round_id: _Optional[bytes] = ..., members: _Optional[_Iterable[_Union[Member, _Mapping]]] = ..., root: _Optional[bytes] = ..., left_out: _Optional[_Iterable[_Union[LeftOut, _Mapping]]] = ...) -> None: ...

class EndorsementBody(_message.Message):
    __slots__ = ("study", "round_number", "round_id", "freeze_digest", "custodian")
    STUDY_FIELD_NUMBER: _ClassVar[int]
    ROUND_NUMBER_FIELD_NUMBER: _ClassVar[int]
    ROUND_ID_FIELD_NUMBER: _ClassVar[int]
    FREEZE_DIGEST_FIELD_NUMBER: _ClassVar[int]
    CUSTODIAN_FIELD_NUMBER: _ClassVar[int]
    study: str
    round_number: int
    round_id: bytes
    freeze_digest: bytes
    custodian: str
    def __init__(self, study: _Optional[str] = ..., round_number: _Optional[int] = ..., round_id: _Optional[bytes] = ..., freeze_digest: _Optional[bytes] = ..., custodian: _Optional[str] = ...) -> None: ...

class PartRelease(_message.Message):
    __slots__ = ("part", "share")
    PART_FIELD_NUMBER: _ClassVar[int]
    SHARE_FIELD_NUMBER: _ClassVar[int]
    part: int
    share: bytes
    def __init__(self, part: _Optional[int] = ..., share: _Optional[bytes] = ...) -> None: ...

class ReleaseBody(_message.Message):
    __slots__ = ("study", "round_number", "round_id", "freeze_digest", "parts", "custodian", "page")
    STUDY_FIELD_NUMBER: _ClassVar[int]
    ROUND_NUMBER_FIELD_NUMBER: _ClassVar[int]
    ROUND_ID_FIELD_NUMBER: _ClassVar[int]
    FREEZE_DIGEST_FIELD_NUMBER: _ClassVar[int]
    PARTS_FIELD_NUMBER: _ClassVar[int]
    CUSTODIAN_FIELD_NUMBER: _ClassVar[int]
    PAGE_FIELD_NUMBER: _ClassVar[int]
    study: str
    round_number: int
    round_id: bytes
    freeze_digest: bytes
    parts: _containers.RepeatedCompositeFieldContainer[PartRelease]
    custodian: str
    page: int
    def __init__(self, study: _Optional[str] = ..., round_number: _Optional[int] = ..., round_id: _Optional[bytes] = ..., freeze_digest: _Optional[bytes] = ..., parts: _Optional[_Iterable[_Union[PartRelease, _Mapping]]] = ..., custodian: _Optional[str] = ..., page: _Optional[int] = ...) -> None: ...

class CertificateBody(_message.Message):
    __slots__ = ("study", "round_number", "round_id", "acceptance_digests", "contribution_digests", "page_digests", "admission_digests", "freeze_digest", "endorsement_digests", "exception_digest", "release_digests", "sealed_sum_root", "aggregate_commitment", "opened_by", "disagreeing")
    STUDY_FIELD_NUMBER: _ClassVar[int]
    ROUND_NUMBER_FIELD_NUMBER: _ClassVar[int]
    ROUND_ID_FIELD_NUMBER: _ClassVar[int]
    ACCEPTANCE_DIGESTS_FIELD_NUMBER: _ClassVar[int]
    CONTRIBUTION_DIGESTS_FIELD_NUMBER: _ClassVar[int]
    PAGE_DIGESTS_FIELD_NUMBER: _ClassVar[int]
    ADMISSION_DIGESTS_FIELD_NUMBER: _ClassVar[int]
    FREEZE_DIGEST_FIELD_NUMBER: _ClassVar[int]
    ENDORSEMENT_DIGESTS_FIELD_NUMBER: _ClassVar[int]
    EXCEPTION_DIGEST_FIELD_NUMBER: _ClassVar[int]
    RELEASE_DIGESTS_FIELD_NUMBER: _ClassVar[int]
    SEALED_SUM_ROOT_FIELD_NUMBER: _ClassVar[int]
    AGGREGATE_COMMITMENT_FIELD_NUMBER: _ClassVar[int]
    OPENED_BY_FIELD_NUMBER: _ClassVar[int]
    DISAGREEING_FIELD_NUMBER: _ClassVar[int]
    study: str
    round_number: int
    round_id: bytes
    acceptance_digests: _containers.RepeatedScalarFieldContainer[bytes]
    contribution_digests: _containers.RepeatedScalarFieldContainer[bytes]
    page_digests: _containers.RepeatedScalarFieldContainer[bytes]
    admission_digests: _containers.RepeatedScalarFieldContainer[bytes]
    freeze_digest: bytes
    endorsement_digests: _containers.RepeatedScalarFieldContainer[bytes]
    exception_digest: bytes
    release_digests: _containers.RepeatedScalarFieldContainer[bytes]
    sealed_sum_root: bytes
    aggregate_commitment: bytes
    opened_by: _containers.RepeatedScalarFieldContainer[str]
    disagreeing: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, study: _Optional[str] = ..., round_number: _Optional[int] = ..., round_id: _Optional[bytes] = ..., acceptance_digests: _Optional[_Iterable[bytes]] = ..., contribution_digests: _Optional[_Iterable[bytes]] = ..., page_digests: _Optional[_Iterable[bytes]] = ..., admission_digests: _Optional[_Iterable[bytes]] = ..., freeze_digest: _Optional[bytes] = ..., endorsement_digests: _Optional[_Iterable[bytes]] = ..., exception_digest: _Optional[bytes] = ..., release_digests: _Optional[_Iterable[bytes]] = ..., sealed_sum_root: _Optional[bytes] = ..., aggregate_commitment: _Optional[bytes] = ..., opened_by: _Optional[_Iterable[str]] = ..., disagreeing: _Optional[_Iterable[str]] = ...) -> None: ...
