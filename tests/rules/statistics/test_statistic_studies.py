"""Statistic studies: manifests, bounds, the counter of answers, results, windows (threat T5a)."""

from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pytest
from tests.rules.conftest import build_study
from tests.rules.statistics.conftest import make_query, privately, statistics

from blindsum_crypto.errors import BlindsumError, Refused, Rejected
from blindsum_rules.codec.parameters import Codec
from blindsum_rules.differencing import scope_of
from blindsum_rules.manifest import DifferencingScope, Manifest, StudyKind
from blindsum_rules.manifest_checks import check_manifest
from blindsum_rules.next_model import next_model
from blindsum_rules.privacy.guarantee import Unit
from blindsum_rules.privacy.study_plan import study_plan
from blindsum_rules.spec_checks import check_spec
from blindsum_rules.statistics.answered import nothing_answered, query_of
from blindsum_rules.statistics.building import count, mean
from blindsum_rules.statistics.result import read_result
from blindsum_rules.sum_bounds import sum_bounds

NO_ROUND = bytes(32)
SHORT = make_query("short", cells=count("all"))
CODEC = Codec(clip_norm=1.0, levels=4096, weight_cap=100, weight_scale=0.5)


def both() -> Manifest:
    return statistics(make_query(), SHORT)


def test_statistics_pass_with_noise_and_without() -> None:
    for manifest in (both(), privately(both())):
        check_manifest(manifest)
        assert manifest.vector_length == 7
    assert study_plan(privately(both())).guarantee.epsilon <= 1.0


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"queries": ()}, "statistic-queries"),
        ({"queries": (SHORT, SHORT)}, "statistic-queries"),
        ({"kind": StudyKind.MODEL}, "statistic-queries"),
        ({"kind": StudyKind.MODEL, "queries": ()}, "codec-or-privacy"),
        ({"codec": CODEC}, "statistic-model"),
        ({"layout": build_study(4, 2, 3, 5).body.layout}, "statistic-model"),
        ({"initial_model_digest": bytes(32)}, "statistic-model"),
        ({"update_rule": "fedavg"}, "statistic-model"),
        ({"server_learning_rate": 2.0}, "statistic-model"),
        ({"local_methods": ("momentum",)}, "statistic-model"),
        ({"queries": tuple(make_query(f"q{n}") for n in range(6))}, "statistic-rounds"),
    ],
)
def test_a_study_that_mixes_asking_and_training_is_refused(
    changes: dict[str, Any], rule: str
) -> None:
    with pytest.raises(Refused) as caught:
        check_manifest(replace(both(), **changes))
    assert caught.value.rule == rule


@pytest.mark.parametrize(
    "changes",
    [
        {"clip_norm": 1.0},
        {"reference_units": 2},
        {"planned_rounds": 1},
        {"units_per_client": 99},
        {"unit": Unit.CLIENT},
        {"unit": Unit.PATIENT},
    ],
)
def test_a_policy_that_is_not_what_the_queries_come_to_is_refused(
    changes: dict[str, Any],
) -> None:
    manifest = privately(both())
    assert manifest.privacy is not None
    policy = replace(manifest.privacy, **changes)

    with pytest.raises(Refused) as caught:
        check_manifest(replace(manifest, privacy=policy))

    assert caught.value.rule == "statistic-privacy"


def test_the_field_holds_the_worst_sum_of_the_whole_roster_and_is_not_a_bit_wider() -> None:
    bounds = sum_bounds(both(), 5)

    assert bounds.coordinate == 100 * 90
    worst = 5 * bounds.coordinate
    assert 2 ** (bounds.field_bits - 1) - 1 >= worst > 2 ** (bounds.field_bits - 2) - 1


def test_queries_whose_sum_no_field_holds_are_refused() -> None:
    huge = make_query(max_records=1 << 30, cells=mean("m", "c", 0, 1 << 31))
    with pytest.raises(BlindsumError):
        check_manifest(statistics(huge))


def test_every_possible_sum_answers_a_query_and_the_last_one_none() -> None:
    manifest, model = both(), nothing_answered()
    aggregate = np.zeros(7, np.int64)
    aggregate[:3] = (500, -20 * 500, 500)
    model = next_model(manifest, model, aggregate, NO_ROUND)
    assert model.tolist() == [1.0]

    aggregate[:] = 0
    aggregate[0] = 500
    model = next_model(manifest, model, aggregate, NO_ROUND)
    assert model.tolist() == [2.0]
    assert next_model(manifest, model, aggregate, NO_ROUND).tolist() == [2.0]


