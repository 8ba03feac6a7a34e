"""--trainer MODULE:FUNCTION: what can be imported from here, and nothing else."""

import sys
from pathlib import Path

import pytest

from blindsum_cli.trainer import load_trainer
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
