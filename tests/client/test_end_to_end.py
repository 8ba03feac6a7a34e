"""The front page's loop against the real aggregator and the real custodians, all over sockets."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from tests.client.compressed import CLIENT_UNIT, FEEDBACK
from tests.client.people import CLIENTS, LAYOUT, initial_arrays
from tests.client.running import ROUNDS, Study, running_study

from blindsum_client import Round, Update
from blindsum_rules.next_model import next_model
from blindsum_rules.sparsity import Sparsity, SparsityRule

Integers = npt.NDArray[np.int64]
Kept = dict[tuple[int, str], tuple[bytes, Integers]]
"""By round and client: the id of the round, and what the client sealed for it."""


@pytest.fixture
def study(tmp_path: Path) -> Iterator[Study]:
    with running_study(tmp_path) as running:
        yield running


def train(model: dict[str, npt.NDArray[np.float32]], name: str, round_: Round) -> Update:
    """A change that depends on who trains, on the round and on the model."""
    step = 0.1 * (CLIENTS.index(name) + 1) + 0.01 * round_.number
    changes = {array: np.full_like(values, step) - 0.05 * values for array, values in model.items()}
    return Update(changes, records=100 * (CLIENTS.index(name) + 1))


def take_part(study: Study, name: str, kept: Kept) -> dict[str, npt.NDArray[np.float32]]:
    """The loop of the front page; the integers are kept by this test and by nobody else."""
    with study.join(name) as client:
        for round_ in client.rounds():
            update = train(round_.model, name, round_)
            integers = client.encode(round_, update)
            kept[round_.number, name] = round_.round_id, integers
            receipt = client.contribute(round_, integers)
            assert receipt.body.client == name
            outcome = client.outcome(round_)
            assert outcome.published
            assert outcome.included
        return client.final()


def expected_model(study: Study, kept: Kept, rounds: int) -> npt.NDArray[np.float32]:
    """What the declared function makes of the plain sums of the kept integers."""
    body = study.manifest.body
    model = LAYOUT.flatten(initial_arrays()).astype(np.float32)
    for number in range(rounds):
        sent = [one for (of_round, _), one in kept.items() if of_round == number]
        (round_id,) = {round_id for round_id, _ in sent}
        total = np.sum([integers for _, integers in sent], axis=0)
        model = next_model(body, model, total, round_id)
    return model


def check_training(study: Study) -> npt.NDArray[np.float32]:
    """Train to the end, and compare every final model with that of the plain sums, bit by bit."""
    kept: Kept = {}

    with ThreadPoolExecutor(len(CLIENTS)) as hospitals:
        running = [hospitals.submit(take_part, study, name, kept) for name in CLIENTS]
        finals = [one.result(120) for one in running]

    assert sorted(kept) == [(number, name) for number in range(ROUNDS) for name in CLIENTS]
    flat = expected_model(study, kept, ROUNDS)
    expected = {name: array.tobytes() for name, array in LAYOUT.unflatten(flat).items()}
    for final in finals:
        assert {name: array.tobytes() for name, array in final.items()} == expected
    return flat


@pytest.mark.slow
def test_four_hospitals_train_through_the_real_roles_to_the_bit_exact_model(study: Study) -> None:
    check_training(study)


@pytest.mark.slow
@pytest.mark.parametrize("seal", ["ckks", "masking"])
@pytest.mark.parametrize(
    "changes",
    [
        {"sparsity": Sparsity(SparsityRule.RANDOM_K, 3), "local_methods": FEEDBACK},
        {"sparsity": Sparsity(SparsityRule.PRUNE, 3)},
        {
            "sparsity": Sparsity(SparsityRule.RANDOM_K, 3),
            "local_methods": FEEDBACK,
            "wish": CLIENT_UNIT.model_copy(update={"planned_rounds": ROUNDS}),
        },
    ],
    ids=["random-k-feedback", "prune", "private-random-k-feedback"],
)
def test_a_compressed_study_trains_through_the_real_roles_to_the_bit_exact_model(
    tmp_path: Path, seal: str, changes: dict[str, Any]
) -> None:
    with running_study(tmp_path, seals=(seal,), **changes) as study:
        final = check_training(study)

    is_pruned = changes["sparsity"].rule is SparsityRule.PRUNE
    assert np.count_nonzero(final) == (3 if is_pruned else LAYOUT.size)
    kept_residual = (tmp_path / "state" / "hungary" / "residual.bin").exists()
    assert kept_residual == ("local_methods" in changes)


@pytest.mark.slow
def test_after_the_end_a_client_looks_back_and_one_that_lost_everything_replays_the_study(
    study: Study,
) -> None:
    with ThreadPoolExecutor(len(CLIENTS)) as hospitals:
        running = [hospitals.submit(take_part, study, name, {}) for name in CLIENTS]
        final, *_ = [one.result(120) for one in running]

    with study.join("hungary") as again:
        assert list(again.rounds()) == []
        assert [again.look_back(number).included for number in range(ROUNDS)] == [True] * ROUNDS

    with study.join("hungary", state="a-new-disk") as late:
        assert list(late.rounds()) == []
        assert late.final()["weight"].tobytes() == final["weight"].tobytes()
