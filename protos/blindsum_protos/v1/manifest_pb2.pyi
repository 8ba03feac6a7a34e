from blindsum_protos.v1 import signed_pb2 as _signed_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Party(_message.Message):
    __slots__ = ("name", "identity")
    NAME_FIELD_NUMBER: _ClassVar[int]
    IDENTITY_FIELD_NUMBER: _ClassVar[int]
    name: str
    identity: bytes
    def __init__(self, name: _Optional[str] = ..., identity: _Optional[bytes] = ...) -> None: ...

class EnrolledClient(_message.Message):
    __slots__ = ("name", "organisation", "identity", "agreement_key", "group")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ORGANISATION_FIELD_NUMBER: _ClassVar[int]
    IDENTITY_FIELD_NUMBER: _ClassVar[int]
    AGREEMENT_KEY_FIELD_NUMBER: _ClassVar[int]
    GROUP_FIELD_NUMBER: _ClassVar[int]
    name: str
    organisation: str
    identity: bytes
    agreement_key: bytes
    group: int
    def __init__(self, name: _Optional[str] = ..., organisation: _Optional[str] = ..., identity: _Optional[bytes] = ..., agreement_key: _Optional[bytes] = ..., group: _Optional[int] = ...) -> None: ...

class EnrolledCustodian(_message.Message):
    __slots__ = ("name", "identity", "wrap_suite", "wrap_key")
    NAME_FIELD_NUMBER: _ClassVar[int]
    IDENTITY_FIELD_NUMBER: _ClassVar[int]
    WRAP_SUITE_FIELD_NUMBER: _ClassVar[int]
    WRAP_KEY_FIELD_NUMBER: _ClassVar[int]
    name: str
    identity: bytes
    wrap_suite: str
    wrap_key: bytes
    def __init__(self, name: _Optional[str] = ..., identity: _Optional[bytes] = ..., wrap_suite: _Optional[str] = ..., wrap_key: _Optional[bytes] = ...) -> None: ...

class Codec(_message.Message):
    __slots__ = ("clip_norm", "levels", "weight_cap", "weight_scale")
    CLIP_NORM_FIELD_NUMBER: _ClassVar[int]
    LEVELS_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_CAP_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_SCALE_FIELD_NUMBER: _ClassVar[int]
    clip_norm: float
    levels: int
    weight_cap: int
    weight_scale: float
    def __init__(self, clip_norm: _Optional[float] = ..., levels: _Optional[int] = ..., weight_cap: _Optional[int] = ..., weight_scale: _Optional[float] = ...) -> None: ...

class AdaptiveClipping(_message.Message):
    __slots__ = ("count_noise", "rate", "quantile")
    COUNT_NOISE_FIELD_NUMBER: _ClassVar[int]
    RATE_FIELD_NUMBER: _ClassVar[int]
    QUANTILE_FIELD_NUMBER: _ClassVar[int]
    count_noise: float
    rate: float
    quantile: float
    def __init__(self, count_noise: _Optional[float] = ..., rate: _Optional[float] = ..., quantile: _Optional[float] = ...) -> None: ...

