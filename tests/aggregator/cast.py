"""Everybody around the aggregator, played with real keys: operator, clients, custodians."""

# ruff: noqa: ANN401 - `**changes` replaces any field of a frozen value

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from blindsum_aggregator.study import StudyFiles
from blindsum_crypto import domains
from blindsum_crypto.ckks.releasing import CkksCustodianSeal
from blindsum_crypto.ckks.sealing import CkksClientSeal
from blindsum_crypto.custody import (
    CustodySeeds,
    commitment,
    deal,
    decode_seeds,
    encode_seeds,
    wrap_info,
)
from blindsum_crypto.identity import AgreementKey, Identity, WrapKey
from blindsum_crypto.keystore import KeyRing
from blindsum_crypto.primitives import DigestStream, hpke_wrap
from blindsum_crypto.randomness import SeededRandomness, SystemRandomness
from blindsum_protos.convert.contribution import core_header_bytes
from blindsum_protos.convert.signed import sign
from blindsum_rules.codec.parameters import Codec
from blindsum_rules.freeze import Freeze
from blindsum_rules.header import Contribution, CoreHeader, core_digest, wrap_digest
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
from blindsum_rules.model import Layout, NamedArray, model_digest
from blindsum_rules.release import PartRelease, Release
from blindsum_rules.seal_parameters import ckks_parameters
from blindsum_rules.signed import BodyT, CustodianBody, Signed
from blindsum_rules.spec import Spec

NOW = 1_800_000_000
LAYOUT = Layout((NamedArray("weight", (3,)), NamedArray("bias", ())))
INITIAL = np.array([0.5, -0.25, 1.0, 0.0], dtype=np.float32)
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Sent:
    """What one client sends, and the integers that nobody else should see."""

    contribution: Signed[Contribution]
    wraps: tuple[bytes, ...]
    payload: bytes
    values: Integers


@dataclass(frozen=True)
class Cast:
    """The key pairs of a study's parties, and its manifest."""

    identities: Mapping[str, Identity]
    wrap_keys: Mapping[str, WrapKey]
    signed_manifest: Signed[Manifest]

    @property
    def manifest(self) -> Manifest:
        return self.signed_manifest.body

    @property
    def clients(self) -> tuple[str, ...]:
        return tuple(client.name for client in self.manifest.clients)

    @property
    def custodians(self) -> tuple[str, ...]:
        return tuple(custodian.name for custodian in self.manifest.custodians)

    @property
    def files(self) -> StudyFiles:
        return StudyFiles(self.signed_manifest, self.approval, INITIAL)

    @property
    def approval(self) -> Signed[Approval] | None:
        """The privacy officer's, if the manifest names one."""
        officer = self.manifest.officer
        if officer is None:
            return None
        return self.sign(Approval("heart", self.signed_manifest.digest), officer.name)

    @property
    def key_ring(self) -> KeyRing:
        return KeyRing(self.identities["aggregator"])

    def sign(self, body: BodyT, signer: str) -> Signed[BodyT]:
        # What several custodians say is written once and named when it is signed.
        if isinstance(body, CustodianBody) and not body.custodian:
            body = replace(body, custodian=signer)  # type: ignore[type-var] # a dataclass
        return sign(body, signer, self.identities[signer])

    def contribute(self, spec: Signed[Spec], client: str, values: Integers | None = None) -> Sent:
        """Seal, wrap and sign as a client does."""
        body, manifest = spec.body, self.manifest
        vector = vector_of(client) if values is None else values
        seal = CkksClientSeal(
            ckks_parameters(body),
            manifest.committee,
            spec.digest,
            body.vector_length,
            manifest.weighted_codec.coordinate_bound,
        )
        seeds = deal(manifest.committee, SystemRandomness())
        payload = seal.seal(vector, client, seeds, SystemRandomness()).payload
        core = CoreHeader(
            study=body.study,
            round_number=body.round_number,
            round_id=spec.digest,
            client=client,
            seal="ckks",
            payload_digest=payload_digest(payload),
            payload_bytes=len(payload),
            seed_commitments=tuple(
                commitment(spec.digest, client, part, seed) for part, seed in seeds.items()
            ),
        )
        wraps = self._wrap(core, seeds)
        return Sent(self.header(core, wraps), wraps, payload, vector)

    def wraps_for(self, core: CoreHeader, sent: Sent) -> tuple[bytes, ...]:
        """The seeds of something sent, wrapped again for another core header."""
        parts = self.manifest.committee.parts
        seeds: dict[int, bytes] = {}
        for index, custodian in enumerate(self.custodians):
            held = self.manifest.committee.parts_of(index)
            seeds |= decode_seeds(held, self._unwrap(custodian, index, sent))
        assert set(seeds) == set(parts)
        return self._wrap(core, CustodySeeds(seeds))

    def _wrap(self, core: CoreHeader, seeds: CustodySeeds) -> tuple[bytes, ...]:
        bound_to = core_digest(core_header_bytes(core))
        return tuple(
            hpke_wrap(
                "x25519",
                custodian.wrap_key,
                wrap_info(core.study, 0, custodian.name, bound_to),
                encode_seeds(seeds, self.manifest.committee.parts_of(index)),
            )
            for index, custodian in enumerate(self.manifest.custodians)
        )

    def header(self, core: CoreHeader, wraps: Sequence[bytes]) -> Signed[Contribution]:
        digests = tuple(wrap_digest(wrap) for wrap in wraps)
        contribution = Contribution(core, core_header_bytes(core), digests)
        return self.sign(contribution, core.client)

    def release(
        self, spec: Signed[Spec], freeze: Signed[Freeze], custodian: str, sent: Mapping[str, Sent]
    ) -> Release:
        """A custodian's parts for the frozen set, from the wraps that it was given."""
        index = self.manifest.custodian_index(custodian)
        parts = self.manifest.committee.parts_of(index)
        seal = CkksCustodianSeal(ckks_parameters(spec.body), spec.digest)
        seeds = {
            client: decode_seeds(parts, self._unwrap(custodian, index, sent[client]))
            for client in freeze.body.clients
        }
        return Release(
            study=spec.body.study,
            round_number=spec.body.round_number,
            round_id=spec.digest,
            freeze_digest=freeze.digest,
            page=0,
            parts=tuple(
                PartRelease(
                    part, seal.release(part, [(name, one[part]) for name, one in seeds.items()], [])
                )
                for part in parts
            ),
            custodian=custodian,
        )

    def _unwrap(self, custodian: str, index: int, sent: Sent) -> bytes:
        bound_to = core_digest(sent.contribution.body.core_bytes)
        info = wrap_info(self.manifest.study, 0, custodian, bound_to)
        return self.wrap_keys[custodian].unwrap(info, sent.wraps[index])


