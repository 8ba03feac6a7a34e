"""A small study with real keys: four hospitals, a committee, and the numbers they send."""

# ruff: noqa: ANN401

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from blindsum_crypto.identity import AgreementKey, Identity, WrapKey
from blindsum_crypto.keystore import KeyRing
from blindsum_crypto.masking.pairs import Agreements
from blindsum_crypto.randomness import SeededRandomness
from blindsum_protos.convert.signed import sign
from blindsum_rules.codec.parameters import Codec
from blindsum_rules.manifest import (
    DifferencingScope,
    EnrolledClient,
    EnrolledCustodian,
    Manifest,
    Party,
    Schedule,
    StudyKind,
)
from blindsum_rules.model import (
    Layout,
    NamedArray,
    model_digest,
)
from blindsum_rules.signed import BodyT, CustodianBody, Signed

NOW = 1_800_000_000
DAY = 86_400
CLIENTS = ("cleveland", "hungary", "switzerland", "va-long-beach")
LAYOUT = Layout((NamedArray("weight", (3, 2)), NamedArray("bias", (2,))))
PASSPHRASE = b"a passphrase of tests"


@dataclass(frozen=True)
class People:
    """The key pairs of everybody in the study."""

    identities: Mapping[str, Identity]
    agreements: Mapping[str, AgreementKey]
    wraps: Mapping[str, WrapKey]

    def key_ring(self, client: str) -> KeyRing:
        return KeyRing(self.identities[client], agreement_key=self.agreements[client])

    def agreements_of(self, client: str) -> Agreements:
        public = {name: key.public for name, key in self.agreements.items()}
        return Agreements(client, self.agreements[client], public)

    def sign(self, body: BodyT, signer: str) -> Signed[BodyT]:
        # What several custodians say is written once and named when it is signed.
        if isinstance(body, CustodianBody) and not body.custodian:
            body = replace(body, custodian=signer)  # type: ignore[type-var] # a dataclass
        return sign(body, signer, self.identities[signer])


def build_people(custodians: int) -> People:
    drawn = SeededRandomness(b"the people of the client's tests")
    committee = [f"custodian-{index}" for index in range(custodians)]
    names = ["aggregator", "operator", *CLIENTS, *committee]
    return People(
        identities={name: Identity.generate(drawn) for name in names},
        agreements={name: AgreementKey.generate(drawn) for name in CLIENTS},
        wraps={name: WrapKey.generate("x25519", drawn) for name in committee},
    )


def initial_arrays() -> dict[str, npt.NDArray[np.float32]]:
    weight = np.array([[-1.0, -0.5], [-0.25, 0.25], [0.5, 1.0]], dtype=np.float32)
    return {"weight": weight, "bias": np.array([0.25, -0.5], dtype=np.float32)}


def build_manifest(people: People, threshold: int, quorum: int, **changes: Any) -> Manifest:
    initial = LAYOUT.flatten(initial_arrays()).astype(np.float32)
    manifest = Manifest(
        study="heart",
        purpose="to hold the client against",
        permit="none is needed for invented numbers",
        kind=StudyKind.MODEL,
        seals=("ckks",),
        operator=Party("operator", people.identities["operator"].public),
        officer=None,
        aggregator=Party("aggregator", people.identities["aggregator"].public),
        clients=tuple(
            EnrolledClient(
                name,
                f"hospital-{name}",
                people.identities[name].public,
                people.agreements[name].public,
            )
            for name in CLIENTS
        ),
        custodians=tuple(
            EnrolledCustodian(name, people.identities[name].public, key.suite, key.public)
            for name, key in people.wraps.items()
        ),
        threshold=threshold,
        quorum=quorum,
        min_cohort=3,
        min_organisations=2,
        codec=Codec(clip_norm=8.0, levels=1 << 14, weight_cap=1000, weight_scale=4.0),
        layout=LAYOUT,
        initial_model_digest=model_digest(initial),
        update_rule="fedavg",
        server_learning_rate=1.0,
        schedule=Schedule(
            max_rounds=8,
            accept_seconds=60,
            contribute_seconds=600,
            release_seconds=300,
            pause_seconds=0,
            quota=0,
        ),
        no_differencing=DifferencingScope.VERSION,
        not_before_unix=NOW - DAY,
        not_after_unix=NOW + 30 * DAY,
    )
    return replace(manifest, **changes)


def vector(seed: int, records: int = 500) -> npt.NDArray[np.int64]:
    """Integers as a client of the study could send them, the weight last."""
    values = (np.arange(LAYOUT.size, dtype=np.int64) * 37 + seed * 101) % 2000 - 1000
    return np.append(values, np.int64(4000 * records // 1000))


def peers(but: str = "cleveland") -> dict[str, npt.NDArray[np.int64]]:
    """What the other clients send."""
    return {name: vector(seed) for seed, name in enumerate(CLIENTS) if name != but}
