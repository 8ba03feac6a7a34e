"""--trainer MODULE:FUNCTION: what can be imported from here, and nothing else."""

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import typer
from tests.client.stage import Stage

from blindsum_cli.trainer import checked, load_trainer
from blindsum_client.round import Round
from blindsum_client.update import Update
from blindsum_crypto.errors import Refused
from blindsum_rules.codec.unit_sum import UnitBatch
from blindsum_rules.privacy.guarantee import Unit


def test_a_function_of_the_present_folder_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a_hospitals_training.py").write_text(
        "def train(model, round):\n    return 'update'\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))

    trainer = load_trainer("a_hospitals_training:train")

    assert trainer({}, None) == "update"  # type: ignore[arg-type, comparison-overlap]


@pytest.mark.parametrize(
    "name", ["", "json", "json:", ":loads", "json:no_such_function", "no_such_module:train"]
)
def test_what_cannot_be_imported_is_refused_by_name(name: str) -> None:
    with pytest.raises(Refused) as caught:
        load_trainer(name)

    assert caught.value.rule == "trainer"


def test_what_is_no_function_is_refused() -> None:
    with pytest.raises(Refused) as caught:
        load_trainer("math:pi")

    assert caught.value.rule == "trainer"


def round_of(unit: Unit | None) -> Round:
    spec = Stage().spec()
    return Round(spec, (), {}, unit)


def test_a_trainer_that_returns_no_update_is_wrong_usage_in_words() -> None:
    train = checked(lambda model, _round: model, "mine:train")  # type: ignore[arg-type, return-value]

    with pytest.raises(typer.BadParameter) as caught:
        train({}, round_of(None))

    assert "mine:train" in caught.value.message
    assert "Update(changes, records), got dict" in caught.value.message


def test_an_update_passes_as_the_trainer_made_it() -> None:
    update = Update({"bias": np.zeros(1)}, records=3)
    train = checked(lambda _model, _round: update, "mine:train")

    assert train({}, round_of(None)) is update


@pytest.mark.parametrize("unit", [Unit.RECORD, Unit.PATIENT])
@pytest.mark.parametrize(
    "answer",
    [Update({"bias": np.zeros(1)}, records=3), np.zeros((2, 8)), {"bias": np.zeros(1)}, "rows", 7],
    ids=lambda answer: type(answer).__name__,
)
def test_what_is_no_batches_of_units_is_wrong_usage_where_the_study_hides_them(
    unit: Unit, answer: object
) -> None:
    train = checked(lambda _model, _round: answer, "mine:train")  # type: ignore[arg-type, return-value]

    with pytest.raises(typer.BadParameter) as caught:
        train({}, round_of(unit))

    assert f"one row for every {unit}" in caught.value.message
    assert f"got {type(answer).__name__}" in caught.value.message


def test_units_where_the_round_takes_an_update_are_wrong_usage() -> None:
    train = checked(lambda _model, _round: iter([np.zeros((2, 8))]), "mine:train")

    with pytest.raises(typer.BadParameter) as caught:
        train({}, round_of(None))

    assert "Update(changes, records)" in caught.value.message


def test_units_pass_as_the_trainer_made_them_and_nothing_is_drawn_from_them() -> None:
    drawn = []

    def seen() -> Iterator[UnitBatch]:
        drawn.append(np.zeros((1, 8)))
        yield drawn[-1]

    batches = seen()
    train = checked(lambda _model, _round: batches, "mine:train")

    assert train({}, round_of(Unit.RECORD)) is batches
    assert not drawn