class PrivacyPolicy(_message.Message):
    __slots__ = ("unit", "relation", "mechanism", "delta", "colluders", "planned_rounds", "units_per_client", "allow_few_clients", "clip_norm", "reference_units", "levels", "share_variance", "field_bits", "order", "adaptive")
    UNIT_FIELD_NUMBER: _ClassVar[int]
    RELATION_FIELD_NUMBER: _ClassVar[int]
    MECHANISM_FIELD_NUMBER: _ClassVar[int]
    DELTA_FIELD_NUMBER: _ClassVar[int]
    COLLUDERS_FIELD_NUMBER: _ClassVar[int]
    PLANNED_ROUNDS_FIELD_NUMBER: _ClassVar[int]
    UNITS_PER_CLIENT_FIELD_NUMBER: _ClassVar[int]
    ALLOW_FEW_CLIENTS_FIELD_NUMBER: _ClassVar[int]
    CLIP_NORM_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_UNITS_FIELD_NUMBER: _ClassVar[int]
    LEVELS_FIELD_NUMBER: _ClassVar[int]
    SHARE_VARIANCE_FIELD_NUMBER: _ClassVar[int]
    FIELD_BITS_FIELD_NUMBER: _ClassVar[int]
    ORDER_FIELD_NUMBER: _ClassVar[int]
    ADAPTIVE_FIELD_NUMBER: _ClassVar[int]
    unit: str
    relation: str
    mechanism: str
    delta: float
    colluders: int
    planned_rounds: int
    units_per_client: int
    allow_few_clients: bool
    clip_norm: float
    reference_units: int
    levels: int
    share_variance: int
    field_bits: int
    order: int
    adaptive: AdaptiveClipping
    def __init__(self, unit: _Optional[str] = ..., relation: _Optional[str] = ..., mechanism: _Optional[str] = ..., delta: _Optional[float] = ..., colluders: _Optional[int] = ..., planned_rounds: _Optional[int] = ..., units_per_client: _Optional[int] = ..., allow_few_clients: bool = ..., clip_norm: _Optional[float] = ..., reference_units: _Optional[int] = ..., levels: _Optional[int] = ..., share_variance: _Optional[int] = ..., field_bits: _Optional[int] = ..., order: _Optional[int] = ..., adaptive: _Optional[_Union[AdaptiveClipping, _Mapping]] = ...) -> None: ...

class Sparsity(_message.Message):
    __slots__ = ("rule", "kept")
    RULE_FIELD_NUMBER: _ClassVar[int]
    KEPT_FIELD_NUMBER: _ClassVar[int]
    rule: str
    kept: int
    def __init__(self, rule: _Optional[str] = ..., kept: _Optional[int] = ...) -> None: ...

class Condition(_message.Message):
    __slots__ = ("column", "at_least", "below")
    COLUMN_FIELD_NUMBER: _ClassVar[int]
    AT_LEAST_FIELD_NUMBER: _ClassVar[int]
    BELOW_FIELD_NUMBER: _ClassVar[int]
    column: str
    at_least: int
    below: int
    def __init__(self, column: _Optional[str] = ..., at_least: _Optional[int] = ..., below: _Optional[int] = ...) -> None: ...

class Cell(_message.Message):
    __slots__ = ("name", "value_column", "lowest", "highest", "group", "where", "offset")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VALUE_COLUMN_FIELD_NUMBER: _ClassVar[int]
    LOWEST_FIELD_NUMBER: _ClassVar[int]
    HIGHEST_FIELD_NUMBER: _ClassVar[int]
    GROUP_FIELD_NUMBER: _ClassVar[int]
    WHERE_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    name: str
    value_column: str
    lowest: int
    highest: int
    group: str
    where: _containers.RepeatedCompositeFieldContainer[Condition]
    offset: int
    def __init__(self, name: _Optional[str] = ..., value_column: _Optional[str] = ..., lowest: _Optional[int] = ..., highest: _Optional[int] = ..., group: _Optional[str] = ..., where: _Optional[_Iterable[_Union[Condition, _Mapping]]] = ..., offset: _Optional[int] = ...) -> None: ...

class Query(_message.Message):
    __slots__ = ("name", "description", "window_from_day", "window_to_day", "date_column", "max_records", "cells")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    WINDOW_FROM_DAY_FIELD_NUMBER: _ClassVar[int]
    WINDOW_TO_DAY_FIELD_NUMBER: _ClassVar[int]
    DATE_COLUMN_FIELD_NUMBER: _ClassVar[int]
    MAX_RECORDS_FIELD_NUMBER: _ClassVar[int]
    CELLS_FIELD_NUMBER: _ClassVar[int]
    name: str
    description: str
    window_from_day: int
    window_to_day: int
    date_column: str
    max_records: int
    cells: _containers.RepeatedCompositeFieldContainer[Cell]
    def __init__(self, name: _Optional[str] = ..., description: _Optional[str] = ..., window_from_day: _Optional[int] = ..., window_to_day: _Optional[int] = ..., date_column: _Optional[str] = ..., max_records: _Optional[int] = ..., cells: _Optional[_Iterable[_Union[Cell, _Mapping]]] = ...) -> None: ...

