from blindsum_protos.v1 import manifest_pb2 as _manifest_pb2
from blindsum_protos.v1 import signed_pb2 as _signed_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CkksParameters(_message.Message):
    __slots__ = ("set_name", "scale_bits", "field_bits", "fields")
    SET_NAME_FIELD_NUMBER: _ClassVar[int]
    SCALE_BITS_FIELD_NUMBER: _ClassVar[int]
    FIELD_BITS_FIELD_NUMBER: _ClassVar[int]
    FIELDS_FIELD_NUMBER: _ClassVar[int]
    set_name: str
    scale_bits: int
    field_bits: int
    fields: int
    def __init__(self, set_name: _Optional[str] = ..., scale_bits: _Optional[int] = ..., field_bits: _Optional[int] = ..., fields: _Optional[int] = ...) -> None: ...

class MaskingParameters(_message.Message):
    __slots__ = ("value_bits",)
    VALUE_BITS_FIELD_NUMBER: _ClassVar[int]
    value_bits: int
    def __init__(self, value_bits: _Optional[int] = ...) -> None: ...

class PreviousRound(_message.Message):
    __slots__ = ("round_id", "freeze_digest", "aggregate_commitment")
    ROUND_ID_FIELD_NUMBER: _ClassVar[int]
    FREEZE_DIGEST_FIELD_NUMBER: _ClassVar[int]
    AGGREGATE_COMMITMENT_FIELD_NUMBER: _ClassVar[int]
    round_id: bytes
    freeze_digest: bytes
    aggregate_commitment: bytes
    def __init__(self, round_id: _Optional[bytes] = ..., freeze_digest: _Optional[bytes] = ..., aggregate_commitment: _Optional[bytes] = ...) -> None: ...

class SpecBody(_message.Message):
    __slots__ = ("study", "kind", "round_number", "amendment_digest", "epoch", "model_version", "model_digest", "previous", "closes", "endorsements", "vector_length", "seal", "ckks", "codec", "cohort", "min_cohort", "wrap_key_digests", "contribute_deadline_unix", "release_deadline_unix", "masking", "amendments", "group")
    STUDY_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    ROUND_NUMBER_FIELD_NUMBER: _ClassVar[int]
    AMENDMENT_DIGEST_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    MODEL_VERSION_FIELD_NUMBER: _ClassVar[int]
    MODEL_DIGEST_FIELD_NUMBER: _ClassVar[int]
    PREVIOUS_FIELD_NUMBER: _ClassVar[int]
    CLOSES_FIELD_NUMBER: _ClassVar[int]
    ENDORSEMENTS_FIELD_NUMBER: _ClassVar[int]
    VECTOR_LENGTH_FIELD_NUMBER: _ClassVar[int]
    SEAL_FIELD_NUMBER: _ClassVar[int]
    CKKS_FIELD_NUMBER: _ClassVar[int]
    CODEC_FIELD_NUMBER: _ClassVar[int]
    COHORT_FIELD_NUMBER: _ClassVar[int]
    MIN_COHORT_FIELD_NUMBER: _ClassVar[int]
    WRAP_KEY_DIGESTS_FIELD_NUMBER: _ClassVar[int]
    CONTRIBUTE_DEADLINE_UNIX_FIELD_NUMBER: _ClassVar[int]
    RELEASE_DEADLINE_UNIX_FIELD_NUMBER: _ClassVar[int]
    MASKING_FIELD_NUMBER: _ClassVar[int]
    AMENDMENTS_FIELD_NUMBER: _ClassVar[int]
    GROUP_FIELD_NUMBER: _ClassVar[int]
    study: str
    kind: str
    round_number: int
    amendment_digest: bytes
    epoch: int
    model_version: int
    model_digest: bytes
    previous: PreviousRound
    closes: _containers.RepeatedCompositeFieldContainer[_signed_pb2.Signed]
    endorsements: _containers.RepeatedCompositeFieldContainer[_signed_pb2.Signed]
    vector_length: int
    seal: str
    ckks: CkksParameters
    codec: _manifest_pb2.Codec
    cohort: _containers.RepeatedScalarFieldContainer[str]
    min_cohort: int
    wrap_key_digests: _containers.RepeatedScalarFieldContainer[bytes]
    contribute_deadline_unix: int
    release_deadline_unix: int
    masking: MaskingParameters
    amendments: _containers.RepeatedCompositeFieldContainer[_manifest_pb2.SignedAmendment]
    group: int
    def __init__(self, study: _Optional[str] = ..., kind: _Optional[str] = ..., round_number: _Optional[int] = ..., amendment_digest: _Optional[bytes] = ..., epoch: _Optional[int] = ..., model_version: _Optional[int] = ..., model_digest: _Optional[bytes] = ..., previous: _Optional[_Union[PreviousRound, _Mapping]] = ..., closes: _Optional[_Iterable[_Union[_signed_pb2.Signed, _Mapping]]] = ..., endorsements: _Optional[_Iterable[_Union[_signed_pb2.Signed, _Mapping]]] = ..., vector_length: _Optional[int] = ..., seal: _Optional[str] = ..., ckks: _Optional[_Union[CkksParameters, _Mapping]] = ..., codec: _Optional[_Union[_manifest_pb2.Codec, _Mapping]] = ..., cohort: _Optional[_Iterable[str]] = ..., min_cohort: _Optional[int] = ..., wrap_key_digests: _Optional[_Iterable[bytes]] = ..., contribute_deadline_unix: _Optional[int] = ..., release_deadline_unix: _Optional[int] = ..., masking: _Optional[_Union[MaskingParameters, _Mapping]] = ..., amendments: _Optional[_Iterable[_Union[_manifest_pb2.SignedAmendment, _Mapping]]] = ..., group: _Optional[int] = ...) -> None: ...

