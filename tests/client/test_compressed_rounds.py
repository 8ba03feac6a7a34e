"""Compressed studies through both seals: every opened sum is the plain sum of the integers."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from tests.client.compressed import (
    CLIENT_UNIT,
    CODEC,
    FEEDBACK,
    KEPT,
    SIZE,
    SPARSE,
    compressed_stage,
)
from tests.client.people import CLIENTS
from tests.client.stage import Stage

from blindsum_client.encode import RoundBasis, encode_units, encode_update
from blindsum_client.seals import client_seal
from blindsum_client.update import Update
from blindsum_crypto.errors import Rejected
from blindsum_crypto.randomness import SeededRandomness
from blindsum_rules.codec.encoding import decode, encode
from blindsum_rules.codec.units import encode_units as encode_rows
from blindsum_rules.privacy.guarantee import Unit
from blindsum_rules.privacy.study_plan import study_codec
from blindsum_rules.sparsity import Sparsity, SparsityRule, positions
from blindsum_rules.sum_bounds import sum_bounds

SEALS = ("ckks", "masking")
PRUNED = Sparsity(SparsityRule.PRUNE, KEPT)
RECORD_UNIT = CLIENT_UNIT.model_copy(update={"unit": Unit.RECORD, "units_per_client": 50})
ROUND_ID = bytes(range(32))

Integers = npt.NDArray[np.int64]


def levels_of(bits: int) -> int:
    """The levels whose stochastic rounding still fits a signed number of so many bits."""
    return (1 << (bits - 1)) - 2


def change(name: str, number: int, size: int) -> npt.NDArray[np.float64]:
    return np.asarray(np.cos(np.arange(size) * (2 + CLIENTS.index(name)) + number))


def play(stage: Stage, folder: Path, rounds: int = 2) -> list[Integers]:
    """Rounds of everybody with real encoding and sealing; the plain sum of each."""
    clients = {name: stage.client(folder / name, name) for name in CLIENTS}
    plain = []
    for number in range(rounds):
        stage.open_round()
        total = np.zeros(stage.manifest.body.vector_length, np.int64)
        taking_part = {name: next(iter(client.rounds())) for name, client in clients.items()}
        for name, round_ in taking_part.items():
            weight = change(name, number, stage.model.size)
            update = Update({"weight": weight}, records=100 + CLIENTS.index(name))
            integers = clients[name].encode(round_, update)
            clients[name].contribute(round_, integers)
            total += integers
        stage.publish()
        for name, round_ in taking_part.items():
            assert clients[name].outcome(round_).included
        plain.append(total)
    stage.end_study()
    for client in clients.values():
        assert list(client.rounds()) == []
        assert client.final()["weight"].tobytes() == stage.model.tobytes()
    return plain


def opened(stage: Stage) -> list[Integers]:
    return [staged.aggregate.values for staged in stage.rounds if staged.aggregate is not None]


@pytest.mark.slow
@pytest.mark.parametrize("seal", SEALS)
@pytest.mark.parametrize("sparsity", [None, SPARSE], ids=["dense", "random-k"])
@pytest.mark.parametrize("bits", [8, 12, 16, 19])
def test_levels_of_so_many_bits_open_to_the_plain_sum(
    tmp_path: Path, seal: str, sparsity: Sparsity | None, bits: int
) -> None:
    codec = replace(CODEC, levels=levels_of(bits))
    stage = compressed_stage(seals=(seal,), sparsity=sparsity, codec=codec)

    plain = play(stage, tmp_path)

    assert [values.tolist() for values in opened(stage)] == [total.tolist() for total in plain]
    assert any(total.any() for total in plain)
    assert codec.coordinate_bound == 2 ** (bits - 1) - 1
    assert sum_bounds(stage.manifest.body, len(CLIENTS)).field_bits == bits + 2  # four clients


@pytest.mark.slow
@pytest.mark.parametrize("seal", SEALS)
@pytest.mark.parametrize(
    "changes",
    [
        {"sparsity": PRUNED},
        {"sparsity": SPARSE, "local_methods": FEEDBACK},
        {"sparsity": PRUNED, "local_methods": FEEDBACK},
        {"local_methods": FEEDBACK},
        {"sparsity": SPARSE, "wish": CLIENT_UNIT},
        {"sparsity": SPARSE, "wish": CLIENT_UNIT, "local_methods": FEEDBACK},
    ],
    ids=["prune", "random-k-feedback", "prune-feedback", "feedback", "private", "private-feedback"],
)
def test_a_compressed_study_opens_to_the_plain_sum_and_every_client_to_its_model(
    tmp_path: Path, seal: str, changes: dict[str, Any]
) -> None:
    stage = compressed_stage(seals=(seal,), **changes)

    plain = play(stage, tmp_path)

    assert [values.tolist() for values in opened(stage)] == [total.tolist() for total in plain]
    assert len(plain) == 2
    if changes.get("sparsity") is PRUNED:
        assert np.count_nonzero(stage.model) == KEPT
    else:
        assert np.count_nonzero(stage.model) > KEPT


@pytest.mark.slow
@pytest.mark.parametrize("seal", SEALS)
def test_a_tenth_of_a_million_values_takes_a_tenth_of_the_bytes_and_opens_exactly(
    tmp_path: Path, seal: str
) -> None:
    size, codec = 1_000_000, replace(CODEC, levels=levels_of(12))
    dense = compressed_stage(seals=(seal,), codec=codec, size=size)
    tenth = Sparsity(SparsityRule.RANDOM_K, size // 10)
    sparse = compressed_stage(seals=(seal,), codec=codec, size=size, sparsity=tenth)
    sizes = []
    for stage in (dense, sparse):
        agreements = stage.people.agreements_of("cleveland")
        sizes.append(client_seal(stage.spec(), stage.manifest.body, agreements).payload_bytes)

    (plain,) = play(sparse, tmp_path, rounds=1)

    sealed = {name: len(upload.payload) for name, upload in sparse.rounds[0].uploads.items()}
    assert np.array_equal(opened(sparse)[0], plain)
    assert np.count_nonzero(plain) > 1000
    assert sealed == dict.fromkeys(CLIENTS, sizes[1])
    assert 9 < sizes[0] / sizes[1] <= 10.01


@pytest.mark.parametrize("rule", list(SparsityRule))
def test_an_update_is_cut_before_it_is_clipped_and_its_weight_stays(rule: SparsityRule) -> None:
    stage = compressed_stage(sparsity=Sparsity(rule, KEPT))
    study, basis = stage.manifest.body, RoundBasis(ROUND_ID, stage.model)
    travels = positions(Sparsity(rule, KEPT), stage.model, ROUND_ID)
    update = np.full(SIZE, 1e6)
    update[travels] = np.linspace(-0.5, 0.5, KEPT)  # far within the clip norm

    integers = encode_update(
        Update({"weight": update}, records=500), basis, study, SeededRandomness(b"cut")
    )

    same = encode(update[travels], 500, study.weighted_codec, SeededRandomness(b"cut"))
    mean, records = decode(integers, study.weighted_codec)
    assert np.array_equal(integers, same)
    assert np.allclose(mean, update[travels], atol=4e-3)
    assert records == pytest.approx(500, rel=1e-3)


@pytest.mark.parametrize("rule", list(SparsityRule))
def test_units_are_cut_batch_by_batch_before_they_are_clipped(rule: SparsityRule) -> None:
    stage = compressed_stage(RECORD_UNIT, sparsity=Sparsity(rule, KEPT))
    study, basis = stage.manifest.body, RoundBasis(ROUND_ID, stage.model)
    travels = positions(Sparsity(rule, KEPT), stage.model, ROUND_ID)
    rows = np.sin(np.arange(9 * SIZE, dtype=np.float64)).reshape(9, SIZE)

    cut, report = encode_units([rows[:4], rows[4:]], basis, study, SeededRandomness(b"units"))

    whole, same = encode_rows(
        [rows[:, travels]], study_codec(study, 0.5), SeededRandomness(b"units")
    )
    assert np.array_equal(cut, whole)
    assert report == same
    assert cut.shape == (KEPT,) == (study.vector_length,)


@pytest.mark.parametrize("shape", [(3, SIZE + 1), (3, KEPT), (SIZE,), (1, 1, SIZE)])
@pytest.mark.parametrize("sparsity", [None, SPARSE], ids=["dense", "random-k"])
def test_units_of_another_length_are_rejected_before_they_are_cut(
    shape: tuple[int, ...], sparsity: Sparsity | None
) -> None:
    stage = compressed_stage(RECORD_UNIT, sparsity=sparsity)
    basis = RoundBasis(ROUND_ID, stage.model)

    with pytest.raises(Rejected) as caught:
        encode_units([np.zeros(shape)], basis, stage.manifest.body, SeededRandomness(b"units"))

    assert caught.value.rule == "unit-batch"
