"""The codec: clipped, on the grid, rounded without bias, within bounds, and read back."""

import math

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from tests.rules.codec.given_randomness import Given

from blindsum_crypto.errors import BlindsumError, Refused, Rejected
from blindsum_crypto.randomness import SeededRandomness
from blindsum_rules.codec import encoding
from blindsum_rules.codec.encoding import clip, decode, encode
from blindsum_rules.codec.parameters import FINE_BITS, MAX_LEVELS, Codec
from blindsum_rules.codec.rounding import CHUNK_VALUES

CODEC = Codec(clip_norm=1.0, levels=4096, weight_cap=100, weight_scale=0.5)
LARGEST = Codec(clip_norm=3.0, levels=MAX_LEVELS, weight_cap=1, weight_scale=4.0)
THETAS = 1 << FINE_BITS

CODECS = st.builds(
    Codec,
    clip_norm=st.floats(1e-6, 1e6),
    levels=st.integers(1, MAX_LEVELS),
    weight_cap=st.integers(1, 10_000),
    weight_scale=st.floats(1e-6, 1e6),
)
UPDATES = hnp.arrays(
    np.float64,
    st.integers(1, 40),
    elements=st.floats(allow_nan=False, allow_infinity=False),
)


def seeded(seed: int = 0) -> SeededRandomness:
    return SeededRandomness(seed.to_bytes(8, "big"))


# ---- the grid and its exact check


@settings(deadline=None)
@given(UPDATES, st.integers(1, 20_000), CODECS)
def test_every_clipped_update_passes_the_exact_check(
    update: npt.NDArray[np.float64], records: int, codec: Codec
) -> None:
    encode(update, records, codec, seeded())


@pytest.mark.parametrize("power", range(0, 19, 2))
def test_a_vector_whose_grid_values_would_be_whole_passes(power: int) -> None:
    """Truncation takes nothing away here: only the grid's margin keeps rounding errors inside."""
    codec = Codec(clip_norm=1.0, levels=MAX_LEVELS, weight_cap=1, weight_scale=1e-9)
    size = 1 << power
    encode(np.full(size, 1 / math.sqrt(size)), 1, codec, seeded())


def test_a_vector_beyond_the_joint_norm_is_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    """No update gets there through the clipping, so the grid is made finer than it may be."""
    longest, several = np.array([1e9]), np.full(4, 1e9)
    for update in (longest, several, np.full(CHUNK_VALUES, 1e9)):
        encode(update, 1, LARGEST, seeded())
    monkeypatch.setattr(encoding, "GRID_MARGIN", 1 + 2.0**-20)
    for update in (longest, several, np.full(CHUNK_VALUES, 1e9)):
        with pytest.raises(Rejected) as caught:
            encode(update, 1, LARGEST, seeded())
        assert caught.value.rule == "joint-norm"


def test_equal_randomness_gives_equal_integers_and_other_randomness_others() -> None:
    update = np.linspace(-0.01, 0.01, 500)
    first = encode(update, 50, CODEC, seeded(1))
    assert np.array_equal(first, encode(update, 50, CODEC, seeded(1)))
    assert not np.array_equal(first, encode(update, 50, CODEC, seeded(2)))


# ---- what a client sends


@settings(deadline=None)
@given(UPDATES, st.integers(1, 20_000), CODECS, st.integers(0, 3))
def test_no_integer_leaves_the_declared_bound(
    update: npt.NDArray[np.float64], records: int, codec: Codec, seed: int
) -> None:
    sent = encode(update, records, codec, seeded(seed))
    assert sent.shape == (update.size + 1,)
    assert sent.dtype == np.int64
    assert int(np.abs(sent).max()) <= codec.coordinate_bound
    assert int(sent[-1]) >= 0


