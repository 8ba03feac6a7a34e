"""Small studies: keys, a signed manifest, and what is sealed, summed, released in a round."""

# A body may be of any kind, and `**changes` replaces any field of the manifest.
# ruff: noqa: ANN401

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from blindsum_crypto import domains
from blindsum_crypto.ckks.opening import CkksAggregatorSeal
from blindsum_crypto.ckks.parameters import CkksParameters
from blindsum_crypto.ckks.releasing import CkksCustodianSeal
from blindsum_crypto.ckks.sealing import CkksClientSeal
from blindsum_crypto.custody import Committee, CustodySeeds, commitment, deal
from blindsum_crypto.identity import AgreementKey, Identity, WrapKey
from blindsum_crypto.primitives import DigestStream, digest
from blindsum_crypto.randomness import SeededRandomness
from blindsum_crypto.seal import SealedMember
from blindsum_protos.convert.contribution import core_header_bytes
from blindsum_protos.convert.exception import exception_file_to_bytes
from blindsum_protos.convert.signed import sign
from blindsum_rules.codec.encoding import encode
from blindsum_rules.codec.parameters import Codec
from blindsum_rules.codec.units import encode_units
from blindsum_rules.exception import DifferencingException
from blindsum_rules.freeze import Freeze, LeftOut, Member
from blindsum_rules.freeze_checks import freeze_root
from blindsum_rules.header import Contribution, CoreHeader
from blindsum_rules.manifest import (
    Approval,
    DifferencingScope,
    EnrolledClient,
    EnrolledCustodian,
    Manifest,
    Party,
    Schedule,
    StudyKind,
)
from blindsum_rules.model import Layout, Model, NamedArray, model_digest
from blindsum_rules.privacy.study_plan import study_codec
from blindsum_rules.release import PartRelease
from blindsum_rules.seal_parameters import ckks_parameters
from blindsum_rules.signed import CustodianBody, Signed
from blindsum_rules.spec import Spec
from blindsum_rules.sum_bounds import SumBounds, sum_bounds

START = 1_800_000_000
CLIENTS = ("cleveland", "hungary", "switzerland", "va-long-beach")
CUSTODIANS = ("custodian-a", "custodian-b", "custodian-c", "custodian-d")


@dataclass(frozen=True)
class Plan:
    """What happens in one round; the defaults are an honest round of everybody.

    `cohort` None is the whole roster, `sends` None the whole cohort. `left_out` are named by the
    freeze as such, `hidden` are not named at all. The fields of `spec` and `certificate` are what
    the aggregator puts otherwise before it signs; `sum_bytes`, `opened` and `next` change what it
    publishes; `denies`, `silent`, `releases` and `closes_with` are the custodians' doing.
    """

    cohort: tuple[str, ...] | None = None
    sends: tuple[str, ...] | None = None
    left_out: tuple[str, ...] = ()
    left_out_by: str = "not-admitted"
    hidden: tuple[str, ...] = ()
    freezes: bool = True
    aborts_by: str = ""
    exception: bool = False
    spec: Mapping[str, Any] = field(default_factory=dict)
    certificate: Mapping[str, Any] = field(default_factory=dict)
    sum_bytes: Callable[[bytes], bytes] = bytes
    opened: Callable[[Any], Any] = np.copy
    next: Callable[[Any], Any] = np.copy
    denies: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    silent: tuple[str, ...] = ()
    acceptors: int = 4
    endorsers: int = 4
    closers: int = 4
    releases: Callable[[str, bytes], bytes] = lambda _, share: share
    closes_with: Callable[[str, bytes], bytes] = lambda _, named: named