class AcceptanceBody(_message.Message):
    __slots__ = ("study", "round_number", "round_id", "custodian")
    STUDY_FIELD_NUMBER: _ClassVar[int]
    ROUND_NUMBER_FIELD_NUMBER: _ClassVar[int]
    ROUND_ID_FIELD_NUMBER: _ClassVar[int]
    CUSTODIAN_FIELD_NUMBER: _ClassVar[int]
    study: str
    round_number: int
    round_id: bytes
    custodian: str
    def __init__(self, study: _Optional[str] = ..., round_number: _Optional[int] = ..., round_id: _Optional[bytes] = ..., custodian: _Optional[str] = ...) -> None: ...

class CloseBody(_message.Message):
    __slots__ = ("study", "round_number", "freeze_digest", "custodian", "manifest_digest", "handed_to")
    STUDY_FIELD_NUMBER: _ClassVar[int]
    ROUND_NUMBER_FIELD_NUMBER: _ClassVar[int]
    FREEZE_DIGEST_FIELD_NUMBER: _ClassVar[int]
    CUSTODIAN_FIELD_NUMBER: _ClassVar[int]
    MANIFEST_DIGEST_FIELD_NUMBER: _ClassVar[int]
    HANDED_TO_FIELD_NUMBER: _ClassVar[int]
    study: str
    round_number: int
    freeze_digest: bytes
    custodian: str
    manifest_digest: bytes
    handed_to: bytes
    def __init__(self, study: _Optional[str] = ..., round_number: _Optional[int] = ..., freeze_digest: _Optional[bytes] = ..., custodian: _Optional[str] = ..., manifest_digest: _Optional[bytes] = ..., handed_to: _Optional[bytes] = ...) -> None: ...

class AbortBody(_message.Message):
    __slots__ = ("study", "round_number", "round_id", "freeze_digest", "rule", "expected")
    STUDY_FIELD_NUMBER: _ClassVar[int]
    ROUND_NUMBER_FIELD_NUMBER: _ClassVar[int]
    ROUND_ID_FIELD_NUMBER: _ClassVar[int]
    FREEZE_DIGEST_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_FIELD_NUMBER: _ClassVar[int]
    study: str
    round_number: int
    round_id: bytes
    freeze_digest: bytes
    rule: str
    expected: str
    def __init__(self, study: _Optional[str] = ..., round_number: _Optional[int] = ..., round_id: _Optional[bytes] = ..., freeze_digest: _Optional[bytes] = ..., rule: _Optional[str] = ..., expected: _Optional[str] = ...) -> None: ...
