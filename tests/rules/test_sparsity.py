"""Which coordinates travel: the same on every machine, every subset equally likely."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from tests.vectors import generate_sparsity

from blindsum_crypto.errors import BlindsumError, Refused
from blindsum_crypto.primitives import digest
from blindsum_rules import sparsity
from blindsum_rules.model import Model
from blindsum_rules.sparsity import Sparsity, SparsityRule, positions

VECTORS = Path(__file__).parents[1] / "vectors"
RULES = tuple(SparsityRule)


def model_of(size: int) -> Model:
    return np.sin(np.arange(size, dtype=np.float64) * 1.7).astype(np.float32)


def every_test() -> Iterator[Any]:
    content = json.loads((VECTORS / "sparsity.json").read_text(encoding="utf-8"))
    for group in content["testGroups"]:
        for test in group["tests"]:
            yield pytest.param({"type": group["type"], **test}, id=f"sparsity-{test['tcId']}")


def found(test: dict[str, Any]) -> list[int]:
    if test["type"] == "randomK":
        rule, model = SparsityRule.RANDOM_K, np.zeros(test["size"], np.float32)
        round_id = bytes.fromhex(test["roundId"])
    else:
        rule, round_id = SparsityRule.PRUNE, bytes(32)
        model = np.frombuffer(bytes.fromhex(test["model"]), "<f4").astype(np.float32)
    return [int(place) for place in positions(Sparsity(rule, test["kept"]), model, round_id)]


@pytest.mark.parametrize("test", list(every_test()))
def test_every_known_answer_holds_and_what_cannot_be_kept_is_refused(test: dict[str, Any]) -> None:
    if test["result"] == "valid":
        assert found(test) == test["positions"]
        return
    with pytest.raises(BlindsumError) as caught:
        found(test)
    assert caught.value.rule == test["rule"]


def test_the_script_writes_the_file_that_is_there() -> None:
    text = (VECTORS / "sparsity.json").read_text(encoding="utf-8")
    assert text == generate_sparsity.render()
    content = json.loads(text)
    tests = [test for group in content["testGroups"] for test in group["tests"]]
    assert content["numberOfTests"] == len(tests)
    assert {test["result"] for test in tests} == {"valid", "invalid"}


@settings(deadline=None)
@given(st.integers(2, 3000), st.data(), st.sampled_from(RULES), st.binary(min_size=32, max_size=32))
def test_positions_are_distinct_ascending_and_in_range(
    size: int, data: st.DataObject, rule: SparsityRule, round_id: bytes
) -> None:
    kept = data.draw(st.integers(1, size - 1))

    chosen = positions(Sparsity(rule, kept), model_of(size), round_id)

    assert chosen.dtype == np.int64
    assert chosen.shape == (kept,)
    assert (np.diff(chosen) > 0).all()
    assert chosen[0] >= 0
    assert chosen[-1] < size


@settings(deadline=None)
@given(
    hnp.arrays(np.float32, st.integers(2, 60), elements=st.floats(width=32, allow_nan=True)),
    st.data(),
)
def test_pruning_is_a_stable_sort_by_size(model: Model, data: st.DataObject) -> None:
    kept = data.draw(st.integers(1, model.size - 1))
    chosen = positions(Sparsity(SparsityRule.PRUNE, kept), model, bytes(32))
    assert chosen.tolist() == generate_sparsity.largest(model.tolist(), kept)


def test_of_equal_words_the_lower_coordinates_travel(monkeypatch: pytest.MonkeyPatch) -> None:
    words = np.array([7, 3, 7, 7, 1, 7], np.uint64)
    monkeypatch.setattr(sparsity, "keystream", lambda *_: words.view(np.uint8))

    def drawn(kept: int) -> list[int]:
        rule = Sparsity(SparsityRule.RANDOM_K, kept)
        return [int(place) for place in positions(rule, np.zeros(6, np.float32), bytes(32))]

    assert [drawn(kept) for kept in range(1, 6)] == [
        [4],
        [1, 4],
        [0, 1, 4],
        [0, 1, 2, 4],
        [0, 1, 2, 3, 4],
    ]


def test_random_k_depends_on_the_round_and_not_on_the_model_and_prune_the_other_way() -> None:
    one, other = digest("test/round", b"1"), digest("test/round", b"2")
    random_k, prune = (Sparsity(rule, 100) for rule in RULES)
    model = model_of(1000)

    assert not np.array_equal(positions(random_k, model, one), positions(random_k, model, other))
    assert np.array_equal(positions(random_k, model, one), positions(random_k, -model + 1, one))
    assert np.array_equal(positions(prune, model, one), positions(prune, model, other))
    assert not np.array_equal(positions(prune, model, one), positions(prune, model[::-1], one))


def counts(size: int, kept: int, rounds: int) -> npt.NDArray[np.int64]:
    """How often each coordinate, and each pair of neighbours, travels in so many rounds."""
    single, pairs = np.zeros(size, np.int64), np.zeros(size, np.int64)
    zeros, rule = np.zeros(size, np.float32), Sparsity(SparsityRule.RANDOM_K, kept)
    for number in range(rounds):
        travels = np.zeros(size, bool)
        travels[positions(rule, zeros, digest("test/uniform", b"%d" % number))] = True
        single += travels
        pairs += travels & np.roll(travels, 1)
    return np.array([single, pairs])


def test_every_coordinate_and_every_pair_is_equally_likely() -> None:
    size, kept, rounds = 101, 20, 20_000
    share = kept / size
    together = share * (kept - 1) / (size - 1)

    single, pairs = counts(size, kept, rounds)

    # Chi-square over coordinates, corrected for drawing without replacement: size - 1 degrees of
    # freedom. The draws are fixed; 149.4 is exceeded by one stream in a thousand.
    statistic = ((single - rounds * share) ** 2).sum() / (rounds * share * (1 - share))
    assert statistic * (size - 1) / size < 149.4
    assert statistic > 60  # nor more even than chance
    deviation = np.sqrt(rounds * together * (1 - together))
    assert np.abs(pairs - rounds * together).max() < 5 * deviation


def test_a_million_coordinates_take_well_under_a_second() -> None:
    model = model_of(1_000_000)
    for rule in RULES:
        started = time.process_time()
        chosen = positions(Sparsity(rule, 100_000), model, bytes(32))
        assert time.process_time() - started < 0.5
        assert chosen.size == 100_000


def test_a_thread_that_flushes_subnormals_chooses_the_same() -> None:
    model = np.array([0.0, 1e-45, 0.0, 1e-40, 0.0, 1e-42], np.float32)
    rule = Sparsity(SparsityRule.PRUNE, 3)
    torch.set_flush_denormal(True)
    try:
        chosen = positions(rule, model, bytes(32)).tolist()
    finally:
        torch.set_flush_denormal(False)
    assert chosen == [1, 3, 5]


@pytest.mark.parametrize("kept", [0, -1])
def test_keeping_nothing_is_refused(kept: int) -> None:
    with pytest.raises(Refused) as caught:
        Sparsity(SparsityRule.PRUNE, kept)
    assert caught.value.rule == "sparsity"
