"""The harness keeps integers in the clear for the demo, and exactness has a way to fail."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from blindsum_cli.demo.exactness import OpenedRound, is_exact, read_round
from blindsum_cli.demo.harness import Harness
from blindsum_cli.demo.study_setup import set_up
from blindsum_crypto.errors import Rejected
from blindsum_rules.aggregate import Aggregate

VALUES = {"cleveland": [1, -2, 3], "hungary": [10, 20, -30], "switzerland": [0, 5, 7]}


@pytest.fixture
def harness(tmp_path: Path) -> Path:
    for hospital, values in VALUES.items():
        (tmp_path / hospital).mkdir()
        Harness(tmp_path / hospital).keep_integers(4, np.array(values, np.int64))
    return tmp_path


def opened(values: list[int], *members: str) -> OpenedRound:
    return OpenedRound(4, members, Aggregate(bytes(32), np.array(values, np.int64)))


def test_the_sum_over_the_members_is_exact(harness: Path) -> None:
    assert is_exact(opened([11, 18, -27], "cleveland", "hungary"), harness)
    assert is_exact(opened([11, 23, -20], *VALUES), harness)


def test_a_sum_of_other_members_or_off_by_one_is_not_exact(harness: Path) -> None:
    assert not is_exact(opened([11, 18, -27], *VALUES), harness)
    assert not is_exact(opened([11, 18, -26], "cleveland", "hungary"), harness)


def test_a_sum_of_another_length_is_not_exact(harness: Path) -> None:
    assert not is_exact(opened([11, 18], "cleveland", "hungary"), harness)


def test_a_member_that_kept_nothing_is_named_not_passed_over(harness: Path) -> None:
    with pytest.raises(Rejected) as caught:
        is_exact(opened([0, 0, 0], "cleveland", "va-long-beach"), harness)

    assert caught.value.rule == "harness"


def test_integers_of_another_type_are_rejected(harness: Path) -> None:
    np.save(harness / "hungary" / "000004.npy", np.zeros(3), allow_pickle=False)

    with pytest.raises(Rejected) as caught:
        is_exact(opened([0, 0, 0], *VALUES), harness)

    assert caught.value.rule == "harness"


def test_another_round_kept_nothing(harness: Path) -> None:
    with pytest.raises(Rejected) as caught:
        is_exact(replace(opened([1, -2, 3], "cleveland"), number=5), harness)

    assert caught.value.rule == "harness"


@pytest.mark.slow
def test_a_round_without_an_aggregate_is_unpublished(tmp_path: Path) -> None:
    study = set_up(tmp_path, rounds=3)

    with pytest.raises(Rejected) as caught:
        read_round(study.places.transcript, 0, study.manifest)

    assert caught.value.rule == "unpublished-round"


def test_marks_of_a_hospital_are_seen_and_taken_back(tmp_path: Path) -> None:
    harness = Harness(tmp_path)
    assert not harness.is_ready()
    assert not harness.is_held(3)

    harness.say_ready()
    harness.say_held(3)

    assert harness.is_ready()
    assert harness.is_held(3)
    assert not harness.is_held(4)
    harness.forget_ready()
    assert not harness.is_ready()


def test_seconds_and_final_model_come_back_as_they_were_kept(tmp_path: Path) -> None:
    harness = Harness(tmp_path)

    harness.keep_seconds(2, {"train": 0.5})
    harness.keep_final({"weight": np.ones(2, np.float32)})

    assert harness.seconds(2) == {"train": 0.5}
    assert harness.seconds(3) == {}
    with np.load(harness.final) as final:
        np.testing.assert_array_equal(final["weight"], np.ones(2, np.float32))