@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize("theta", [0, THETAS - 1])
@pytest.mark.parametrize("levels", [1, 2, 255, MAX_LEVELS])
def test_one_coordinate_that_takes_the_whole_norm_reaches_the_levels_and_not_the_bound(
    sign: float, theta: int, levels: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    codec = Codec(clip_norm=1.0, levels=levels, weight_cap=1, weight_scale=1e-9)
    monkeypatch.setattr(encoding, "ExpandedRandomness", lambda given: given)
    sent = encode(np.array([sign * 1e9]), 1, codec, Given([theta, theta]))
    assert abs(abs(int(sent[0])) - levels) <= 1
    assert abs(int(sent[0])) <= codec.coordinate_bound


def test_a_weight_stops_growing_at_its_cap() -> None:
    update = np.array([0.3, -0.2])
    at_cap = encode(update, 100, CODEC, seeded())
    assert np.array_equal(at_cap, encode(update, 10**9, CODEC, seeded()))
    half = encode(update, 50, CODEC, seeded())
    assert np.all(np.abs(2 * half - at_cap) <= 2)


@pytest.mark.parametrize("records", [0, -1])
def test_a_client_without_records_sends_nothing(records: int) -> None:
    with pytest.raises(Refused) as caught:
        encode(np.array([0.1]), records, CODEC, seeded())
    assert caught.value.rule == "records"


# ---- read back

CLIENTS = st.lists(st.tuples(st.integers(1, 200), st.integers(0, 1000)), min_size=1, max_size=8)


@settings(deadline=None)
@given(CLIENTS, st.integers(1, 20))
def test_the_sum_reads_back_as_the_weighted_mean(clients: list[tuple[int, int]], size: int) -> None:
    updates = [clip(np.cos(np.arange(size) + seed) * (seed / 500), CODEC) for _, seed in clients]
    weights = [min(records, CODEC.weight_cap) / CODEC.weight_cap for records, _ in clients]
    total = np.sum(
        [
            encode(update, records, CODEC, seeded(seed))
            for update, (records, seed) in zip(updates, clients, strict=True)
        ],
        axis=0,
    )
    mean, records = decode(total, CODEC)
    level = CODEC.joint_norm / CODEC.levels
    # A client is off by less than one level and one fine step a coordinate.
    worst = len(clients) * level * (1 + 2.0 ** (1 - FINE_BITS))
    weight_sum = sum(weights)
    assert abs(records / CODEC.weight_cap - weight_sum) <= worst / CODEC.weight_scale
    if weight_sum * CODEC.weight_scale <= worst:
        return
    wanted = sum(w * u for w, u in zip(weights, updates, strict=True)) / weight_sum
    weight_low = weight_sum - worst / CODEC.weight_scale
    bound = (worst + np.abs(wanted) * worst / CODEC.weight_scale) / weight_low
    assert np.all(np.abs(mean - wanted) <= bound)


@pytest.mark.parametrize("weight_level", [0, -1, -(2**40)])
def test_a_weight_sum_of_zero_or_less_reads_as_no_update(weight_level: int) -> None:
    mean, records = decode(np.array([5, -7, weight_level], np.int64), CODEC)
    assert mean.tolist() == [0.0, 0.0]
    assert records == 0.0


def test_reading_is_the_same_whatever_the_memory_layout() -> None:
    total = np.arange(1, 4002, dtype=np.int64)
    strided = np.repeat(total, 3)[::3]
    one, other = decode(total, CODEC), decode(strided, CODEC)
    assert one[1] == other[1]
    assert one[0].tobytes() == other[0].tobytes()


# ---- the codec's numbers


@settings(deadline=None)
@given(CODECS, st.integers(1, 100_000))
def test_a_fields_bits_hold_the_worst_sum_and_not_one_bit_more(codec: Codec, clients: int) -> None:
    bits = codec.field_bits(clients)
    worst = clients * codec.coordinate_bound
    assert worst <= 2 ** (bits - 1) - 1
    assert worst > 2 ** (bits - 2) - 1


def test_errors_of_the_codec_never_carry_a_value() -> None:
    secret = 0.123456789
    for update in (np.array([secret, math.nan]), np.full((1, 1), secret)):
        with pytest.raises(BlindsumError) as caught:
            encode(update, 1, CODEC, seeded())
        assert "0.1234" not in str(caught.value)
