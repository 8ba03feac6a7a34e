"""Clients that lie about the pairs of a masked round: in the table, in the mask, or in both."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from unittest.mock import patch

from tests.adversarial.hostile_aggregator import Integers, Sent
from tests.adversarial.spoilers import sealing_as, unopened
from tests.adversarial.world import World

from blindsum_crypto.custody import CustodySeeds
from blindsum_crypto.masking import pairs, sealing
from blindsum_crypto.masking.pairs import Agreements, read_pair_table, xor
from blindsum_crypto.primitives import digest
from blindsum_crypto.randomness import Randomness
from blindsum_crypto.seal import ClientSeal, SealedVector
from blindsum_rules.signed import Signed
from blindsum_rules.spec import Spec

PAD, COMMITMENT = 0, 1
"""The two halves of an entry: ct_ij and h_ij."""


@contextmanager
def other_secrets(*peers: str) -> Iterator[None]:
    """A client that takes other secrets for these pairs: mask, ct_ij and h_ij agree on them."""
    true = Agreements.pair_secret

    def pair_secret(self: Agreements, round_id: bytes, peer: str) -> bytes:
        secret = true(self, round_id, peer)
        return digest("blindsum/test", secret) if peer in peers else secret

    with patch.object(Agreements, "pair_secret", pair_secret):
        yield


def with_other_secrets(world: World, spec: Signed[Spec], client: str, *peers: str) -> Sent:
    """Its own opening finds nothing: the client is of one mind with itself."""
    with other_secrets(*peers):
        return world.seal(spec, client)


def lying_in_its_table(
    world: World, spec: Signed[Spec], client: str, peers: Collection[str], *halves: int
) -> Sent:
    """True masks, and a table with other bytes in these halves of these peers' entries."""

    def lying(
        seal: ClientSeal, values: Integers, name: str, seeds: CustodySeeds, drawn: Randomness
    ) -> SealedVector:
        sealed = seal.seal(values, name, seeds, drawn)
        others = [one for one in spec.body.cohort if one != name]
        table = read_pair_table(sealed.pair_table, len(others)).copy()
        for peer in peers:
            for half in halves:
                table[others.index(peer), half] ^= 0x55
        return replace(sealed, pair_table=table.tobytes())

    with sealing_as(lying), unopened():
        return world.seal(spec, client)


def telling_another_secret(world: World, spec: Signed[Spec], client: str, peer: str) -> Sent:
    """The true mask, and an entry that speaks of another secret throughout."""
    true = pairs.pair_table

    def told(
        name: str, seeds: CustodySeeds, round_id: bytes, secrets: Mapping[str, bytes]
    ) -> bytes:
        other = digest("blindsum/test", secrets[peer])
        return true(name, seeds, round_id, {**secrets, peer: other})

    with patch.object(sealing, "pair_table", told), unopened():
        return world.seal(spec, client)


def with_another_self_mask(world: World, spec: Signed[Spec], client: str, change: bytes) -> Sent:
    """Sealed and committed under K(self) XOR `change`, which no honest custodian's leaf gives."""
    true = pairs.self_secret

    def changed(seeds: CustodySeeds, round_id: bytes, name: str) -> bytes:
        return xor(true(seeds, round_id, name), change)

    with patch.object(sealing, "self_secret", changed):
        return world.seal(spec, client)
