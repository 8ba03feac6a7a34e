"""CKKS parameters: the allow-list of rings, and how many integers fit into one coefficient.

A set that is not listed does not exist. Secrets are uniform: ternary keys would leak through the
released sum of keys, and there is no parameter that would choose them.

A coefficient holds P = sum of f_i * 2^(w * i), with p symmetric fields of w bits, scaled by
Delta = 2^scale_bits. It opens exactly while max|P| * Delta + Delta/4 < q/2 and the errors of all
clients sum to less than Delta/4. SEAL's error is the centred binomial of 21 + 21 bits, so the sum
over K clients is Binomial(42 K, 1/2) - 21 K, and its tail is bounded here without approximation.
"""

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from blindsum_crypto.errors import Refused
from blindsum_crypto.packing import largest_field
from blindsum_crypto.seal import sum_bound

ERROR_BITS: Final = 42  # coin flips of one error, half of them subtracted
ERROR_BOUND: Final = ERROR_BITS // 2
GATE_COEFFICIENTS: Final = 1 << 20
GATE_TRIP_LOG2: Final = -40  # of any of GATE_COEFFICIENTS coefficients tripping the gate by chance
MIN_CHUNKS: Final = 2
MAX_CLIENTS: Final = 1 << 20
MIN_FIELD_BITS: Final = 2
MAX_FIELD_BITS: Final = 62
_SCALE_BITS_RANGE: Final = range(7, 25)


@dataclass(frozen=True, slots=True)
class RingSet:
    """One row of the allow-list.

    Attributes:
        name: What a spec calls it.
        degree: N of X^N + 1.
        primes: The moduli of the residues; q is their product, each is 1 mod 2N.
        word_bits: Bits of one residue on the wire.
        security_bits: log2 of operations of the best known attack on what one honest client keeps
            when its key and error are known only in sum with one other honest client: uniform
            secret, error sigma 3.24/sqrt(2). lattice-estimator, commit 27a581b, cost model MATZOV,
            unlimited samples, smallest of primal uSVP, primal BDD and dual.
        core_svp_bits: The same, in the core-SVP count.
    """

    name: str
    degree: int
    primes: tuple[int, ...]
    word_bits: int
    security_bits: float
    core_svp_bits: int

    @property
    def modulus(self) -> int:
        """q, the product of the primes."""
        return math.prod(self.primes)


RING_SETS: Final = {
    "A": RingSet("A", 4096, (0xFFFFFFFFFFFC001,), 60, 246.0, 223),
    "B": RingSet("B", 4096, (0xFFFFFFFFC4001, 0xFFFFFFFFCA001), 52, 132.9, 104),
}


