"""Everybody in a simulated study: one key pair for each, made once a process, and a manifest.

The vector has a coordinate for every client, and client i contributes 1 there and 0 elsewhere, so
that the aggregate itself shows who was counted, and how often.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache

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
from blindsum_rules.model import Layout, Model, NamedArray, model_digest
from blindsum_rules.signed import Signed

Integers = npt.NDArray[np.int64]

CLIENTS = tuple(f"h{digit}" for digit in "0123456789ab")
CUSTODIANS = ("a", "b", "c", "d", "e", "f", "g")
NOW = 1_800_000_000
DAY = 86_400
ACCEPT_SECONDS = 60
CONTRIBUTE_SECONDS = 600
RELEASE_SECONDS = 300


@dataclass(frozen=True)
class Shape:
    """What differs between simulated studies.

    Attributes:
        seal: The one seal.
        committee: Custodians m, threshold t, quorum.
        clients: How many are enrolled.
        quota: Receipts that end a collection early; 0 for everybody invited.
        moves: Whether a published round changes the model. Where it does not, all rounds are of
            one version, and the rule against differencing binds every one of them.
    """

    seal: str
    committee: tuple[int, int, int] = (4, 2, 3)
    clients: int = 4
    quota: int = 0
    moves: bool = True


@dataclass(frozen=True)
class People:
    """Everybody's private keys, and the manifest that names the public halves."""

    shape: Shape
    identities: Mapping[str, Identity]
    agreement_keys: Mapping[str, AgreementKey]
    wraps: Mapping[str, WrapKey]
    manifest: Signed[Manifest]

    @property
    def study(self) -> Manifest:
        return self.manifest.body

    @property
    def clients(self) -> tuple[str, ...]:
        return CLIENTS[: self.shape.clients]

    @property
    def custodians(self) -> tuple[str, ...]:
        return CUSTODIANS[: self.shape.committee[0]]

    def custodian_ring(self, name: str) -> KeyRing:
        return KeyRing(self.identities[name], wrap_key=self.wraps[name])

    def agreements(self, client: str) -> Agreements:
        """A client's agreements with its peers, made once a process."""
        return _agreements(client, self.shape.clients)

    def one_hot(self, client: str) -> Integers:
        """1 at the client's own coordinate; the last is its weight."""
        values = np.zeros(self.study.vector_length, dtype=np.int64)
        values[self.clients.index(client)] = 1
        values[-1] = int(self.shape.moves)
        return values


@cache
def _identities() -> Mapping[str, Identity]:
    drawn = SeededRandomness(b"the people of the simulation")
    names = ("operator", "aggregator", *CLIENTS, *CUSTODIANS)
    return {name: Identity.generate(drawn) for name in names}


@cache
def _agreement_keys() -> Mapping[str, AgreementKey]:
    drawn = SeededRandomness(b"the agreements of the simulation")
    return {name: AgreementKey.generate(drawn) for name in CLIENTS}


@cache
def _wrap_keys() -> Mapping[str, WrapKey]:
    drawn = SeededRandomness(b"the committee of the simulation")
    # The quicker suite; the hybrid one is held against it in the tests of crypto.
    return {name: WrapKey.generate("x25519", drawn) for name in CUSTODIANS}


@cache
def _agreements(client: str, clients: int) -> Agreements:
    keys = _agreement_keys()
    public = {name: keys[name].public for name in CLIENTS[:clients]}
    return Agreements(client, keys[client], public)


def initial_model(clients: int) -> Model:
    """The first model: a value for every client's coordinate."""
    return np.linspace(-1.0, 1.0, clients, dtype=np.float32)


@cache
def people_of(shape: Shape) -> People:
    """The people of a study, the same keys in every one."""
    _, threshold, quorum = shape.committee
    people = People(
        shape=shape,
        identities=_identities(),
        agreement_keys=_agreement_keys(),
        wraps=_wrap_keys(),
        manifest=Signed(_manifest(shape, threshold, quorum), b"", "operator", b""),
    )
    signed = sign(people.study, "operator", people.identities["operator"])
    return replace(people, manifest=signed)


def _manifest(shape: Shape, threshold: int, quorum: int) -> Manifest:
    identities, wraps, agreements = _identities(), _wrap_keys(), _agreement_keys()
    return Manifest(
        study="simulated",
        purpose="to see who was counted",
        permit="none is needed for invented numbers",
        kind=StudyKind.MODEL,
        seals=(shape.seal,),
        operator=Party("operator", identities["operator"].public),
        officer=None,
        aggregator=Party("aggregator", identities["aggregator"].public),
        clients=tuple(
            EnrolledClient(name, f"house-{name}", identities[name].public, agreements[name].public)
            for name in CLIENTS[: shape.clients]
        ),
        custodians=tuple(
            EnrolledCustodian(name, identities[name].public, wraps[name].suite, wraps[name].public)
            for name in CUSTODIANS[: shape.committee[0]]
        ),
        threshold=threshold,
        quorum=quorum,
        min_cohort=2,
        min_organisations=2,
        codec=Codec(clip_norm=8.0, levels=1 << 6, weight_cap=100, weight_scale=4.0),
        layout=Layout((NamedArray("who", (shape.clients,)),)),
        initial_model_digest=model_digest(initial_model(shape.clients)),
        update_rule="fedavg",
        server_learning_rate=1.0,
        schedule=Schedule(
            max_rounds=60,
            accept_seconds=ACCEPT_SECONDS,
            contribute_seconds=CONTRIBUTE_SECONDS,
            release_seconds=RELEASE_SECONDS,
            pause_seconds=0,
            quota=shape.quota,
        ),
        no_differencing=DifferencingScope.VERSION,
        not_before_unix=NOW - DAY,
        not_after_unix=NOW + 300 * DAY,
    )
