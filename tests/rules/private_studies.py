"""Whole manifests of private studies, drawn at random, and a round of one through a seal."""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st
from tests.rules.conftest import SmallStudy, build_study

from blindsum_aggregator.seals import aggregator_seal
from blindsum_client.seals import client_seal
from blindsum_crypto.custody import deal
from blindsum_crypto.identity import AgreementKey
from blindsum_crypto.masking.pairs import Agreements
from blindsum_crypto.randomness import SeededRandomness
from blindsum_crypto.seal import SealedMember
from blindsum_custodian.seals import custodian_seal
from blindsum_rules.manifest import Manifest
from blindsum_rules.model import Layout, NamedArray
from blindsum_rules.privacy.guarantee import Relation, Unit
from blindsum_rules.privacy.noise import Mechanism
from blindsum_rules.signed import Signed
from blindsum_rules.spec import Spec
from blindsum_rules.study_privacy import with_privacy
from blindsum_rules.study_tables import PrivacyTable

Integers = npt.NDArray[np.int64]


@st.composite
def private_manifests(draw: st.DrawFn, largest_layout: int = 5_000) -> Manifest:
    """Rosters, organisations, floors, layouts, units and noise, and a policy derived for them.

    Two honest shares or more are left in the smallest sum, which discrete Gaussians need too.
    """
    clients = draw(st.integers(4, 9))
    body = build_study(4, 2, 3, clients).body
    owners = [0, 1, 2, 3, *(draw(st.integers(0, 3)) for _ in range(clients - 4))]
    enrolled = tuple(
        replace(client, organisation=f"organisation-{owner}")
        for client, owner in zip(body.clients, draw(st.permutations(owners)), strict=True)
    )
    held_most = max(Counter(owners).values())
    min_cohort = draw(st.integers(min(clients, held_most + 2), clients))
    unit = draw(st.sampled_from(Unit))
    rounds = draw(st.integers(1, 50))
    relation = draw(st.sampled_from(Relation))
    # So much that every delta holds: an epsilon of about 14 over all rounds, at the most.
    least = math.sqrt(rounds) * (2 if relation is Relation.REPLACE_ONE else 1)
    wish = PrivacyTable(
        unit=unit,
        noise_multiplier=least * draw(st.floats(0.7, 8)),
        delta=draw(st.sampled_from([1e-3, 1e-5, 1e-8])),
        planned_rounds=rounds,
        clip_norm=draw(st.floats(1e-3, 1e3)),
        units_per_client=1 if unit is Unit.CLIENT else draw(st.integers(1, 100_000)),
        reference_units=draw(st.integers(1, 10_000)),
        mechanism=draw(st.sampled_from(Mechanism)),
        relation=relation,
        allow_few_clients=True,
    )
    manifest = replace(
        body,
        seals=(draw(st.sampled_from(["ckks", "masking"])),),
        clients=enrolled,
        min_cohort=min_cohort,
        min_organisations=3,
        codec=None,
        layout=Layout((NamedArray("weights", (draw(st.integers(1, largest_layout)),)),)),
        schedule=replace(body.schedule, max_rounds=rounds + draw(st.integers(0, 5))),
    )
    return with_privacy(manifest, wish)


@dataclass(frozen=True)
class SealedStudy:
    """A study whose clients hold their agreement keys, so that its rounds can be sealed."""

    study: SmallStudy
    agreements: Mapping[str, Agreements]

    @classmethod
    def of(cls, manifest: Manifest) -> "SealedStudy":
        drawn = SeededRandomness(b"keys of a private study")
        keys = {client.name: AgreementKey.generate(drawn) for client in manifest.clients}
        public = {name: key.public for name, key in keys.items()}
        enrolled = tuple(
            replace(client, agreement_key=public[client.name]) for client in manifest.clients
        )
        study = build_study(4, 2, 3, len(enrolled))
        signed = study.sign(replace(manifest, clients=enrolled), "operator")
        return cls(
            replace(study, manifest=signed),
            {name: Agreements(name, key, public) for name, key in keys.items()},
        )

    def spec(self, cohort: tuple[str, ...]) -> Signed[Spec]:
        return self.study.spec(cohort=cohort)

    def opened(self, spec: Signed[Spec], vectors: Mapping[str, Integers]) -> Integers:
        """These members of the cohort seal, the aggregator adds, the custodians release."""
        drawn, body = SeededRandomness(spec.digest), self.study.body
        seeds = {name: deal(body.committee, drawn) for name in spec.body.cohort}
        opener, custodian = aggregator_seal(spec, body), custodian_seal(spec)
        total, members = opener.zero(), []
        for name, values in vectors.items():
            seal = client_seal(spec, body, self.agreements[name])
            sealed = seal.seal(values, name, seeds[name], drawn)
            members.append(SealedMember(name, sealed.self_commitment, sealed.pair_table))
            for index, start in enumerate(range(0, len(sealed.payload), opener.chunk_bytes)):
                opener.add(total, index, sealed.payload[start : start + opener.chunk_bytes])
        absent = [name for name in spec.body.cohort if name not in vectors]
        parts = {
            part: custodian.release(part, ((name, seeds[name][part]) for name in vectors), absent)
            for part in body.committee.parts
        }
        return opener.open(total, members, parts)
