"""T2: whoever misses one part sees uniform residues; whoever has them all sees the exact sum.

Both sides are asserted for every part, with the same statistic, so that neither a statistic without
power nor a seal without a secret could pass.
"""

from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import pytest

from blindsum_crypto.ckks.keys import add_key, decode_key, expand, zero_key
from blindsum_crypto.ckks.modular import Multiplier, Words
from blindsum_crypto.ckks.opening import unsealed
from blindsum_crypto.ckks.parameters import CkksParameters
from blindsum_crypto.custody import Committee
from blindsum_crypto.errors import Aborted
from blindsum_crypto.seal import SealedMember

MEMBER = SealedMember("client")  # of a member this seal asks nothing but its number

CHUNKS = 8
CELLS = 256
SHAPES = [CkksParameters(10, 16, 3), CkksParameters(10, 30, 3, "B")]
COMMITTEES = [Committee(1, 1), Committee(4, 2), Committee(7, 3), Committee(7, 4), Committee(3, 1)]


def coefficients_under(case: SimpleNamespace, accumulator: Words, keys: list[Words]) -> list[Words]:
    """What the holder of these parts' keys alone computes from the sealed sum."""
    ring = case.parameters.ring
    total = zero_key(ring)
    for key in keys:
        add_key(total, key, ring)
    multipliers = [Multiplier.of(row, prime) for row, prime in zip(total, ring.primes, strict=True)]
    return unsealed(accumulator, range(len(accumulator)), multipliers, case.round_id, ring)


def statistics(coefficients: list[Words], primes: tuple[int, ...], scale_bits: int) -> list[float]:
    """Chi-square against the uniform law: of where in the range, and of where between multiples."""
    results = []
    for words, prime in zip(coefficients, primes, strict=True):
        high = words // np.uint64(prime // CELLS + 1)
        low = words >> np.uint64(scale_bits - 8) & np.uint64(CELLS - 1)
        for cells in (high, low):
            counts = np.bincount(cells.reshape(-1).astype(np.int64), minlength=CELLS)
            expected = words.size / CELLS
            results.append(float(((counts - expected) ** 2 / expected).sum()))
    return results


@pytest.mark.parametrize("committee", COMMITTEES, ids=str)
@pytest.mark.parametrize("parameters", SHAPES, ids=lambda parameters: parameters.set_name)
def test_one_part_short_everything_is_uniform_and_with_all_parts_the_sum_is_exact(
    seal_round: Callable[..., SimpleNamespace],
    chi_square_limit: Callable[[int], float],
    numbers: np.random.Generator,
    parameters: CkksParameters,
    committee: Committee,
) -> None:
    length = CHUNKS * parameters.values_per_chunk
    vectors = {name: numbers.integers(-9, 10, length) for name in ("a", "b")}
    case = seal_round(parameters, committee, vectors, 9, b"missing part")
    accumulator, parts = case.sum_of(case.members), case.parts_of(case.members)
    ring, limit = parameters.ring, chi_square_limit(CELLS - 1)
    keys = {part: decode_key(released, ring) for part, released in parts.items()}

    # One false alarm in 10^10 for each statistic; under 300 of them stand in this whole test.
    for missing in committee.parts:
        held = [key for part, key in keys.items() if part != missing]
        seen = coefficients_under(case, accumulator, held)
        assert max(statistics(seen, ring.primes, parameters.scale_bits)) < limit

    whole = coefficients_under(case, accumulator, list(keys.values()))
    assert min(statistics(whole, ring.primes, parameters.scale_bits)) > 100 * limit
    assert np.array_equal(case.aggregator_seal.open(accumulator, [MEMBER] * 2, parts), case.total)


@pytest.mark.parametrize("parameters", SHAPES, ids=lambda parameters: parameters.set_name)
def test_a_part_replaced_by_a_guess_is_uniform_too_and_trips_the_gate(
    seal_round: Callable[..., SimpleNamespace],
    chi_square_limit: Callable[[int], float],
    numbers: np.random.Generator,
    parameters: CkksParameters,
) -> None:
    committee = Committee(4, 2)
    length = CHUNKS * parameters.values_per_chunk
    vectors = {name: numbers.integers(-9, 10, length) for name in ("a", "b")}
    case = seal_round(parameters, committee, vectors, 9, b"guessed part")
    accumulator, parts = case.sum_of(case.members), case.parts_of(case.members)
    ring, limit = parameters.ring, chi_square_limit(CELLS - 1)
    for missing in committee.parts:
        guess = expand(b"guess" + bytes(27), ring)
        keys = [guess if p == missing else decode_key(r, ring) for p, r in parts.items()]
        seen = coefficients_under(case, accumulator, keys)
        assert max(statistics(seen, ring.primes, parameters.scale_bits)) < limit
        guessed = {**parts, missing: case.custodian_seal.release(missing, [("x", b"x" * 32)], [])}
        with pytest.raises(Aborted) as caught:
            case.aggregator_seal.open(accumulator, [MEMBER] * 2, guessed)
        assert caught.value.rule == "residual-gate"


def test_all_parts_but_for_fewer_members_show_only_uniform_residues(
    seal_round: Callable[..., SimpleNamespace],
    chi_square_limit: Callable[[int], float],
    numbers: np.random.Generator,
) -> None:
    # Every custodian colludes for {a, b}; the payload of c, and any sum with c, stays sealed.
    parameters = SHAPES[0]
    vectors = {
        name: numbers.integers(-9, 10, CHUNKS * parameters.values_per_chunk) for name in "abc"
    }
    case = seal_round(parameters, Committee(4, 2), vectors, 9, b"late upload")
    ring, limit = parameters.ring, chi_square_limit(CELLS - 1)
    keys = [decode_key(released, ring) for released in case.parts_of(["a", "b"]).values()]
    for members in (["c"], ["a", "b", "c"], ["a"], ["a", "c"]):
        seen = coefficients_under(case, case.sum_of(members), keys)
        assert max(statistics(seen, ring.primes, parameters.scale_bits)) < limit
    seen = coefficients_under(case, case.sum_of(["a", "b"]), keys)
    assert min(statistics(seen, ring.primes, parameters.scale_bits)) > 100 * limit
