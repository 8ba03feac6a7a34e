"""Everybody in a study under attack: real keys, and a manifest that the operator signed."""

# `**changes` replaces any field of a frozen value; its type is that field's.
# ruff: noqa: ANN401

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np

from blindsum_crypto.identity import AgreementKey, Identity, WrapKey
from blindsum_crypto.keystore import KeyRing
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
from blindsum_rules.model import Layout, Model, NamedArray, model_digest
from blindsum_rules.signed import BodyT, CustodianBody, Signed

NOW = 1_800_000_000
DAY = 86_400
LAYOUT = Layout((NamedArray("weight", (3, 2)), NamedArray("bias", ())))


@dataclass(frozen=True)
class Keys:
    """Everybody's private keys; the tests play whom they like."""

    identities: Mapping[str, Identity]
    agreements: Mapping[str, AgreementKey]
    wraps: Mapping[str, WrapKey]


@dataclass(frozen=True)
class People:
    """The keys, and the manifest that names their public halves."""

    keys: Keys
    manifest: Signed[Manifest]

    @property
    def study(self) -> Manifest:
        return self.manifest.body

    @property
    def clients(self) -> tuple[str, ...]:
        return tuple(client.name for client in self.study.clients)

    @property
    def custodians(self) -> tuple[str, ...]:
        return tuple(custodian.name for custodian in self.study.custodians)

    def sign(self, body: BodyT, signer: str) -> Signed[BodyT]:
        # What several custodians say is written once and named when it is signed.
        if isinstance(body, CustodianBody) and not body.custodian:
            body = replace(body, custodian=signer)  # type: ignore[type-var] # a dataclass
        return sign(body, signer, self.keys.identities[signer])

    def with_manifest(self, **changes: Any) -> "People":
        """The same people under a changed manifest: another study, with a new signature."""
        return replace(self, manifest=self.sign(replace(self.study, **changes), "operator"))

    def key_ring(self, name: str) -> KeyRing:
        return KeyRing(
            self.keys.identities[name],
            agreement_key=self.keys.agreements.get(name),
            wrap_key=self.keys.wraps.get(name),
        )


@cache
def keys_of(custodians: int, clients: int) -> Keys:
    """Keys that are the same in every run, so that two studies can share their people."""
    drawn = SeededRandomness(b"people under attack")
    client_names = [client_name(index) for index in range(clients)]
    custodian_names = [f"custodian-{index}" for index in range(custodians)]
    everybody = ["operator", "officer", "aggregator", *custodian_names, *client_names]
    return Keys(
        identities={name: Identity.generate(drawn) for name in everybody},
        agreements={name: AgreementKey.generate(drawn) for name in client_names},
        # The quicker suite; the hybrid one is held against it in the tests of crypto.
        wraps={name: WrapKey.generate("x25519", drawn) for name in custodian_names},
    )


def client_name(index: int) -> str:
    return f"client-{index:02}"


def initial_model(layout: Layout) -> Model:
    """The first model of a layout, the same in every run."""
    return np.linspace(-1.0, 1.0, layout.size, dtype=np.float32)


def found(
    committee: tuple[int, int, int] = (4, 2, 3),
    clients: int = 6,
    seal: str = "ckks",
    organisations: Sequence[str] | None = None,
    **changes: Any,
) -> People:
    """Found a study.

    Args:
        committee: Custodians m, threshold t, quorum.
        clients: How many are enrolled.
        seal: The one seal that the manifest allows.
        organisations: Whose each client is, in order; by default everybody has their own.
        changes: Fields of the manifest to replace, `min_cohort` (3) and `layout` among them.
    """
    custodians, threshold, quorum = committee
    keys = keys_of(custodians, clients)
    houses = organisations or [f"organisation-{index:02}" for index in range(clients)]
    layout = changes.get("layout", LAYOUT)
    manifest = Manifest(
        study="small-study",
        purpose="to be attacked",
        permit="none is needed for invented numbers",
        kind=StudyKind.MODEL,
        seals=(seal,),
        operator=Party("operator", keys.identities["operator"].public),
        officer=None,
        aggregator=Party("aggregator", keys.identities["aggregator"].public),
        clients=tuple(
            EnrolledClient(name, house, keys.identities[name].public, agreement.public)
            for house, (name, agreement) in zip(houses, keys.agreements.items(), strict=True)
        ),
        custodians=tuple(
            EnrolledCustodian(name, keys.identities[name].public, key.suite, key.public)
            for name, key in keys.wraps.items()
        ),
        threshold=threshold,
        quorum=quorum,
        min_cohort=3,
        min_organisations=2,
        codec=Codec(clip_norm=8.0, levels=1 << 14, weight_cap=1000, weight_scale=4.0),
        layout=layout,
        initial_model_digest=model_digest(initial_model(layout)),
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
    unsigned = Signed(manifest, b"", "operator", b"")
    return People(keys, unsigned).with_manifest(**changes)
