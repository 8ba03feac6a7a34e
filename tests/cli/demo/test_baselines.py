"""The study in the clear, the pool, and each hospital alone; and what the demo says of them."""

import numpy as np
import numpy.typing as npt
import pytest

from blindsum_cli.demo.baselines import alone, averaged, federated, pooled
from blindsum_cli.demo.heart_disease import (
    HOSPITALS,
    Records,
    pooled_test_records,
    training_records,
)
from blindsum_cli.demo.local_training import RECIPE, Recipe, train
from blindsum_cli.demo.network import (
    VECTOR_LENGTH,
    Model,
    from_vector,
    initial_model,
    to_vector,
)
from blindsum_cli.demo.scoring import aucs, best_alone, paired_gap
from blindsum_crypto.errors import Refused, Rejected

SHORT = Recipe(rounds=2, local_steps=1, learning_rate=0.5, weight_decay=0.01)
CLIP_NORM, LEVELS, LARGEST_COUNT = 8.0, 2**18, 256


def _full_of(value: float) -> Model:
    return from_vector(np.full(VECTOR_LENGTH, value, np.float32))


def _weighted(model: Model, records: Records) -> npt.NDArray[np.float64]:
    """A hospital's vector: its update times n / n_max, and that weight as one more coordinate."""
    weight = min(records.count, LARGEST_COUNT) / LARGEST_COUNT
    return np.append(to_vector(train(model, records)).astype(np.float64) * weight, weight)


def test_an_average_weighs_every_update_by_its_records() -> None:
    following = averaged(_full_of(1), [_full_of(2), _full_of(-4)], [300, 100])
    np.testing.assert_array_equal(to_vector(following), np.full(VECTOR_LENGTH, 1.5, np.float32))


def test_an_average_does_not_depend_on_the_scale_of_its_weights() -> None:
    updates = [_full_of(0.3), _full_of(-0.7)]
    counted = averaged(initial_model(), updates, [228, 92])
    scaled = averaged(initial_model(), updates, [228 / 256, 92 / 256])
    np.testing.assert_array_equal(to_vector(counted), to_vector(scaled))


def test_an_average_is_taken_in_float64_and_cast_once() -> None:
    updates = [_full_of(2.0**24), _full_of(1), _full_of(-(2.0**24))]
    following = averaged(initial_model(), updates, [1, 1, 1])
    np.testing.assert_array_equal(
        to_vector(following), np.full(VECTOR_LENGTH, 1 / 3, dtype=np.float32)
    )


@pytest.mark.parametrize("weights", [[], [1], [1, 0], [1, -1], [1, 1, 1]])
def test_an_average_without_one_positive_weight_for_each_update_is_rejected(
    weights: list[float],
) -> None:
    with pytest.raises(Rejected) as caught:
        averaged(initial_model(), [_full_of(1), _full_of(2)], weights)
    assert caught.value.rule == "average-weights"


def test_an_average_of_an_update_that_does_not_fit_is_rejected() -> None:
    with pytest.raises(Rejected) as caught:
        averaged(initial_model(), [{"split0/bias": np.zeros(1, np.float32)}], [1])
    assert caught.value.rule == "model-layout"


def test_a_study_gives_the_model_after_every_round(sites: dict[str, Records]) -> None:
    models = federated(sites, SHORT)
    assert len(models) == SHORT.rounds
    updates = [train(models[0], records, SHORT) for records in sites.values()]
    by_hand = averaged(models[0], updates, [records.count for records in sites.values()])
    np.testing.assert_array_equal(to_vector(models[1]), to_vector(by_hand))


def test_an_absent_hospital_has_no_part_in_its_round_and_returns_in_the_next(
    sites: dict[str, Records],
) -> None:
    models = federated(sites, SHORT, {0: {"hungary"}})
    present = {hospital: r for hospital, r in sites.items() if hospital != "hungary"}
    without = federated(present, SHORT)
    np.testing.assert_array_equal(to_vector(models[0]), to_vector(without[0]))
    assert not np.array_equal(to_vector(models[1]), to_vector(without[1]))


