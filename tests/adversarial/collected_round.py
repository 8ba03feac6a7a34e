"""A round in which everybody sent, with every seed, and what its released bytes give away (T11).

All seeds are what only a whole committee can pool; the tests use them to say what a release ought
to be and to read the one that came.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from tests.adversarial.coalition import pooled, released
from tests.adversarial.hostile_aggregator import Sent
from tests.adversarial.linear_knowledge import Knowledge, Row
from tests.adversarial.world import World

from blindsum_crypto import domains
from blindsum_crypto.ckks.keys import decode_key, sum_of_leaves
from blindsum_crypto.custody import CustodySeeds, leaf
from blindsum_crypto.primitives import KEY_BYTES
from blindsum_rules.seal_parameters import ckks_parameters
from blindsum_rules.signed import Signed
from blindsum_rules.spec import Spec


@dataclass(frozen=True, eq=False)
class Collected:
    """A round in which everybody sent, and all seeds, which only a whole committee can pool."""

    world: World
    spec: Signed[Spec]
    sent: list[Sent]
    seeds: Mapping[str, CustodySeeds]

    def of(self, clients: Iterable[str]) -> list[Sent]:
        chosen = set(clients)
        return [one for one in self.sent if one.client in chosen]

    def outside(self, clients: Iterable[str]) -> list[str]:
        return sorted(set(self.spec.body.cohort) - set(clients))

    def function_of(self, clients: Sequence[str], part: int) -> bytes:
        """What one part is to release for a set, from the clients' seeds alone."""
        members = {client: self.seeds[client] for client in clients}
        return released(self.spec, members, part, self.outside(clients))


def collected(world: World, spec: Signed[Spec]) -> Collected:
    sent = world.collect(spec)
    seeds = {one.client: pooled(world, one, world.custodians) for one in sent}
    return Collected(world, spec, sent, seeds)


def learned(
    round_: Collected, clients: Sequence[str], released_parts: Mapping[int, bytes]
) -> list[Row]:
    """Read released bytes, all parts together, and say which masks of which clients they give.

    Every 32 bytes are looked up among all leaves that there are; CKKS parts are compared with the
    sum of the set's expanded leaves.
    """
    seal = round_.spec.body.seal
    known = Knowledge(round_.spec.body.cohort, seal)
    if seal == "ckks":
        ring = ckks_parameters(round_.spec.body).ring
        for part, share in released_parts.items():
            leaves = (
                leaf(round_.seeds[one][part], round_.spec.digest, one, domains.LABEL_CKKS_KEY)
                for one in clients
            )
            assert np.array_equal(decode_key(share, ring), sum_of_leaves(leaves, ring))
        return [known.self_masks(*clients)]
    found = [_labels(round_, part, share) for part, share in released_parts.items()]
    assert all(labels == found[0] for labels in found)
    return [
        known.self_masks(client) if peer == "" else known.pair_mask(client, peer)
        for client, peer in found[0]
    ]


def _labels(round_: Collected, part: int, share: bytes) -> list[tuple[str, str]]:
    """Client and peer (empty: the self mask) of every leaf in a part."""
    cohort = round_.spec.body.cohort
    names = {
        leaf(
            round_.seeds[client][part],
            round_.spec.digest,
            client,
            domains.LABEL_PAIR + peer if peer else domains.LABEL_SELF,
        ): (client, peer)
        for client in cohort
        for peer in ("", *cohort)
        if client != peer
    }
    return [names[share[at : at + KEY_BYTES]] for at in range(0, len(share), KEY_BYTES)]


def released_all(round_: Collected, clients: Sequence[str]) -> dict[int, bytes]:
    parts = round_.world.study.committee.parts
    return {part: round_.function_of(clients, part) for part in parts}


def seen(round_: Collected, clients: Sequence[str], corrupt: Iterable[str]) -> Knowledge:
    """Every sealed vector, everything released for a set, and what corrupt clients know."""
    known = Knowledge(round_.spec.body.cohort, round_.spec.body.seal)
    known.learn(*(known.sealed(client) for client in round_.spec.body.cohort))
    known.learn(*learned(round_, clients, released_all(round_, clients)))
    known.corrupt(corrupt)
    return known
