"""A curious aggregator: everything that it stores about one client, and what statistics make of it.

The client's vectors are chosen by whoever attacks, and it is asked again and again in one round, as
no real client lets itself be: what an attack does not learn here it does not learn anywhere.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy.stats import chisquare, kstest  # type: ignore[import-untyped]
from tests.adversarial.hostile_aggregator import Integers, Sent
from tests.adversarial.world import World

from blindsum_aggregator.seals import aggregator_seal
from blindsum_client.sealing import Sealer
from blindsum_crypto.ckks.coefficients import decode, values_of
from blindsum_crypto.ckks.keys import zero_key
from blindsum_crypto.ckks.modular import Multiplier
from blindsum_crypto.ckks.opening import unsealed
from blindsum_crypto.masking.pairs import Agreements
from blindsum_crypto.randomness import Randomness
from blindsum_crypto.seal import Accumulator
from blindsum_protos.convert.signed import signed_to_bytes
from blindsum_rules.seal_parameters import ckks_parameters, masking_round
from blindsum_rules.signed import Signed
from blindsum_rules.spec import Spec

Floats = npt.NDArray[np.float64]
CELLS = 64


@dataclass(frozen=True)
class Watched:
    """One client of a round, asked as often as the attack likes.

    Attributes:
        randomness: Where seeds and errors of each upload come from: the system's, or for controls
            one that says the same every time.
    """

    world: World
    spec: Signed[Spec]
    randomness: Callable[[], Randomness]
    client: str = "client-01"
    agreements: Agreements = field(init=False)

    def __post_init__(self) -> None:
        key, publics = self.world.people.keys.agreements[self.client], self.world.study
        agreements = Agreements(self.client, key, publics.agreement_keys)
        object.__setattr__(self, "agreements", agreements)

    def upload(self, values: Integers) -> Sent:
        identity, study = self.world.people.keys.identities[self.client], self.world.study
        sealer = Sealer(study, self.client, identity, self.randomness(), self.agreements)
        return Sent(sealer.seal(self.spec, values), values)

    def words(self, one: Sent, other: Sent | None = None) -> Accumulator:
        """The words of a payload, or of the difference of two, below `modulus`."""
        seal = aggregator_seal(self.spec, self.world.study)
        words = seal.load_sum(one.sealed.payload)
        if other is not None:
            for chunk in range(-(-len(other.sealed.payload) // seal.chunk_bytes)):
                start = chunk * seal.chunk_bytes
                piece = other.sealed.payload[start : start + seal.chunk_bytes]
                seal.subtract(words, chunk, piece)
        if self.spec.body.seal == "ckks":
            return words.astype(np.uint64)
        return words.astype(np.uint64) & np.uint64(self.modulus - 1)

    @property
    def modulus(self) -> int:
        """q of ckks, 2^b of masking."""
        if self.spec.body.seal == "ckks":
            return ckks_parameters(self.spec.body).ring.primes[0]
        return 1 << masking_round(self.spec, self.world.study).parameters.value_bits

    def difference(self, one: Sent, other: Sent) -> Integers:
        """What stands in one upload and not in the other, had both been sealed under one key."""
        length = self.spec.body.vector_length
        words = self.words(one, other)
        if self.spec.body.seal == "masking":
            return _signed(words, self.modulus)[:length]
        parameters = ckks_parameters(self.spec.body)
        ring = parameters.ring
        multipliers = [
            Multiplier.of(row, prime)
            for row, prime in zip(zero_key(ring), ring.primes, strict=True)
        ]
        coefficients = unsealed(words, range(len(words)), multipliers, self.spec.digest, ring)
        return values_of(decode(coefficients, parameters).fields)[:length]

    def seen_in_words(self, one: Sent, reference: Sent) -> Floats:
        """The difference to another upload, as it is and on a circle, where it may wrap around."""
        values = self.difference(one, reference).astype(np.float64)
        turns = values / (12 * self.world.study.weighted_codec.coordinate_bound)
        return np.concatenate([values, np.sin(2 * np.pi * turns), np.cos(2 * np.pi * turns)])


def seen_beside_words(one: Sent) -> Floats:
    """Every other byte that is stored of an upload: header, signature, wraps and pair table."""
    sealed = one.sealed
    stored = signed_to_bytes(sealed.contribution) + b"".join(sealed.wraps) + sealed.pair_table
    return np.frombuffer(stored, np.uint8).astype(np.float64)


def _signed(words: npt.NDArray[np.uint64], modulus: int) -> Integers:
    values = words.astype(np.int64)
    return np.where(values >= modulus // 2, values - modulus, values)


def ridge(features: Floats, targets: Floats) -> Callable[[Floats], Floats]:
    """The linear attack: fitted on uploads whose vectors are known, in its dual form."""
    mean, deviation = features.mean(0), features.std(0) + 1e-9
    scaled, centre = (features - mean) / deviation, targets.mean(0)
    gram = scaled @ scaled.T
    penalty = np.trace(gram) / len(gram) / 100 * np.eye(len(gram))
    weights = scaled.T @ np.linalg.solve(gram + penalty, targets - centre)
    return lambda seen: (seen - mean) / deviation @ weights + centre


def told_by_words(one: Watched, words: npt.NDArray[np.uint64]) -> float:
    """The smallest p-value against the uniform law: of the words' size, their low bits, and KS."""
    words = words.reshape(-1)
    width = -(-one.modulus // CELLS)
    cells = words // np.uint64(width), words & np.uint64(CELLS - 1)
    tests = [chisquare(np.bincount(cell.astype(np.int64), minlength=CELLS)) for cell in cells]
    tests.append(kstest(words / one.modulus, "uniform"))
    return min(float(test.pvalue) for test in tests)