class NamedArray(_message.Message):
    __slots__ = ("name", "shape")
    NAME_FIELD_NUMBER: _ClassVar[int]
    SHAPE_FIELD_NUMBER: _ClassVar[int]
    name: str
    shape: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, name: _Optional[str] = ..., shape: _Optional[_Iterable[int]] = ...) -> None: ...

class Schedule(_message.Message):
    __slots__ = ("max_rounds", "accept_seconds", "contribute_seconds", "release_seconds", "pause_seconds", "quota")
    MAX_ROUNDS_FIELD_NUMBER: _ClassVar[int]
    ACCEPT_SECONDS_FIELD_NUMBER: _ClassVar[int]
    CONTRIBUTE_SECONDS_FIELD_NUMBER: _ClassVar[int]
    RELEASE_SECONDS_FIELD_NUMBER: _ClassVar[int]
    PAUSE_SECONDS_FIELD_NUMBER: _ClassVar[int]
    QUOTA_FIELD_NUMBER: _ClassVar[int]
    max_rounds: int
    accept_seconds: int
    contribute_seconds: int
    release_seconds: int
    pause_seconds: int
    quota: int
    def __init__(self, max_rounds: _Optional[int] = ..., accept_seconds: _Optional[int] = ..., contribute_seconds: _Optional[int] = ..., release_seconds: _Optional[int] = ..., pause_seconds: _Optional[int] = ..., quota: _Optional[int] = ...) -> None: ...

