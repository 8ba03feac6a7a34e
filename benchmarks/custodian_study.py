"""A study of many clients with everybody's keys, and the headers that its clients sign and wrap.

Keys follow from names, so that worker processes make them alike without being handed any. What a
custodian is never shown is not made: the other custodians' wraps are digests of nothing, and there
is no sealed vector.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from blindsum_crypto.custody import Committee, commitment, deal, encode_seeds, wrap_info
from blindsum_crypto.identity import AgreementKey, Identity, WrapKey
from blindsum_crypto.keystore import KeyRing
from blindsum_crypto.primitives import DEFAULT_WRAP_SUITE, digest, hpke_wrap, wrap_private_bytes
from blindsum_crypto.randomness import SeededRandomness, SystemRandomness
from blindsum_protos.convert.contribution import core_header_bytes
from blindsum_protos.convert.signed import sign, to_wire
from blindsum_protos.v1 import aggregator_pb2
from blindsum_rules.header import Contribution, CoreHeader, core_digest, wrap_digest
from blindsum_rules.manifest import (
    DifferencingScope,
    EnrolledClient,
    EnrolledCustodian,
    Manifest,
    Party,
    Schedule,
    StudyKind,
)
from blindsum_rules.model import Layout, NamedArray
from blindsum_rules.seal_parameters import seal_parameters
from blindsum_rules.signed import Signed
from blindsum_rules.spec import PreviousRound, Spec, SpecKind
from blindsum_rules.spec_checks import wrap_key_digests
from problem import CODEC

STUDY: Final = "many-clients"
OPERATOR: Final = "operator"
AGGREGATOR: Final = "aggregator"
COMMITTEE: Final = Committee(custodians=4, threshold=2)
QUORUM: Final = 3
MEASURED: Final = "custodian-0"
"""The custodian that is measured; its place in the manifest is 0."""

_CLIENTS_OF_AN_ORGANISATION: Final = 10
_DAY_SECONDS: Final = 86_400
_LAYOUT: Final = Layout((NamedArray("weights", (999_999,)),))
_SYSTEM: Final = SystemRandomness()


@dataclass(frozen=True, slots=True)
class PublicKeys:
    """A client's public keys, 32 bytes each."""

    identity: bytes
    agreement: bytes


@dataclass(frozen=True, slots=True)
class HeaderMould:
    """What all headers of one round have in common; small, so that workers get it with each page.

    Attributes:
        round_id: 32 bytes.
        seal: The seal's name.
        payload_bytes: Length of every sealed vector.
        wrap_key: The measured custodian's public wrap key.
    """

    round_id: bytes
    seal: str
    payload_bytes: int
    wrap_key: bytes


@dataclass(frozen=True, slots=True)
class MadeEntry:
    """One client's entry of a page: digest of its signed header, and a HeaderEntry's bytes."""

    contribution_digest: bytes
    entry: bytes


def client_name(place: int) -> str:
    """The id of one client; ids sort as places do."""
    return f"client-{place:07d}"


def identity_of(name: str) -> Identity:
    """A party's identity."""
    return Identity(SeededRandomness(f"benchmarks/{STUDY}/{name}".encode()).bytes(32))


def wrap_key_of(name: str) -> WrapKey:
    """A custodian's hybrid wrap key."""
    drawn = SeededRandomness(f"benchmarks/{STUDY}/{name}/wraps".encode())
    return WrapKey(DEFAULT_WRAP_SUITE, drawn.bytes(wrap_private_bytes(DEFAULT_WRAP_SUITE)))


def key_ring_of(name: str) -> KeyRing:
    """A custodian's keys."""
    return KeyRing(identity_of(name), wrap_key_of(name))


def custodian_names() -> list[str]:
    """The committee, ascending."""
    return [f"custodian-{index}" for index in range(COMMITTEE.custodians)]


def public_keys(places: Sequence[int]) -> list[PublicKeys]:
    """The public keys of clients; a worker process runs this."""
    keys = []
    for place in places:
        name = client_name(place)
        agreement = AgreementKey.generate(SeededRandomness(f"benchmarks/{name}/pairs".encode()))
        keys.append(PublicKeys(identity_of(name).public, agreement.public))
    return keys


