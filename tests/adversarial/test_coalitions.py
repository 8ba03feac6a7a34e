"""The aggregator with t - 1 custodians and every other client against one client (threat T2).

Every coalition of t - 1 custodians misses exactly one part T, and each part is missed by one of
them. For every T the coalition opens the wraps that it can open, takes the victim's payload and
whatever the other clients know of it, and guesses what T would release for the victim alone. What
it computes is uniform. The control: with T added the same computation gives x_i exactly.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import reduce
from itertools import combinations

import numpy as np
import numpy.typing as npt
import pytest
from tests.adversarial.coalition import pooled, released_for_one
from tests.adversarial.hostile_aggregator import GATES, Sent
from tests.adversarial.world import World

from blindsum_aggregator.seals import aggregator_seal
from blindsum_crypto.ckks.keys import add_key, decode_key, zero_key
from blindsum_crypto.ckks.modular import Multiplier
from blindsum_crypto.ckks.opening import unsealed
from blindsum_crypto.custody import CustodySeeds
from blindsum_crypto.errors import Aborted
from blindsum_crypto.masking.masks import apply_masks
from blindsum_crypto.masking.pairs import Agreements, keys_by_sign, xor
from blindsum_crypto.primitives import KEY_BYTES
from blindsum_crypto.randomness import SystemRandomness
from blindsum_crypto.seal import Accumulator, SealedMember
from blindsum_rules.model import Layout, NamedArray
from blindsum_rules.seal_parameters import ckks_parameters, masking_round
from blindsum_rules.signed import Signed
from blindsum_rules.spec import Spec

CELLS = 64
VALUES = 16_384
LAYOUT = Layout((NamedArray("weight", (VALUES - 1,)),))
LIMIT = 186.0
"""Chi-square at 63 degrees of freedom: exceeded by chance below once in 10^10 (Laurent and Massart
2000, lemma 1: k + 2 sqrt(k x) + 2 x with x = ln 10^10)."""

Words = npt.NDArray[np.uint64]


@dataclass(frozen=True, eq=False)
class Victim:
    """One client's contribution, in the hands of everybody else."""

    world: World
    spec: Signed[Spec]
    sent: Sent

    def accumulator(self) -> Accumulator:
        """The victim's payload alone, where the sum should stand."""
        seal = aggregator_seal(self.spec, self.world.study)
        return seal.load_sum(self.sent.sealed.payload)

    def opened(self, parts: Mapping[int, bytes]) -> npt.NDArray[np.int64]:
        """What the product's own opener makes of it.

        Raises:
            Aborted: a gate.
        """
        sealed, core = self.sent.sealed, self.sent.contribution.body.core
        member = SealedMember(self.sent.client, core.self_commitment, sealed.pair_table)
        seal = aggregator_seal(self.spec, self.world.study)
        return seal.open(self.accumulator(), [member], parts)

    def cells(self, parts: Mapping[int, bytes]) -> list[Words]:
        """What the coalition computes, no gate asked, in cells: by size, and by its low bits."""
        if self.spec.body.seal == "ckks":
            return self._ckks_cells(parts)
        return self._masking_cells(parts)

    def _ckks_cells(self, parts: Mapping[int, bytes]) -> list[Words]:
        parameters = ckks_parameters(self.spec.body)
        ring, accumulator = parameters.ring, self.accumulator().astype(np.uint64)
        key = zero_key(ring)
        for released in parts.values():
            add_key(key, decode_key(released, ring), ring)
        multipliers = [
            Multiplier.of(row, prime) for row, prime in zip(key, ring.primes, strict=True)
        ]
        rows = range(len(accumulator))
        residues = unsealed(accumulator, rows, multipliers, self.spec.digest, ring)
        cells: list[Words] = []
        for words, prime in zip(residues, ring.primes, strict=True):
            cells.append(words // np.uint64(prime // CELLS + 1))
            cells.append(words >> np.uint64(parameters.scale_bits - 6) & np.uint64(CELLS - 1))
        return cells

    def _masking_cells(self, parts: Mapping[int, bytes]) -> list[Words]:
        """The peers are corrupt: what they share with the victim they know from their own keys."""
        round_ = masking_round(self.spec, self.world.study)
        own = reduce(xor, (released[:KEY_BYTES] for released in parts.values()))
        client, keys = self.sent.client, self.world.people.keys
        shared = {
            peer: Agreements(
                peer, keys.agreements[peer], self.world.study.agreement_keys
            ).pair_secret(self.spec.digest, client)
            for peer in round_.peers(client)
        }
        words = self.accumulator().copy()
        plus, minus = keys_by_sign(client, own, shared)
        apply_masks(words, minus, plus)
        bits = round_.parameters.value_bits
        values = words.astype(np.uint64) & np.uint64((1 << bits) - 1)
        return [values >> np.uint64(bits - 6), values & np.uint64(CELLS - 1)]


def chi_squares(cells: list[Words]) -> list[float]:
    """Against the uniform law over the cells."""
    counts = [np.bincount(one.reshape(-1).astype(np.int64), minlength=CELLS) for one in cells]
    expected = [one.size / CELLS for one in cells]
    return [
        float(((count - mean) ** 2 / mean).sum())
        for count, mean in zip(counts, expected, strict=True)
    ]


@pytest.mark.parametrize("committee", [(1, 1, 1), (4, 2, 3), (7, 3, 5)], ids=str)
def test_one_part_short_a_client_is_uniform_for_every_coalition_and_with_it_exact(
    make_world: Callable[..., World], committee: tuple[int, int, int]
) -> None:
    world = make_world(committee, layout=LAYOUT, clients=4)
    spec = world.aggregator.spec()
    # Small values, as updates are: far from uniform when they are open.
    values = np.arange(VALUES, dtype=np.int64) % 5 - 2
    victim = Victim(world, spec, world.seal(spec, world.clients[1], values))
    parts, missed = world.study.committee.parts, set()

    for coalition in combinations(world.custodians, committee[1] - 1):
        held = pooled(world, victim.sent, coalition)
        (missing,) = set(parts) - set(held)
        guess = CustodySeeds({missing: SystemRandomness().bytes(32)})
        everything = released_for_one(spec, victim.sent, CustodySeeds({**held, **guess}))

        assert max(chi_squares(victim.cells(everything))) < LIMIT
        with pytest.raises(Aborted) as caught:
            victim.opened(everything)
        assert caught.value.rule in GATES
        missed.add(missing)

    assert missed == set(parts)
    whole = released_for_one(spec, victim.sent, pooled(world, victim.sent, world.custodians))
    assert min(chi_squares(victim.cells(whole))) > 100 * LIMIT
    assert np.array_equal(victim.opened(whole), victim.sent.values)


@pytest.mark.parametrize("committee", [(4, 2, 3), (7, 3, 5)], ids=str)
def test_the_control_that_one_custodian_more_opens_a_single_client(
    make_world: Callable[..., World], committee: tuple[int, int, int]
) -> None:
    """Any t custodians hold every part: the threshold is what it says, no more and no less."""
    world = make_world(committee)
    spec = world.aggregator.spec()
    victim = Victim(world, spec, world.seal(spec, world.clients[1]))
    for coalition in combinations(world.custodians, committee[1]):
        parts = released_for_one(spec, victim.sent, pooled(world, victim.sent, coalition))
        assert np.array_equal(victim.opened(parts), victim.sent.values)
