"""A small study and everybody's keys, and the contributions that its clients hand in."""

# `**changes` replaces any field of a frozen value; its type is that field's.
# ruff: noqa: ANN401

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import pytest

from blindsum_crypto.custody import CustodySeeds, commitment, deal, encode_seeds, wrap_info
from blindsum_crypto.identity import AgreementKey, Identity, WrapKey
from blindsum_crypto.primitives import WrapSuite, digest, hpke_wrap
from blindsum_crypto.randomness import Randomness, SeededRandomness
from blindsum_protos.convert.contribution import core_header_bytes
from blindsum_protos.convert.signed import sign
from blindsum_rules.codec.parameters import Codec
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
from blindsum_rules.signed import BodyT, CustodianBody, Signed
from blindsum_rules.spec import Spec

NOW = 1_800_000_000


def _mark(*words: object) -> bytes:
    """32 bytes that stand for something that these tests never open."""
    return digest("blindsum/test", *(str(word).encode() for word in words))


@dataclass(frozen=True)
class Submission:
    """What a client hands to the aggregator, and the seeds that only the test may know."""

    contribution: Signed[Contribution]
    wraps: tuple[bytes, ...]
    seeds: CustodySeeds

    @property
    def client(self) -> str:
        return self.contribution.body.core.client


@dataclass(frozen=True)
class People:
    """Everybody's keys, and the manifest that operator and officer signed."""

    identities: Mapping[str, Identity]
    wrap_keys: Mapping[str, WrapKey]
    manifest: Signed[Manifest]

    @staticmethod
    def mark(*words: object) -> bytes:
        """32 bytes that stand for something that these tests never open."""
        return _mark(*words)

    def sign(self, body: BodyT, signer: str) -> Signed[BodyT]:
        # What several custodians say is written once and named when it is signed.
        if isinstance(body, CustodianBody) and not body.custodian:
            body = replace(body, custodian=signer)  # type: ignore[type-var] # a dataclass
        return sign(body, signer, self.identities[signer])

    def with_manifest(self, **changes: Any) -> "People":
        changed = replace(self.manifest.body, **changes)
        return replace(self, manifest=self.sign(changed, "operator"))

    def submission(
        self,
        spec: Signed[Spec],
        client: str,
        drawn: Randomness,
        signer: str | None = None,
        **changes: Any,
    ) -> Submission:
        """A client's header with fresh seeds and wraps; changes are made to the core header."""
        assert spec.body.parameters is not None
        committee = self.manifest.body.committee
        seeds = deal(committee, drawn)
        core = CoreHeader(
            study=spec.body.study,
            round_number=spec.body.round_number,
            round_id=spec.digest,
            client=client,
            seal="ckks",
            payload_digest=self.mark("payload", client),
            payload_bytes=spec.body.parameters.payload_bytes(spec.body.vector_length),
            seed_commitments=tuple(
                commitment(spec.digest, client, part, seed) for part, seed in seeds.items()
            ),
        )
        core_bytes = core_header_bytes(replace(core, **changes))
        wraps = tuple(
            hpke_wrap(
                self.wrap_keys[name].suite,
                self.wrap_keys[name].public,
                wrap_info(spec.body.study, spec.body.epoch, name, core_digest(core_bytes)),
                encode_seeds(seeds, committee.parts_of(index)),
            )
            for index, name in enumerate(self.wrap_keys)
        )
        body = Contribution(
            core=replace(core, **changes),
            core_bytes=core_bytes,
            wrap_digests=tuple(wrap_digest(wrap) for wrap in wraps),
        )
        return Submission(self.sign(body, signer or client), wraps, seeds)


@cache
def found_study(custodians: int, threshold: int, quorum: int, clients: int) -> People:
    """A valid study; its keys are the same in every run."""
    drawn = SeededRandomness(b"the custodians' study")
    digits = max(2, len(str(clients - 1)))
    client_names = [f"client-{index:0{digits}}" for index in range(clients)]
    custodian_names = [f"custodian-{index}" for index in range(custodians)]
    everybody = ["operator", "officer", "aggregator", *client_names, *custodian_names]
    identities = {name: Identity.generate(drawn) for name in everybody}
    # One hybrid wrap key shows that the suite is the manifest's choice; the others are quicker.
    quick: list[WrapSuite] = ["x25519"] * (custodians - 1)
    suites: list[WrapSuite] = ["mlkem768x25519", *quick]
    wrap_keys = {
        name: WrapKey.generate(suite, drawn)
        for name, suite in zip(custodian_names, suites, strict=True)
    }
    manifest = Manifest(
        study="small-study",
        purpose="to hold the custodians against",
        permit="none is needed for invented numbers",
        kind=StudyKind.MODEL,
        seals=("ckks",),
        operator=Party("operator", identities["operator"].public),
        officer=Party("officer", identities["officer"].public),
        aggregator=Party("aggregator", identities["aggregator"].public),
        clients=tuple(
            EnrolledClient(
                name,
                f"organisation-{name.removeprefix('client-')}",
                identities[name].public,
                AgreementKey.generate(drawn).public,
            )
            for name in client_names
        ),
        custodians=tuple(
            EnrolledCustodian(
                name, identities[name].public, wrap_keys[name].suite, wrap_keys[name].public
            )
            for name in custodian_names
        ),
        threshold=threshold,
        quorum=quorum,
        min_cohort=3,
        min_organisations=2,
        codec=Codec(clip_norm=1.0, levels=4096, weight_cap=100, weight_scale=0.5),
        layout=Layout((NamedArray("weight", (3, 2)), NamedArray("bias", ()))),
        initial_model_digest=_mark("model", 0),
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
        not_before_unix=NOW - 86_400,
        not_after_unix=NOW + 30 * 86_400,
    )
    unsigned = Signed(manifest, b"", "operator", b"")
    return People(identities, wrap_keys, unsigned).with_manifest()


@pytest.fixture(scope="session")
def found() -> Callable[[int, int, int, int], People]:
    """A study by (custodians, threshold, quorum, clients)."""
    return found_study