@dataclass(frozen=True)
class Founding:
    """A study of four clients and four custodians (t = 2, quorum 3) before its first round."""

    keys: Mapping[str, Identity]
    manifest: Signed[Manifest]
    approval: Signed[Approval] | None
    initial_model: Model
    start_unix: int = START

    def sign(self, body: Any, signer: str) -> Signed[Any]:
        # What several custodians say is written once and named when it is signed.
        if isinstance(body, CustodianBody) and not body.custodian:
            body = replace(body, custodian=signer)  # type: ignore[type-var] # a dataclass
        return sign(body, signer, self.keys[signer])

    def plan(self, **fields: Any) -> Plan:
        return Plan(**fields)

    def seal_of(self, spec: Signed[Spec]) -> "SealedRound":
        """The seal of a round that begins; seeds and errors repeat from run to run."""
        return SealedRound(spec, self.manifest.body, SeededRandomness(spec.digest))

    def by_all(self, body: Any, signers: tuple[str, ...] = CUSTODIANS) -> tuple[Signed[Any], ...]:
        return tuple(self.sign(body, signer) for signer in signers)

    def freeze(
        self,
        place: tuple[str, int, bytes],
        received: list[tuple[str, bytes]],
        left_out: tuple[str, ...],
        rule: str,
    ) -> Signed[Freeze]:
        """The aggregator's freeze of what was received, by study, round number and round id."""
        members = tuple(Member(*one) for one in received if one[0] not in left_out)
        others = tuple(LeftOut(*one, rule) for one in received if one[0] in left_out)
        return self.sign(Freeze(*place, members, freeze_root(members), others), "aggregator")

    def exception(self, number: int, version: int, clients: list[str]) -> tuple[bytes, bytes]:
        """An exception of operator and officer: its digest, its file."""
        study = self.manifest.body.study
        digest = self.manifest.digest
        body = DifferencingException(study, number, version, tuple(clients), "Asked for.", digest)
        operator, officer = self.by_all(body, ("operator", "officer"))
        return operator.digest, exception_file_to_bytes(operator, officer)


@dataclass
class SealedRound:
    """The seal of one round, by all roles: what is sealed, summed, released and opened."""

    spec: Signed[Spec]
    manifest: Manifest
    randomness: SeededRandomness
    seeds: dict[str, CustodySeeds] = field(default_factory=dict)
    payloads: dict[str, bytes] = field(default_factory=dict)

    @property
    def _parameters(self) -> CkksParameters:
        return ckks_parameters(self.spec.body)

    @property
    def _bounds(self) -> SumBounds:
        return sum_bounds(self.manifest, len(self.spec.body.cohort))

    @property
    def _sealing(self) -> tuple[CkksParameters, Committee, bytes, int, int]:
        length = self.manifest.vector_length
        place = self._parameters, self.manifest.committee, self.spec.digest, length
        return *place, self._bounds.coordinate

    @cached_property
    def aggregator(self) -> CkksAggregatorSeal:
        return CkksAggregatorSeal(*self._sealing, self._bounds.round)

    def integers(self, client: str) -> npt.NDArray[np.int64]:
        """What the client has to say: one update, or two units and its noise."""
        travelling = self.manifest.vector_length - (1 if self.manifest.privacy is None else 0)
        update = np.cos(np.arange(travelling) + len(client) + self.spec.body.round_number)
        if self.manifest.privacy is None:
            return encode(update, 50, self.manifest.weighted_codec, self.randomness)
        codec = study_codec(self.manifest, self.manifest.privacy.clip_norm)
        return encode_units([np.stack([update, -2 * update])], codec, self.randomness)[0]

    def contribute(self, client: str) -> Contribution:
        """The client's header; its payload and seeds are kept here."""
        seeds = self.seeds[client] = deal(self.manifest.committee, self.randomness)
        integers = self.integers(client)
        seal = CkksClientSeal(*self._sealing)
        payload = seal.seal(integers, client, seeds, self.randomness).payload
        self.payloads[client] = payload
        stream = DigestStream(domains.PAYLOAD)
        stream.update(payload)
        committed = tuple(commitment(self.spec.digest, client, *pair) for pair in seeds.items())
        core = CoreHeader(
            self.manifest.study,
            self.spec.body.round_number,
            self.spec.digest,
            client,
            "ckks",
            stream.digest(),
            len(payload),
            committed,
        )
        # No custodian unwraps here, so the digest of a wrap stands for a wrap.
        wraps = tuple(digest(domains.WRAP, client.encode(), bytes([n])) for n in range(4))
        return Contribution(core, core_header_bytes(core), wraps)

    def sum_of(self, clients: Iterable[str]) -> bytes:
        """The packed sealed sum of these clients."""
        seal, accumulator = self.aggregator, self.aggregator.zero()
        for client in clients:
            for index, chunk in enumerate(self.chunks(self.payloads[client])):
                seal.add(accumulator, index, chunk)
        return b"".join(seal.sealed_chunks(accumulator))

    def chunks(self, packed: bytes) -> list[bytes]:
        size = self.aggregator.chunk_bytes
        return [packed[start : start + size] for start in range(0, len(packed), size)]

    def release(self, custodian: str, clients: Iterable[str]) -> tuple[PartRelease, ...]:
        """What the custodian gives for the parts that it holds."""
        seal, members = CkksCustodianSeal(self._parameters, self.spec.digest), tuple(clients)
        return tuple(
            PartRelease(
                part, seal.release(part, [(one, self.seeds[one][part]) for one in members], [])
            )
            for part in self.manifest.committee.parts_of(self.manifest.custodian_index(custodian))
        )

    def open(
        self, packed: bytes, members: int, parts: Mapping[int, bytes]
    ) -> npt.NDArray[np.int64]:
        return self.aggregator.open(
            self.aggregator.load_sum(packed), [SealedMember("")] * members, parts
        )


