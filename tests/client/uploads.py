"""What the stage holds of a round: spec, uploads, and how it ended."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from tests.client.people import People

from blindsum_aggregator.seals import aggregator_seal
from blindsum_crypto import custody
from blindsum_crypto.custody import CustodySeeds
from blindsum_crypto.seal import SealedMember
from blindsum_custodian.seals import custodian_seal
from blindsum_rules.acceptance import Acceptance
from blindsum_rules.aggregate import Aggregate
from blindsum_rules.certificate import Abort, Certificate
from blindsum_rules.close import Close
from blindsum_rules.endorsement import Endorsement
from blindsum_rules.freeze import Freeze
from blindsum_rules.header import Contribution, core_digest
from blindsum_rules.manifest import Manifest
from blindsum_rules.model import (
    Model,
)
from blindsum_rules.receipt import Receipt
from blindsum_rules.signed import Signed
from blindsum_rules.spec import Spec


@dataclass
class StoredUpload:
    """One contribution as the stage's aggregator holds it."""

    contribution: Signed[Contribution]
    wraps: tuple[bytes, ...]
    payload: bytearray
    pair_table: bytes
    receipt: Signed[Receipt] | None = None


@dataclass
class StagedRound:
    """One round of the stage."""

    spec: Signed[Spec]
    acceptances: tuple[Signed[Acceptance], ...]
    uploads: dict[str, StoredUpload] = field(default_factory=dict)
    collecting: bool = True
    freeze: Signed[Freeze] | None = None
    aggregate: Aggregate | None = None
    certificate: Signed[Certificate] | None = None
    abort: Signed[Abort] | None = None
    endorsements: tuple[Signed[Endorsement], ...] = ()
    closes: tuple[Signed[Close], ...] = ()
    model: Model | None = None

    @property
    def number(self) -> int:
        return self.spec.body.round_number


def open_sum(
    spec: Signed[Spec], members: Mapping[str, StoredUpload], study: Manifest, people: People
) -> npt.NDArray[np.int64]:
    """Unwrap as custodians, release, add and open as aggregator: the real thing."""
    seal = aggregator_seal(spec, study)
    accumulator = seal.zero()
    for upload in members.values():
        for index in range(-(-len(upload.payload) // seal.chunk_bytes)):
            chunk = upload.payload[index * seal.chunk_bytes : (index + 1) * seal.chunk_bytes]
            seal.add(accumulator, index, bytes(chunk))
    held = {name: unwrap_all(upload, spec, study, people) for name, upload in members.items()}
    custodian = custodian_seal(spec)
    absent = [name for name in spec.body.cohort if name not in members]
    parts = {
        part: custodian.release(part, [(name, held[name][part]) for name in sorted(held)], absent)
        for part in study.committee.parts
    }
    sealed = [
        SealedMember(
            name,
            members[name].contribution.body.core.self_commitment,
            members[name].pair_table,
        )
        for name in sorted(members)
    ]
    return seal.open(accumulator, sealed, parts)


def unwrap_all(
    upload: StoredUpload, spec: Signed[Spec], study: Manifest, people: People
) -> CustodySeeds:
    """Every custodian unwraps its own seeds and checks them against the commitments."""
    core = upload.contribution.body.core
    bound_to = core_digest(upload.contribution.body.core_bytes)
    seeds: dict[int, bytes] = {}
    for index, custodian in enumerate(study.custodians):
        parts = study.committee.parts_of(index)
        info = custody.wrap_info(study.study, spec.body.epoch, custodian.name, bound_to)
        opened = people.wraps[custodian.name].unwrap(info, upload.wraps[index])
        for part, seed in custody.decode_seeds(parts, opened).items():
            committed = core.seed_commitments[study.committee.parts.index(part)]
            custody.check_seed(spec.digest, core.client, part, seed, committed)
            assert seeds.setdefault(part, seed) == seed
    return CustodySeeds(seeds)