def test_a_round_without_anybody_is_refused(sites: dict[str, Records]) -> None:
    with pytest.raises(Refused) as caught:
        federated(sites, SHORT, {1: set(HOSPITALS)})
    assert caught.value.rule == "no-survivors"


def test_a_pool_of_one_hospital_is_that_hospital_alone(sites: dict[str, Records]) -> None:
    cleveland = {"cleveland": sites["cleveland"]}
    by_pool, by_itself = pooled(cleveland, SHORT), alone(cleveland, SHORT)["cleveland"]
    np.testing.assert_array_equal(to_vector(by_pool), to_vector(by_itself))


def test_one_step_a_round_makes_the_study_and_the_pool_the_same(sites: dict[str, Records]) -> None:
    """The mean of gradients, weighted by records, is the gradient of all records."""
    together, pool = federated(sites, SHORT)[-1], pooled(sites, SHORT)
    np.testing.assert_allclose(to_vector(together), to_vector(pool), atol=1e-6)


def test_together_the_hospitals_beat_the_best_of_them_and_come_close_to_the_pool(
    sites: dict[str, Records], pooled_test: Records, study: tuple[Model, ...]
) -> None:
    ours = aucs(study[-1], pooled_test)
    rows = {hospital: aucs(model, pooled_test) for hospital, model in alone(sites).items()}
    best = paired_gap(ours, rows[best_alone(rows)])
    pool = paired_gap(aucs(pooled(sites), pooled_test), ours)
    assert ours.mean() > 0.90
    assert best.mean > 0.015
    assert best.smallest > 0
    assert pool.mean < 0.005


@pytest.mark.parametrize("split_seed", [0, 1, 2])
def test_the_demos_claim_holds_on_other_splits_too(split_seed: int) -> None:
    others = {hospital: training_records(hospital, split_seed) for hospital in HOSPITALS}
    test = pooled_test_records(split_seed)
    ours = aucs(federated(others)[-1], test)
    rows = {hospital: aucs(model, test) for hospital, model in alone(others).items()}
    assert paired_gap(ours, rows[best_alone(rows)]).mean > 0.01


@pytest.mark.parametrize("hospital", HOSPITALS)
@pytest.mark.parametrize("round_number", [0, 6, RECIPE.rounds - 1])
def test_a_hospital_that_misses_one_round_hardly_matters(
    sites: dict[str, Records],
    pooled_test: Records,
    study: tuple[Model, ...],
    hospital: str,
    round_number: int,
) -> None:
    model = federated(sites, absent={round_number: {hospital}})[-1]
    whole, without = aucs(study[-1], pooled_test), aucs(model, pooled_test)
    assert not np.array_equal(to_vector(model), to_vector(study[-1]))
    assert abs(whole.mean() - without.mean()) < 0.0015


def test_hidden_weights_and_whole_numbers_leave_the_auc_where_it_was(
    sites: dict[str, Records], pooled_test: Records, study: tuple[Model, ...]
) -> None:
    generator = np.random.default_rng(4)
    model = initial_model()
    for _ in range(RECIPE.rounds):
        total = np.zeros(VECTOR_LENGTH + 1, np.int64)
        for records in sites.values():
            vector = _weighted(model, records) * LEVELS / CLIP_NORM
            total += np.floor(vector + generator.random(vector.size)).astype(np.int64)
        mean = total[:-1] / total[-1]
        model = from_vector((to_vector(model).astype(np.float64) + mean).astype(np.float32))
    gap = aucs(model, pooled_test) - aucs(study[-1], pooled_test)
    assert np.abs(gap).max() < 0.001


def test_no_hospitals_weighted_update_comes_near_the_clip_norm(
    sites: dict[str, Records], study: tuple[Model, ...]
) -> None:
    starts = (initial_model(), *study[:-1])
    norms = [np.linalg.norm(_weighted(m, records)) for m in starts for records in sites.values()]
    assert 0 < max(norms) < CLIP_NORM / 2