def payload_digest(payload: bytes) -> bytes:
    stream = DigestStream(domains.PAYLOAD)
    stream.update(payload)
    return stream.digest()


def vector_of(client: str) -> Integers:
    """Integers of a client: small, and different for each."""
    seed = sum(client.encode())
    return np.array([seed % 97, -(seed % 31), seed % 7, -3, 40], dtype=np.int64)


def build_cast(
    custodians: int = 4, threshold: int = 2, quorum: int = 3, clients: int = 5, **changes: Any
) -> Cast:
    """A study with fresh keys; `changes` replaces fields of its manifest."""
    drawn = SeededRandomness(b"the cast of the aggregator's tests")
    width = len(str(clients - 1))  # A manifest lists its clients in byte order.
    roster = [f"client-{index:0{width}}" for index in range(clients)]
    committee = [f"custodian-{index}" for index in range(custodians)]
    names = ["aggregator", "operator", *roster, *committee, "officer"]
    identities = {name: Identity.generate(drawn) for name in names}
    wrap_keys = {name: WrapKey.generate("x25519", drawn) for name in committee}
    manifest = Manifest(
        study="heart",
        purpose="to hold the aggregator against",
        permit="none is needed for invented numbers",
        kind=StudyKind.MODEL,
        seals=("ckks",),
        operator=Party("operator", identities["operator"].public),
        officer=None,
        aggregator=Party("aggregator", identities["aggregator"].public),
        clients=tuple(
            EnrolledClient(
                name,
                f"hospital-{name}",
                identities[name].public,
                AgreementKey.generate(drawn).public,
            )
            for name in roster
        ),
        custodians=tuple(
            EnrolledCustodian(name, identities[name].public, key.suite, key.public)
            for name, key in wrap_keys.items()
        ),
        threshold=threshold,
        quorum=quorum,
        min_cohort=2,
        min_organisations=2,
        codec=Codec(clip_norm=8.0, levels=1 << 10, weight_cap=100, weight_scale=4.0),
        layout=LAYOUT,
        initial_model_digest=model_digest(INITIAL),
        update_rule="fedavg",
        server_learning_rate=1.0,
        schedule=Schedule(
            max_rounds=6,
            accept_seconds=60,
            contribute_seconds=600,
            release_seconds=300,
            pause_seconds=0,
            quota=0,
        ),
        no_differencing=DifferencingScope.VERSION,
        not_before_unix=NOW - 1000,
        not_after_unix=NOW + 1_000_000,
    )
    signed = sign(replace(manifest, **changes), "operator", identities["operator"])
    return Cast(identities, wrap_keys, signed)