class ManifestBody(_message.Message):
    __slots__ = ("study", "purpose", "permit", "kind", "seals", "operator", "officer", "aggregator", "clients", "custodians", "threshold", "quorum", "min_cohort", "min_organisations", "codec", "layout", "initial_model_digest", "update_rule", "server_learning_rate", "schedule", "no_differencing", "not_before_unix", "not_after_unix", "privacy", "sparsity", "local_methods", "queries")
    STUDY_FIELD_NUMBER: _ClassVar[int]
    PURPOSE_FIELD_NUMBER: _ClassVar[int]
    PERMIT_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    SEALS_FIELD_NUMBER: _ClassVar[int]
    OPERATOR_FIELD_NUMBER: _ClassVar[int]
    OFFICER_FIELD_NUMBER: _ClassVar[int]
    AGGREGATOR_FIELD_NUMBER: _ClassVar[int]
    CLIENTS_FIELD_NUMBER: _ClassVar[int]
    CUSTODIANS_FIELD_NUMBER: _ClassVar[int]
    THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    QUORUM_FIELD_NUMBER: _ClassVar[int]
    MIN_COHORT_FIELD_NUMBER: _ClassVar[int]
    MIN_ORGANISATIONS_FIELD_NUMBER: _ClassVar[int]
    CODEC_FIELD_NUMBER: _ClassVar[int]
    LAYOUT_FIELD_NUMBER: _ClassVar[int]
    INITIAL_MODEL_DIGEST_FIELD_NUMBER: _ClassVar[int]
    UPDATE_RULE_FIELD_NUMBER: _ClassVar[int]
    SERVER_LEARNING_RATE_FIELD_NUMBER: _ClassVar[int]
    SCHEDULE_FIELD_NUMBER: _ClassVar[int]
    NO_DIFFERENCING_FIELD_NUMBER: _ClassVar[int]
    NOT_BEFORE_UNIX_FIELD_NUMBER: _ClassVar[int]
    NOT_AFTER_UNIX_FIELD_NUMBER: _ClassVar[int]
    PRIVACY_FIELD_NUMBER: _ClassVar[int]
    SPARSITY_FIELD_NUMBER: _ClassVar[int]
    LOCAL_METHODS_FIELD_NUMBER: _ClassVar[int]
    QUERIES_FIELD_NUMBER: _ClassVar[int]
    study: str
    purpose: str
    permit: str
    kind: str
    seals: _containers.RepeatedScalarFieldContainer[str]
    operator: Party
    officer: Party
    aggregator: Party
    clients: _containers.RepeatedCompositeFieldContainer[EnrolledClient]
    custodians: _containers.RepeatedCompositeFieldContainer[EnrolledCustodian]
    threshold: int
    quorum: int
    min_cohort: int
    min_organisations: int
    codec: Codec
    layout: _containers.RepeatedCompositeFieldContainer[NamedArray]
    initial_model_digest: bytes
    update_rule: str
    server_learning_rate: float
    schedule: Schedule
    no_differencing: str
    not_before_unix: int
    not_after_unix: int
    privacy: PrivacyPolicy
    sparsity: Sparsity
    local_methods: _containers.RepeatedScalarFieldContainer[str]
    queries: _containers.RepeatedCompositeFieldContainer[Query]
    def __init__(self, study: _Optional[str] = ..., purpose: _Optional[str] = ..., permit: _Optional[str] = ..., kind: _Optional[str] = ..., seals: _Optional[_Iterable[str]] = ..., operator: _Optional[_Union[Party, _Mapping]] = ..., officer: _Optional[_Union[Party, _Mapping]] = ..., aggregator: _Optional[_Union[Party, _Mapping]] = ..., clients: _Optional[_Iterable[_Union[EnrolledClient, _Mapping]]] = ..., custodians: _Optional[_Iterable[_Union[EnrolledCustodian, _Mapping]]] = ..., threshold: _Optional[int] = ..., quorum: _Optional[int] = ..., min_cohort: _Optional[int] = ..., min_organisations: _Optional[int] = ..., codec: _Optional[_Union[Codec, _Mapping]] = ..., layout: _Optional[_Iterable[_Union[NamedArray, _Mapping]]] = ..., initial_model_digest: _Optional[bytes] = ..., update_rule: _Optional[str] = ..., server_learning_rate: _Optional[float] = ..., schedule: _Optional[_Union[Schedule, _Mapping]] = ..., no_differencing: _Optional[str] = ..., not_before_unix: _Optional[int] = ..., not_after_unix: _Optional[int] = ..., privacy: _Optional[_Union[PrivacyPolicy, _Mapping]] = ..., sparsity: _Optional[_Union[Sparsity, _Mapping]] = ..., local_methods: _Optional[_Iterable[str]] = ..., queries: _Optional[_Iterable[_Union[Query, _Mapping]]] = ...) -> None: ...

class ApprovalBody(_message.Message):
    __slots__ = ("study", "manifest_digest")
    STUDY_FIELD_NUMBER: _ClassVar[int]
    MANIFEST_DIGEST_FIELD_NUMBER: _ClassVar[int]
    study: str
    manifest_digest: bytes
    def __init__(self, study: _Optional[str] = ..., manifest_digest: _Optional[bytes] = ...) -> None: ...

class NewCommittee(_message.Message):
    __slots__ = ("custodians", "threshold", "quorum")
    CUSTODIANS_FIELD_NUMBER: _ClassVar[int]
    THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    QUORUM_FIELD_NUMBER: _ClassVar[int]
    custodians: _containers.RepeatedCompositeFieldContainer[EnrolledCustodian]
    threshold: int
    quorum: int
    def __init__(self, custodians: _Optional[_Iterable[_Union[EnrolledCustodian, _Mapping]]] = ..., threshold: _Optional[int] = ..., quorum: _Optional[int] = ...) -> None: ...

