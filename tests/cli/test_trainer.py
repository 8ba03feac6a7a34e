"""--trainer MODULE:FUNCTION: what can be imported from here, and nothing else."""

import sys
from pathlib import Path

import numpy as np
import pytest
import typer

from blindsum_cli.trainer import checked, load_trainer
from blindsum_client.update import Update
from blindsum_crypto.errors import Refused


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


def test_a_trainer_that_returns_no_update_is_wrong_usage_in_words() -> None:
    train = checked(lambda model, _round: model, "mine:train")  # type: ignore[arg-type, return-value]

    with pytest.raises(typer.BadParameter) as caught:
        train({}, None)  # type: ignore[arg-type]

    assert "mine:train" in caught.value.message
    assert "got dict" in caught.value.message


def test_an_update_passes_as_the_trainer_made_it() -> None:
    update = Update({"bias": np.zeros(1)}, records=3)
    train = checked(lambda _model, _round: update, "mine:train")

    assert train({}, None) is update  # type: ignore[arg-type]
