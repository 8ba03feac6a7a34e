"""The harness keeps integers in the clear for the demo, and exactness has a way to fail."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from blindsum_cli.demo.exactness import (
    OpenedRound,
    are_same_models,
    are_same_sums,
    integers_of,
    is_exact,
    read_round,
)
from blindsum_cli.demo.harness import Harness, rounding_coins
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


def opened(values: list[int], *members: str, model: bytes = b"model") -> OpenedRound:
    return OpenedRound(4, members, Aggregate(bytes(32), np.array(values, np.int64)), model)


def exact(one: OpenedRound, harness: Path) -> bool:
    return is_exact(one, integers_of(one, harness))


def test_the_sum_over_the_members_is_exact(harness: Path) -> None:
    assert exact(opened([11, 18, -27], "cleveland", "hungary"), harness)
    assert exact(opened([11, 23, -20], *VALUES), harness)


def test_a_sum_of_other_members_or_off_by_one_is_not_exact(harness: Path) -> None:
    assert not exact(opened([11, 18, -27], *VALUES), harness)
    assert not exact(opened([11, 18, -26], "cleveland", "hungary"), harness)


def test_a_sum_of_another_length_is_not_exact(harness: Path) -> None:
    assert not exact(opened([11, 18], "cleveland", "hungary"), harness)


def test_a_member_that_kept_nothing_is_named_not_passed_over(harness: Path) -> None:
    with pytest.raises(Rejected) as caught:
        integers_of(opened([0, 0, 0], "cleveland", "va-long-beach"), harness)

    assert caught.value.rule == "harness"


def test_integers_of_another_type_are_rejected(harness: Path) -> None:
    np.save(harness / "hungary" / "000004.npy", np.zeros(3), allow_pickle=False)

    with pytest.raises(Rejected) as caught:
        integers_of(opened([0, 0, 0], *VALUES), harness)

    assert caught.value.rule == "harness"


def test_another_round_kept_nothing(harness: Path) -> None:
    with pytest.raises(Rejected) as caught:
        integers_of(replace(opened([1, -2, 3], "cleveland"), number=5), harness)

    assert caught.value.rule == "harness"


def test_the_same_sum_of_the_same_integers_of_the_same_members_is_the_same(harness: Path) -> None:
    one = opened([11, 23, -20], *VALUES)
    integers = integers_of(one, harness)

    assert are_same_sums([(one, integers)])
    assert are_same_sums([(one, integers), (opened([11, 23, -20], *VALUES), integers)])


@pytest.mark.parametrize(
    ("members", "values"),
    [
        (("cleveland", "hungary"), [11, 23, -20]),
        (tuple(VALUES), [11, 23, -19]),
    ],
    ids=["other members", "another sum"],
)
def test_another_set_or_another_sum_is_not_the_same(
    harness: Path, members: tuple[str, ...], values: list[int]
) -> None:
    one, other = opened([11, 23, -20], *VALUES), opened(values, *members)

    assert not are_same_sums(
        [(one, integers_of(one, harness)), (other, integers_of(other, harness))]
    )


def test_other_integers_are_not_the_same_even_where_their_sum_is(harness: Path) -> None:
    one = opened([11, 23, -20], *VALUES)
    integers = dict(integers_of(one, harness))
    others = {
        **integers,
        "cleveland": integers["cleveland"] + 1,
        "hungary": integers["hungary"] - 1,
    }

    assert is_exact(one, others)
    assert not are_same_sums([(one, integers), (one, others)])


def test_models_are_the_same_byte_for_byte_or_not() -> None:
    one, other = opened([1], "hungary"), opened([1], "hungary", model=b"models")

    assert are_same_models([one])
    assert are_same_models([one, one])
    assert not are_same_models([one, one, other])


def test_the_coins_are_those_of_seed_round_and_hospital_and_of_nothing_else() -> None:
    coins = rounding_coins(1988, 3, "hungary").bytes(32)

    assert rounding_coins(1988, 3, "hungary").bytes(32) == coins
    others = [
        rounding_coins(1989, 3, "hungary"),
        rounding_coins(1988, 4, "hungary"),
        rounding_coins(1988, 3, "cleveland"),
        # Prefixed with lengths: seed 19, round 883 is not seed 198, round 83.
        rounding_coins(19, 883, "hungary"),
        rounding_coins(198, 83, "hungary"),
    ]
    assert len({coins, *(other.bytes(32) for other in others)}) == 6


@pytest.mark.slow
def test_a_round_without_an_aggregate_is_unpublished(tmp_path: Path) -> None:
    (study,) = set_up(tmp_path, 3, ["ckks"]).studies

    with pytest.raises(Rejected) as caught:
        read_round(study.transcript, 0, study.manifest)

    assert caught.value.rule == "unpublished-round"


def test_marks_of_a_hospital_are_seen_and_taken_back(tmp_path: Path) -> None:
    harness = Harness(tmp_path / "heart-ckks" / "hungary")
    assert not harness.is_ready()
    assert not harness.is_held(3)

    harness.prepare()
    harness.prepare()
    harness.say_ready()
    harness.say_held(3)

    assert harness.is_ready()
    assert harness.is_held(3)
    assert not harness.is_held(4)
    harness.forget_ready()
    assert not harness.is_ready()


def test_who_is_held_is_let_go_in_its_round_alone(tmp_path: Path) -> None:
    harness = Harness(tmp_path)

    harness.let_go(3)

    assert harness.may_go(3)
    assert not harness.may_go(4)


def test_a_refusal_is_kept_by_its_round(tmp_path: Path) -> None:
    harness = Harness(tmp_path)

    harness.keep_refusal(3, "collection-closed")

    assert harness.refusal(3) == "collection-closed"
    assert harness.refusal(4) == ""


def test_seconds_and_final_model_come_back_as_they_were_kept(tmp_path: Path) -> None:
    harness = Harness(tmp_path)

    harness.keep_seconds(2, {"train": 0.5})
    harness.keep_final({"weight": np.ones(2, np.float32)})

    assert harness.seconds(2) == {"train": 0.5}
    assert harness.seconds(3) == {}
    with np.load(harness.final) as final:
        np.testing.assert_array_equal(final["weight"], np.ones(2, np.float32))