def found_study(seal: str, keys: Sequence[PublicKeys]) -> Signed[Manifest]:
    """A study of as many clients as there are keys, (m, t, quorum) = (4, 2, 3), hybrid wraps."""
    now = int(time.time())
    clients = tuple(
        EnrolledClient(
            client_name(place),
            f"organisation-{place // _CLIENTS_OF_AN_ORGANISATION:06d}",
            key.identity,
            key.agreement,
        )
        for place, key in enumerate(keys)
    )
    manifest = Manifest(
        study=STUDY,
        purpose="to measure what a custodian does for many clients",
        permit="none is needed for invented headers",
        kind=StudyKind.MODEL,
        seals=(seal,),
        operator=Party(OPERATOR, identity_of(OPERATOR).public),
        officer=None,
        aggregator=Party(AGGREGATOR, identity_of(AGGREGATOR).public),
        clients=clients,
        custodians=tuple(
            EnrolledCustodian(
                name, identity_of(name).public, DEFAULT_WRAP_SUITE, wrap_key_of(name).public
            )
            for name in custodian_names()
        ),
        threshold=COMMITTEE.threshold,
        quorum=QUORUM,
        min_cohort=3,
        min_organisations=1,
        codec=CODEC,
        layout=_LAYOUT,
        initial_model_digest=digest("benchmarks/model"),
        update_rule="fedavg",
        server_learning_rate=1.0,
        schedule=Schedule(
            max_rounds=8,
            accept_seconds=60,
            contribute_seconds=_DAY_SECONDS,
            release_seconds=_DAY_SECONDS,
            pause_seconds=0,
            quota=0,
        ),
        no_differencing=DifferencingScope.VERSION,
        not_before_unix=now - _DAY_SECONDS,
        not_after_unix=now + _DAY_SECONDS,
    )
    return sign(manifest, OPERATOR, identity_of(OPERATOR))


def open_round(manifest: Signed[Manifest]) -> Signed[Spec]:
    """The spec of round 0, to which the whole roster is invited."""
    body, (seal,) = manifest.body, manifest.body.seals
    deadline = int(time.time()) + body.schedule.contribute_seconds
    spec = Spec(
        study=body.study,
        kind=SpecKind.ROUND,
        round_number=0,
        amendment_digest=manifest.digest,
        epoch=0,
        model_version=0,
        model_digest=body.initial_model_digest,
        previous=PreviousRound(manifest.digest),
        closes=(),
        endorsements=(),
        vector_length=body.vector_length,
        seal=seal,
        parameters=seal_parameters(body, seal, len(body.clients)),
        codec=body.codec,
        cohort=tuple(client.name for client in body.clients),
        min_cohort=body.min_cohort,
        wrap_key_digests=wrap_key_digests(body),
        contribute_deadline_unix=deadline,
        release_deadline_unix=deadline + body.schedule.release_seconds,
    )
    return sign(spec, AGGREGATOR, identity_of(AGGREGATOR))


def make_entries(mould: HeaderMould, places: Sequence[int]) -> list[MadeEntry]:
    """Clients' signed headers with the measured custodian's wraps; a worker process runs this."""
    return [_make_entry(mould, client_name(place)) for place in places]


def _make_entry(mould: HeaderMould, client: str) -> MadeEntry:
    seeds = deal(COMMITTEE, _SYSTEM)
    nothing = digest("benchmarks/nothing", client.encode())
    masked = nothing if mould.seal == "masking" else b""
    core = CoreHeader(
        study=STUDY,
        round_number=0,
        round_id=mould.round_id,
        client=client,
        seal=mould.seal,
        payload_digest=nothing,
        payload_bytes=mould.payload_bytes,
        seed_commitments=tuple(
            commitment(mould.round_id, client, part, seed) for part, seed in seeds.items()
        ),
        self_commitment=masked,
        pair_table_digest=masked,
    )
    core_bytes = core_header_bytes(core)
    info = wrap_info(STUDY, 0, MEASURED, core_digest(core_bytes))
    wrap = hpke_wrap(
        DEFAULT_WRAP_SUITE, mould.wrap_key, info, encode_seeds(seeds, COMMITTEE.parts_of(0))
    )
    others = (nothing,) * (COMMITTEE.custodians - 1)
    signed = sign(
        Contribution(core, core_bytes, (wrap_digest(wrap), *others)), client, identity_of(client)
    )
    entry = aggregator_pb2.HeaderEntry(contribution=to_wire(signed), wrap=wrap)
    return MadeEntry(signed.digest, entry.SerializeToString())
