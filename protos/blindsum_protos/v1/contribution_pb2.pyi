from blindsum_protos.v1 import signed_pb2 as _signed_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CoreHeader(_message.Message):
    __slots__ = ("study", "round_number", "round_id", "client", "seal", "payload_digest", "payload_bytes", "seed_commitments", "self_commitment", "pair_table_digest")
    STUDY_FIELD_NUMBER: _ClassVar[int]
    ROUND_NUMBER_FIELD_NUMBER: _ClassVar[int]
    ROUND_ID_FIELD_NUMBER: _ClassVar[int]
    CLIENT_FIELD_NUMBER: _ClassVar[int]
    SEAL_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_DIGEST_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_BYTES_FIELD_NUMBER: _ClassVar[int]
    SEED_COMMITMENTS_FIELD_NUMBER: _ClassVar[int]
    SELF_COMMITMENT_FIELD_NUMBER: _ClassVar[int]
    PAIR_TABLE_DIGEST_FIELD_NUMBER: _ClassVar[int]
    study: str
    round_number: int
    round_id: bytes
    client: str
    seal: str
    payload_digest: bytes
    payload_bytes: int
    seed_commitments: _containers.RepeatedScalarFieldContainer[bytes]
    self_commitment: bytes
    pair_table_digest: bytes
    def __init__(self, study: _Optional[str] = ..., round_number: _Optional[int] = ..., round_id: _Optional[bytes] = ..., client: _Optional[str] = ..., seal: _Optional[str] = ..., payload_digest: _Optional[bytes] = ..., payload_bytes: _Optional[int] = ..., seed_commitments: _Optional[_Iterable[bytes]] = ..., self_commitment: _Optional[bytes] = ..., pair_table_digest: _Optional[bytes] = ...) -> None: ...

class ContributionBody(_message.Message):
    __slots__ = ("core_header", "wrap_digests")
    CORE_HEADER_FIELD_NUMBER: _ClassVar[int]
    WRAP_DIGESTS_FIELD_NUMBER: _ClassVar[int]
    core_header: bytes
    wrap_digests: _containers.RepeatedScalarFieldContainer[bytes]
    def __init__(self, core_header: _Optional[bytes] = ..., wrap_digests: _Optional[_Iterable[bytes]] = ...) -> None: ...

class HeaderSubmission(_message.Message):
    __slots__ = ("contribution", "wraps", "pair_table")
    CONTRIBUTION_FIELD_NUMBER: _ClassVar[int]
    WRAPS_FIELD_NUMBER: _ClassVar[int]
    PAIR_TABLE_FIELD_NUMBER: _ClassVar[int]
    contribution: _signed_pb2.Signed
    wraps: _containers.RepeatedScalarFieldContainer[bytes]
    pair_table: bytes
    def __init__(self, contribution: _Optional[_Union[_signed_pb2.Signed, _Mapping]] = ..., wraps: _Optional[_Iterable[bytes]] = ..., pair_table: _Optional[bytes] = ...) -> None: ...

class PayloadChunk(_message.Message):
    __slots__ = ("contribution_digest", "offset", "data")
    CONTRIBUTION_DIGEST_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    contribution_digest: bytes
    offset: int
    data: bytes
    def __init__(self, contribution_digest: _Optional[bytes] = ..., offset: _Optional[int] = ..., data: _Optional[bytes] = ...) -> None: ...

class UploadState(_message.Message):
    __slots__ = ("committed_bytes", "receipt")
    COMMITTED_BYTES_FIELD_NUMBER: _ClassVar[int]
    RECEIPT_FIELD_NUMBER: _ClassVar[int]
    committed_bytes: int
    receipt: _signed_pb2.Signed
    def __init__(self, committed_bytes: _Optional[int] = ..., receipt: _Optional[_Union[_signed_pb2.Signed, _Mapping]] = ...) -> None: ...

class ReceiptBody(_message.Message):
    __slots__ = ("study", "round_number", "round_id", "client", "contribution_digest", "received_unix")
    STUDY_FIELD_NUMBER: _ClassVar[int]
    ROUND_NUMBER_FIELD_NUMBER: _ClassVar[int]
    ROUND_ID_FIELD_NUMBER: _ClassVar[int]
    CLIENT_FIELD_NUMBER: _ClassVar[int]
    CONTRIBUTION_DIGEST_FIELD_NUMBER: _ClassVar[int]
    RECEIVED_UNIX_FIELD_NUMBER: _ClassVar[int]
    study: str
    round_number: int
    round_id: bytes
    client: str
    contribution_digest: bytes
    received_unix: int
    def __init__(self, study: _Optional[str] = ..., round_number: _Optional[int] = ..., round_id: _Optional[bytes] = ..., client: _Optional[str] = ..., contribution_digest: _Optional[bytes] = ..., received_unix: _Optional[int] = ...) -> None: ...

class HeaderPageBody(_message.Message):
    __slots__ = ("study", "round_number", "round_id", "page", "contribution_digests")
    STUDY_FIELD_NUMBER: _ClassVar[int]
    ROUND_NUMBER_FIELD_NUMBER: _ClassVar[int]
    ROUND_ID_FIELD_NUMBER: _ClassVar[int]
    PAGE_FIELD_NUMBER: _ClassVar[int]
    CONTRIBUTION_DIGESTS_FIELD_NUMBER: _ClassVar[int]
    study: str
    round_number: int
    round_id: bytes
    page: int
    contribution_digests: _containers.RepeatedScalarFieldContainer[bytes]
    def __init__(self, study: _Optional[str] = ..., round_number: _Optional[int] = ..., round_id: _Optional[bytes] = ..., page: _Optional[int] = ..., contribution_digests: _Optional[_Iterable[bytes]] = ...) -> None: ...

class Denial(_message.Message):
    __slots__ = ("client", "contribution_digest", "rule")
    CLIENT_FIELD_NUMBER: _ClassVar[int]
    CONTRIBUTION_DIGEST_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    client: str
    contribution_digest: bytes
    rule: str
    def __init__(self, client: _Optional[str] = ..., contribution_digest: _Optional[bytes] = ..., rule: _Optional[str] = ...) -> None: ...

class AdmissionBody(_message.Message):
    __slots__ = ("study", "round_number", "round_id", "page", "root", "denials", "custodian")
    STUDY_FIELD_NUMBER: _ClassVar[int]
    ROUND_NUMBER_FIELD_NUMBER: _ClassVar[int]
    ROUND_ID_FIELD_NUMBER: _ClassVar[int]
    PAGE_FIELD_NUMBER: _ClassVar[int]
    ROOT_FIELD_NUMBER: _ClassVar[int]
    DENIALS_FIELD_NUMBER: _ClassVar[int]
    CUSTODIAN_FIELD_NUMBER: _ClassVar[int]
    study: str
    round_number: int
    round_id: bytes
    page: int
    root: bytes
    denials: _containers.RepeatedCompositeFieldContainer[Denial]
    custodian: str
    def __init__(self, study: _Optional[str] = ..., round_number: _Optional[int] = ..., round_id: _Optional[bytes] = ..., page: _Optional[int] = ..., root: _Optional[bytes] = ..., denials: _Optional[_Iterable[_Union[Denial, _Mapping]]] = ..., custodian: _Optional[str] = ...) -> None: ...