def _manifest(
    keys: Mapping[str, Identity], initial_model: Model, randomness: SeededRandomness
) -> Manifest:
    def party(name: str) -> Party:
        return Party(name, keys[name].public)

    def client(name: str) -> EnrolledClient:
        agreement_key = AgreementKey.generate(randomness).public
        return EnrolledClient(name, f"org-{name}", keys[name].public, agreement_key)

    def custodian(name: str) -> EnrolledCustodian:
        wrap_key = WrapKey.generate("x25519", randomness).public
        return EnrolledCustodian(name, keys[name].public, "x25519", wrap_key)

    return Manifest(
        study="heart",
        purpose="Learn who is ill.",
        permit="None needed: public data.",
        kind=StudyKind.MODEL,
        seals=("ckks",),
        operator=party("operator"),
        officer=None,
        aggregator=party("aggregator"),
        clients=tuple(client(name) for name in CLIENTS),
        custodians=tuple(custodian(name) for name in CUSTODIANS),
        threshold=2,
        quorum=3,
        min_cohort=2,
        min_organisations=2,
        codec=Codec(clip_norm=1.0, levels=1 << 12, weight_cap=100, weight_scale=1.0),
        layout=Layout((NamedArray("weight", (3, 3)), NamedArray("bias", ()))),
        initial_model_digest=model_digest(initial_model),
        update_rule="fedavg",
        server_learning_rate=1.0,
        schedule=Schedule(10, 60, 600, 600, 0, 0),
        no_differencing=DifferencingScope.VERSION,
        not_before_unix=START - 1_000,
        not_after_unix=START + 1_000_000,
    )


@pytest.fixture(scope="session")
def found() -> Callable[..., Founding]:
    """Found a study: `found(with_officer=True, min_cohort=3)`."""

    def founding(*, with_officer: bool = False, **changes: Any) -> Founding:
        randomness = SeededRandomness(b"founding")
        names = ("operator", "officer", "aggregator", *CLIENTS, *CUSTODIANS)
        keys = {name: Identity.generate(randomness) for name in names}
        initial_model = np.linspace(-0.5, 0.5, 10, dtype=np.float32)
        manifest = _manifest(keys, initial_model, randomness)
        if with_officer:
            changes["officer"] = Party("officer", keys["officer"].public)
        signed = sign(replace(manifest, **changes), "operator", keys["operator"])
        approval = None
        if with_officer:
            body = Approval(manifest.study, signed.digest)
            approval = sign(body, "officer", keys["officer"])
        return Founding(keys, signed, approval, initial_model)

    return founding
