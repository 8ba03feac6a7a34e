"""A round's line says whether all sums are one, and says which are not."""

from dataclasses import replace

import pytest
from rich.text import Text

from blindsum_cli.demo.heart_disease import HOSPITALS
from blindsum_cli.demo.rounds import TERMINAL, RoundResult, SealedRound, heading, timed

EVERYBODY = tuple(sorted(HOSPITALS))


def plain(line: str) -> str:
    return Text.from_markup(line).plain


@pytest.fixture
def good() -> RoundResult:
    ckks = SealedRound(EVERYBODY, is_exact=True, phases={"OPEN": 0.3, "FROZEN": 0.2})
    masking = replace(ckks, phases={"OPEN": 0.2, "FROZEN": 0.1})
    return RoundResult(
        7, {"ckks": ckks, "masking": masking}, same_sums=True, same_models=True, remark=""
    )


def test_a_good_round_says_that_all_sums_are_one(good: RoundResult) -> None:
    assert good.holds
    assert plain(good.in_words()) == "round  7  ckks = masking = plain    0.5 s    0.3 s  all 4"


@pytest.mark.parametrize(
    ("spoiled", "words"),
    [
        ({"same_sums": False}, "the studies' sums differ"),
        ({"same_models": False}, "the studies' models differ"),
    ],
)
def test_a_round_in_which_the_studies_differ_says_so(
    good: RoundResult, spoiled: dict[str, bool], words: str
) -> None:
    bad = RoundResult(
        good.number,
        good.seals,
        same_sums=spoiled.get("same_sums", True),
        same_models=spoiled.get("same_models", True),
        remark="",
    )

    assert not bad.holds
    assert words in plain(bad.in_words())
    assert " = " not in plain(bad.in_words())


@pytest.mark.parametrize("seal", ["ckks", "masking"])
def test_a_seal_whose_sum_is_not_exact_is_named(good: RoundResult, seal: str) -> None:
    bad = replace(good, seals={**good.seals, seal: replace(good.seals[seal], is_exact=False)})

    assert not bad.holds
    assert f"{seal} is not the plain sum" in plain(bad.in_words())


def test_absent_hospitals_and_what_was_disturbed_are_told(good: RoundResult) -> None:
    present = tuple(one for one in EVERYBODY if one != "va-long-beach")
    seals = {seal: replace(one, members=present) for seal, one in good.seals.items()}
    told = plain(replace(good, seals=seals, remark="va-long-beach is away").in_words())

    first, second = told.splitlines()
    assert first.endswith("all but va-long-beach")
    assert second.strip() == "va-long-beach is away"


def test_no_line_is_wider_than_a_terminal(good: RoundResult) -> None:
    seals = {
        seal: replace(one, members=EVERYBODY[:3], phases={"OPEN": 1234.5})
        for seal, one in good.seals.items()
    }
    remark = "a hospital was killed between header and payload, " * 4
    told = plain(replace(good, seals=seals, remark=remark.strip()).in_words())
    lines = [heading(good.seals), *told.splitlines()]

    assert max(map(len, lines)) <= TERMINAL
    assert " ".join(told.split()).endswith(remark.strip())


def test_the_heading_stands_above_its_columns(good: RoundResult) -> None:
    line = plain(good.in_words())

    for seal, seconds in (("ckks", "0.5 s"), ("masking", "0.3 s")):
        end = heading(good.seals).rindex(seal) + len(seal)
        assert end == line.index(seconds) + len(seconds)


def test_undisturbed_rounds_are_timed_without_the_first(good: RoundResult) -> None:
    rounds = [replace(good, number=n, remark="killed" if n == 2 else "") for n in range(4)]

    assert [one.number for one in timed(rounds)] == [1, 3]


def test_where_every_round_is_disturbed_all_are_timed(good: RoundResult) -> None:
    rounds = [replace(good, number=n, remark="away") for n in range(3)]

    assert timed(rounds) == rounds