@pytest.mark.parametrize(("cell", "value"), [(0, 501), (0, -1), (1, 90 * 500 + 1), (1, -10_001)])
def test_a_sum_that_honest_records_cannot_add_up_to_answers_nothing(cell: int, value: int) -> None:
    aggregate = np.zeros(7, np.int64)
    aggregate[cell] = value

    assert next_model(both(), nothing_answered(), aggregate, NO_ROUND).tolist() == [0.0]
    noisy = next_model(privately(both()), nothing_answered(), aggregate, NO_ROUND)
    assert noisy.tolist() == [1.0]


def test_padding_that_is_not_zero_answers_nothing() -> None:
    aggregate = np.zeros(7, np.int64)
    aggregate[6] = 1
    second = np.ones(1, np.float32)

    assert next_model(both(), second, aggregate, NO_ROUND).tolist() == [1.0]


def test_an_aggregate_of_another_length_is_rejected() -> None:
    with pytest.raises(Rejected) as caught:
        next_model(both(), nothing_answered(), np.zeros(6, np.int64), NO_ROUND)
    assert caught.value.rule == "aggregate-length"


def test_no_round_is_open_to_a_query_that_does_not_stand_in_the_manifest() -> None:
    manifest = both()
    people = build_study(4, 2, 3, 5)
    study = replace(people, manifest=people.sign(manifest, "operator"))
    check_spec(study.spec(round_number=3, model_version=1), study.amended, None)

    with pytest.raises(Refused) as caught:
        check_spec(study.spec(round_number=3, model_version=2), study.amended, None)

    assert caught.value.rule == "query-left"
    with pytest.raises(Refused):
        query_of(manifest, -1)


def test_rounds_whose_windows_overlap_count_as_one_version() -> None:
    first = make_query("first", date_column="day")
    second = replace(first, name="second", window_from=date(2026, 1, 31))
    second = replace(second, window_to=date(2026, 3, 1))
    third = replace(first, name="third", window_from=date(2026, 2, 15), window_to=date(2026, 4, 1))
    manifest = statistics(first, second, third, no_differencing=DifferencingScope.VERSION)

    assert scope_of(manifest, 0) == frozenset({0, 1})
    assert scope_of(manifest, 1) == frozenset({0, 1, 2})
    assert scope_of(manifest, 2) == frozenset({1, 2})
    of_study = replace(manifest, no_differencing=DifferencingScope.STUDY)
    assert scope_of(of_study, 0) is DifferencingScope.STUDY
    trains = build_study(4, 2, 3, 5).body
    assert scope_of(trains, 0) is DifferencingScope.VERSION


def test_an_exact_result_is_the_sum_as_it_is() -> None:
    aggregate = np.array([3, 100, 4, 1, 2, 0, 1], np.int64)
    result = read_result(both(), 0, aggregate, ("client-00", "client-01"))

    assert result.values.tolist() == aggregate.tolist()
    assert result.values.dtype == np.int64
    assert result.cell("diseased").value == 3
    assert result.mean("age").value == 25
    assert result.mean("age").deviation == 0
    assert sum(one.value for one in result.histogram("bins").values()) == 4
    assert np.isnan(read_result(both(), 0, aggregate * 0, ()).mean("age").value)
    assert "100" not in repr(result)
    assert read_result(both(), 1, aggregate, ()).values.tolist() == [3]


def test_a_noisy_result_comes_in_the_units_of_its_cells_with_the_noise_of_all_members() -> None:
    manifest = privately(both())
    assert manifest.privacy is not None
    levels, norm = manifest.privacy.levels, manifest.queries[0].norm
    result = read_result(manifest, 0, np.full(7, levels, np.int64), ("a", "b", "c"))

    assert result.values[:3] == pytest.approx([norm, 90 * norm, norm])
    noise = np.sqrt(3 * (manifest.privacy.share_variance + 0.25)) * norm / levels
    assert result.deviation[:3] == pytest.approx([noise, 90 * noise, noise])
    ratio = result.mean("age")
    assert ratio.deviation == pytest.approx(np.hypot(90 * noise, 90 * noise) / norm)


@pytest.mark.parametrize(("name", "rule"), [("nothing", "query-cell"), ("age", "query-cell")])
def test_a_cell_that_was_not_asked_for_is_refused(name: str, rule: str) -> None:
    result = read_result(both(), 0, np.zeros(7, np.int64), ())
    with pytest.raises(Refused) as caught:
        result.cell(name)
    assert caught.value.rule == rule
    with pytest.raises(Refused) as caught:
        result.histogram(name)
    assert caught.value.rule == "query-group"
