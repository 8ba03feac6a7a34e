"""One round in layers, without stores and network: seals, custody, rules, and who drops when.

Clients seal and sign as `blindsum_client` does; each custodian unwraps its own seeds and checks
them against the commitments; U is chosen by the aggregator's own rule from what was admitted; the
quorums are checked over real signatures; and the parts are combined by `open_sum`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import TypeVar

import numpy as np
from tests.simulation.people import NOW, Integers, People, Shape, people_of

from blindsum_aggregator.cohort import suffices
from blindsum_aggregator.combining import Sealed, open_sum
from blindsum_aggregator.freezing import choose_quorum
from blindsum_aggregator.seals import aggregator_seal
from blindsum_client.sealing import SealedContribution, Sealer
from blindsum_crypto.custody import CustodySeeds, check_seed, decode_seeds, wrap_info
from blindsum_crypto.errors import Refused
from blindsum_crypto.identity import Identity
from blindsum_crypto.randomness import SystemRandomness
from blindsum_crypto.seal import Accumulator, AggregatorSeal, SealedMember
from blindsum_custodian.seals import custodian_seal
from blindsum_protos.convert.signed import sign
from blindsum_rules.acceptance import Acceptance
from blindsum_rules.endorsement import Endorsement
from blindsum_rules.freeze import Freeze, Member
from blindsum_rules.freeze_checks import check_freeze, freeze_root
from blindsum_rules.header import core_digest
from blindsum_rules.round_quorums import check_acceptances, check_endorsements
from blindsum_rules.seal_parameters import seal_parameters
from blindsum_rules.signed import Signed
from blindsum_rules.spec import PreviousRound, Spec, SpecKind
from blindsum_rules.spec_checks import wrap_key_digests

WordT = TypeVar("WordT", Acceptance, Endorsement)


class Step(IntEnum):
    """The steps of a custodian, in their order."""

    ACCEPT = 0
    ADMIT = 1
    ENDORSE = 2
    RELEASE = 3
    NEVER = 4


class Fate(IntEnum):
    """How far a client comes."""

    NO_HEADER = 0
    NO_PAYLOAD = 1
    SENT = 2


@dataclass(frozen=True)
class Dropouts:
    """Who drops out of one round, and when.

    Attributes:
        shape: Seal, committee and how many clients there are.
        fates: Of each invited client, by name.
        silent_from: The step from which each custodian is silent.
        admits: How many of the received headers each custodian has seen, in their order: a page
            may not have come to it when the aggregator freezes.
    """

    shape: Shape
    fates: Mapping[str, Fate]
    silent_from: tuple[Step, ...]
    admits: tuple[int, ...]

    def does(self, index: int, step: Step) -> bool:
        return self.silent_from[index] > step


class LayeredRound:
    """One round of these people with these dropouts."""

    def __init__(self, dropouts: Dropouts) -> None:
        self.dropouts = dropouts
        self.people: People = people_of(dropouts.shape)
        study = self.people.study
        self.committee = study.committee
        self.cohort = tuple(sorted(dropouts.fates))
        self.spec = sign(_spec(self.people, self.cohort), "aggregator", self._key("aggregator"))
        self.seal: AggregatorSeal = aggregator_seal(self.spec, study)
        received = [name for name in self.cohort if dropouts.fates[name] is Fate.SENT]
        self.values = {name: self._values(name) for name in received}
        self.sealed = {name: self._seal(name) for name in received}

    def _key(self, name: str) -> Identity:
        return self.people.identities[name]

    def _values(self, client: str) -> Integers:
        drawn = np.random.default_rng(int.from_bytes(client.encode()))
        bound = self.people.study.weighted_codec.coordinate_bound
        values = drawn.integers(-bound, bound, self.people.study.vector_length, endpoint=True)
        return values.astype(np.int64)

    def _seal(self, client: str) -> SealedContribution:
        people = self.people
        sealer = Sealer(
            people.study,
            client,
            people.identities[client],
            SystemRandomness(),
            people.agreements(client),
        )
        return sealer.seal(self.spec, self.values[client])

    # ---- the custodians

    def _who(self, step: Step) -> list[int]:
        return [index for index in range(len(self.people.custodians)) if self._does(index, step)]

    def _does(self, index: int, step: Step) -> bool:
        return self.dropouts.does(index, step)

    def _say(self, body: WordT, indices: Sequence[int]) -> list[Signed[WordT]]:
        names = [self.people.custodians[index] for index in indices]
        return [sign(replace(body, custodian=name), name, self._key(name)) for name in names]

    def _admitted(self) -> dict[str, int]:
        """For each received contribution the bitmask of who holds its seeds."""
        masks = dict.fromkeys(self.sealed, 0)
        for index in self._who(Step.ADMIT):
            for client in list(self.sealed)[: self.dropouts.admits[index]]:
                self.seeds(index, client)
                masks[client] |= 1 << index
        return masks

    def seeds(self, index: int, client: str) -> CustodySeeds:
        """What a custodian unwraps, checked against what the client committed to."""
        sealed, name = self.sealed[client], self.people.custodians[index]
        body = sealed.contribution.body
        info = wrap_info(self.people.study.study, 0, name, core_digest(body.core_bytes))
        opened = self.people.wraps[name].unwrap(info, sealed.wraps[index])
        seeds = decode_seeds(self.committee.parts_of(index), opened)
        for part, seed in seeds.items():
            committed = body.core.seed_commitments[self.committee.parts.index(part)]
            check_seed(self.spec.digest, client, part, seed, committed)
        return seeds

    def _parts(self, index: int, members: Sequence[str]) -> dict[int, bytes]:
        seeds = {client: self.seeds(index, client) for client in members}
        absent = [client for client in self.cohort if client not in members]
        custodian = custodian_seal(self.spec)
        return {
            part: custodian.release(part, [(one, seeds[one][part]) for one in members], absent)
            for part in self.committee.parts_of(index)
        }

    # ---- the aggregator

    def play(self) -> tuple[list[str], Integers]:
        """The round, to its opened sum.

        Returns:
            U, ascending, and the sum.

        Raises:
            Refused: the rule by which the round ends without one.
        """
        study, spec = self.people.study, self.spec
        said = Acceptance(study.study, 0, spec.digest, "")
        check_acceptances(self._say(said, self._who(Step.ACCEPT)), spec, study)
        masks = self._admitted()
        chosen = choose_quorum(masks.values(), len(study.custodians), study.quorum)
        members = sorted(one for one, mask in masks.items() if mask & chosen == chosen)
        if not suffices(study, members):
            raise Refused("min-cohort", "expected more contributions that a quorum admits")
        freeze = self._freeze(members)
        able = [one for one in self._who(Step.ENDORSE) if _holds(masks, members, one)]
        endorsement = Endorsement(study.study, 0, spec.digest, freeze.digest, "")
        check_endorsements(self._say(endorsement, able), freeze.digest, spec, study)
        released = {
            one: self._parts(one, members) for one in self._who(Step.RELEASE) if one in able
        }
        accumulator = self._folded(masks, members)
        headers = [
            SealedMember(
                one,
                self.sealed[one].contribution.body.core.self_commitment,
                self.sealed[one].pair_table,
            )
            for one in members
        ]
        sealed = Sealed(self.seal, accumulator, headers)
        opened = open_sum(sealed, study.committee, released)
        return members, opened.values

    def _freeze(self, members: Sequence[str]) -> Signed[Freeze]:
        entries = tuple(Member(one, self.sealed[one].contribution.digest) for one in members)
        body = Freeze(
            self.people.study.study, 0, self.spec.digest, entries, freeze_root(entries), ()
        )
        freeze = sign(body, "aggregator", self._key("aggregator"))
        check_freeze(freeze, self.spec, self.people.study)
        return freeze

    def _folded(self, masks: Mapping[str, int], members: Sequence[str]) -> Accumulator:
        """Everybody whom a quorum admitted, and then without those who are left out."""
        accumulator = self.seal.zero()
        quorum = self.people.study.quorum
        folded = [one for one, mask in masks.items() if mask.bit_count() >= quorum]
        for client in {*folded, *members}:
            self._apply(self.seal.add, accumulator, client)
        for client in set(folded).difference(members):
            self._apply(self.seal.subtract, accumulator, client)
        return accumulator

    def _apply(
        self,
        apply: Callable[[Accumulator, int, bytes], None],
        accumulator: Accumulator,
        client: str,
    ) -> None:
        payload, size = self.sealed[client].payload, self.seal.chunk_bytes
        for index, start in enumerate(range(0, len(payload), size)):
            apply(accumulator, index, payload[start : start + size])

    def total(self, members: Sequence[str]) -> Integers:
        """The sum in clear, from what only the test knows."""
        total: Integers = np.sum([self.values[one] for one in members], axis=0, dtype=np.int64)
        return total


def _holds(masks: Mapping[str, int], members: Sequence[str], index: int) -> bool:
    return all(masks[one] >> index & 1 for one in members)


def _spec(people: People, cohort: tuple[str, ...]) -> Spec:
    study, seal = people.study, people.shape.seal
    return Spec(
        study=study.study,
        kind=SpecKind.ROUND,
        round_number=0,
        amendment_digest=people.manifest.digest,
        epoch=0,
        model_version=0,
        model_digest=study.initial_model_digest,
        previous=PreviousRound(people.manifest.digest),
        closes=(),
        endorsements=(),
        vector_length=study.vector_length,
        seal=seal,
        parameters=seal_parameters(study, seal, len(cohort)),
        codec=study.codec,
        cohort=cohort,
        min_cohort=study.min_cohort,
        wrap_key_digests=wrap_key_digests(study),
        contribute_deadline_unix=NOW + 600,
        release_deadline_unix=NOW + 900,
    )