@dataclass(frozen=True, slots=True)
class CkksParameters:
    """What a spec fixes for a round: the ring, the scale and the packing.

    Attributes:
        scale_bits: log2 of Delta, 7 to 24.
        field_bits: w, bits of the signed sum that one field holds, 2 to 62.
        fields: p, how many fields share one coefficient, 1 or more.
        set_name: The row of the allow-list.

    Raises:
        Refused: `unknown-ring-set`, `scale-bits`, `field-bits`, or `capacity` when the fields do
            not fit under the scale.
    """

    scale_bits: int
    field_bits: int
    fields: int
    set_name: str = "A"

    def __post_init__(self) -> None:
        ring = ring_set(self.set_name)
        if self.scale_bits not in _SCALE_BITS_RANGE:
            raise Refused("scale-bits", f"expected 7 to 24, got {self.scale_bits}")
        most = _most_fields(self.scale_bits, self.field_bits, ring.modulus)
        if not 1 <= self.fields <= most:
            raise Refused("capacity", f"expected 1 to {most} fields, got {self.fields}")

    @property
    def ring(self) -> RingSet:
        """The row of the allow-list."""
        return RING_SETS[self.set_name]

    @property
    def words_per_chunk(self) -> int:
        """Residues of one chunk: the ring's degree for every prime, prime after prime."""
        return self.ring.degree * len(self.ring.primes)

    @property
    def chunk_bytes(self) -> int:
        """Bytes of one packed chunk: 30,720 (A) or 53,248 (B)."""
        return self.words_per_chunk * self.ring.word_bits // 8

    @property
    def values_per_chunk(self) -> int:
        """Values of the vector that one chunk carries."""
        return self.fields * self.ring.degree

    def largest_sum(self) -> int:
        """The largest |sum| that a field holds: 2^(w-1) - 1."""
        return largest_field(self.field_bits)

    def most_clients(self) -> int:
        """The most clients under whose summed errors the gate trips no more often than 2^-40."""
        return _most_clients(self.scale_bits)

    def chunks(self, vector_length: int) -> int:
        """Chunks of a vector, at least 2.

        A custodian could shift an aggregate of a single chunk unseen (its part enters every chunk
        through another a_j, so with two it would need a short vector of an NTRU-like lattice):
        a short vector gets a second chunk, all zero, which the padding gate checks.

        Raises:
            Refused: `vector-length` below 1.
        """
        if vector_length < 1:
            raise Refused("vector-length", f"expected 1 or more values, got {vector_length}")
        return max(MIN_CHUNKS, -(-vector_length // self.values_per_chunk))

    def payload_bytes(self, vector_length: int) -> int:
        """The exact length of every payload of a vector of this length."""
        return self.chunks(vector_length) * self.chunk_bytes

    def check_sum(
        self, clients: int, coordinate_bound: int, round_bound: int | None = None
    ) -> None:
        """Check that this many clients with |value| <= coordinate_bound can be summed exactly.

        Args:
            clients: How many.
            coordinate_bound: The largest |value| of one client.
            round_bound: The largest |sum| that the round comes to, where that is less than clients
                times coordinate bound: independent noise seldom adds up (`sum_bound`).

        Raises:
            Refused: `scale-too-small` for the clients' errors, `field-overflow` for their values,
                `client-count` below 1, `coordinate-bound` below 0.
        """
        if clients < 1:
            raise Refused("client-count", f"expected 1 or more clients, got {clients}")
        if coordinate_bound < 0:
            raise Refused("coordinate-bound", "expected a bound of 0 or more")
        if clients > self.most_clients():
            raise Refused(
                "scale-too-small", f"expected at most {self.most_clients()} clients, got {clients}"
            )
        if sum_bound(clients, coordinate_bound, round_bound) > self.largest_sum():
            raise Refused(
                "field-overflow", f"expected every sum to stay within {self.largest_sum()}"
            )


def ring_set(name: str) -> RingSet:
    """The row of the allow-list with this name.

    Raises:
        Refused: `unknown-ring-set`.
    """
    if name not in RING_SETS:
        raise Refused("unknown-ring-set", f"expected one of {sorted(RING_SETS)}, got {name!r}")
    return RING_SETS[name]


def plan(vector_length: int, clients: int, field_bits: int, set_name: str = "A") -> CkksParameters:
    """The smallest scale that is safe for this many clients, and the most fields that fit above it.

    Args:
        vector_length: Values of the vector, 1 or more.
        clients: The most clients that may be summed, 1 to 2^20.
        field_bits: Bits of the signed sum of one coordinate, 2 to 62.
        set_name: The ring.

    Raises:
        Refused: `vector-length`, `client-count`, `field-bits`, `unknown-ring-set`, or `capacity`
            when not even one field fits.
    """
    if not 1 <= clients <= MAX_CLIENTS:
        raise Refused("client-count", f"expected 1 to {MAX_CLIENTS} clients, got {clients}")
    scale_bits = next(
        bits for bits in _SCALE_BITS_RANGE if gate_trip_log2(clients, bits) <= GATE_TRIP_LOG2
    )
    fields = _most_fields(scale_bits, field_bits, ring_set(set_name).modulus)
    parameters = CkksParameters(scale_bits, field_bits, max(fields, 1), set_name)
    parameters.chunks(vector_length)
    return parameters


def gate_trip_log2(clients: int, scale_bits: int) -> float:
    """log2 of a bound on the chance that an honest sum trips the residual gate.

    P(any of 2^20 coefficients has |error sum| >= Delta/4), by the union bound and the tail of
    Binomial(42 K, 1/2): its terms fall at least geometrically, with the ratio of the first two, so
    tail <= first term / (1 - ratio). Never below the true value, save the float's last digits.

    Returns:
        log2 of the bound, or -inf when no sum of errors can reach the gate.
    """
    flips = ERROR_BITS * clients
    first = ERROR_BOUND * clients + (1 << scale_bits) // 4
    if first > flips:
        return -math.inf
    log_term = math.lgamma(flips + 1) - math.lgamma(first + 1) - math.lgamma(flips - first + 1)
    ratio = (flips - first) / (first + 1)
    tail_log2 = log_term / math.log(2) - flips - math.log2(1 - ratio)
    return tail_log2 + 1 + math.log2(GATE_COEFFICIENTS)


@lru_cache(maxsize=64)
def _most_clients(scale_bits: int) -> int:
    low, high = 1, MAX_CLIENTS
    while low < high:
        middle = (low + high + 1) // 2
        if gate_trip_log2(middle, scale_bits) <= GATE_TRIP_LOG2:
            low = middle
        else:
            high = middle - 1
    return low


def _most_fields(scale_bits: int, field_bits: int, modulus: int) -> int:
    """The most p with max|P| * Delta + Delta/4 < q/2, in whole numbers; 0 when none fits."""
    if not MIN_FIELD_BITS <= field_bits <= MAX_FIELD_BITS:
        raise Refused("field-bits", f"expected 2 to {MAX_FIELD_BITS}, got {field_bits}")
    fields, largest_word = 0, 0
    while True:
        largest_word += largest_field(field_bits) << (field_bits * fields)
        if 4 * (largest_word << scale_bits) + (1 << scale_bits) >= 2 * modulus:
            return fields
        fields += 1