class AmendmentBody(_message.Message):
    __slots__ = ("study", "number", "previous_digest", "reason", "joined", "rotated", "left", "revoked", "committee")
    STUDY_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    PREVIOUS_DIGEST_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    JOINED_FIELD_NUMBER: _ClassVar[int]
    ROTATED_FIELD_NUMBER: _ClassVar[int]
    LEFT_FIELD_NUMBER: _ClassVar[int]
    REVOKED_FIELD_NUMBER: _ClassVar[int]
    COMMITTEE_FIELD_NUMBER: _ClassVar[int]
    study: str
    number: int
    previous_digest: bytes
    reason: str
    joined: _containers.RepeatedCompositeFieldContainer[EnrolledClient]
    rotated: _containers.RepeatedCompositeFieldContainer[EnrolledClient]
    left: _containers.RepeatedScalarFieldContainer[str]
    revoked: _containers.RepeatedScalarFieldContainer[str]
    committee: NewCommittee
    def __init__(self, study: _Optional[str] = ..., number: _Optional[int] = ..., previous_digest: _Optional[bytes] = ..., reason: _Optional[str] = ..., joined: _Optional[_Iterable[_Union[EnrolledClient, _Mapping]]] = ..., rotated: _Optional[_Iterable[_Union[EnrolledClient, _Mapping]]] = ..., left: _Optional[_Iterable[str]] = ..., revoked: _Optional[_Iterable[str]] = ..., committee: _Optional[_Union[NewCommittee, _Mapping]] = ...) -> None: ...

class SignedAmendment(_message.Message):
    __slots__ = ("operator", "officer")
    OPERATOR_FIELD_NUMBER: _ClassVar[int]
    OFFICER_FIELD_NUMBER: _ClassVar[int]
    operator: _signed_pb2.Signed
    officer: _signed_pb2.Signed
    def __init__(self, operator: _Optional[_Union[_signed_pb2.Signed, _Mapping]] = ..., officer: _Optional[_Union[_signed_pb2.Signed, _Mapping]] = ...) -> None: ...

class ManifestFile(_message.Message):
    __slots__ = ("manifest", "approval", "amendments")
    MANIFEST_FIELD_NUMBER: _ClassVar[int]
    APPROVAL_FIELD_NUMBER: _ClassVar[int]
    AMENDMENTS_FIELD_NUMBER: _ClassVar[int]
    manifest: _signed_pb2.Signed
    approval: _signed_pb2.Signed
    amendments: _containers.RepeatedCompositeFieldContainer[SignedAmendment]
    def __init__(self, manifest: _Optional[_Union[_signed_pb2.Signed, _Mapping]] = ..., approval: _Optional[_Union[_signed_pb2.Signed, _Mapping]] = ..., amendments: _Optional[_Iterable[_Union[SignedAmendment, _Mapping]]] = ...) -> None: ...

class ExceptionBody(_message.Message):
    __slots__ = ("study", "round_number", "model_version", "clients", "reason", "manifest_digest")
    STUDY_FIELD_NUMBER: _ClassVar[int]
    ROUND_NUMBER_FIELD_NUMBER: _ClassVar[int]
    MODEL_VERSION_FIELD_NUMBER: _ClassVar[int]
    CLIENTS_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    MANIFEST_DIGEST_FIELD_NUMBER: _ClassVar[int]
    study: str
    round_number: int
    model_version: int
    clients: _containers.RepeatedScalarFieldContainer[str]
    reason: str
    manifest_digest: bytes
    def __init__(self, study: _Optional[str] = ..., round_number: _Optional[int] = ..., model_version: _Optional[int] = ..., clients: _Optional[_Iterable[str]] = ..., reason: _Optional[str] = ..., manifest_digest: _Optional[bytes] = ...) -> None: ...

class SignedException(_message.Message):
    __slots__ = ("operator", "officer")
    OPERATOR_FIELD_NUMBER: _ClassVar[int]
    OFFICER_FIELD_NUMBER: _ClassVar[int]
    operator: _signed_pb2.Signed
    officer: _signed_pb2.Signed
    def __init__(self, operator: _Optional[_Union[_signed_pb2.Signed, _Mapping]] = ..., officer: _Optional[_Union[_signed_pb2.Signed, _Mapping]] = ...) -> None: ...
