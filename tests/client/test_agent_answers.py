"""The agent and its trainer's answer: the wrong kind ends it, in words."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.client.people import initial_arrays
from tests.client.stage import Stage

from blindsum_client.agent import Agent
from blindsum_client.update import Update
from blindsum_rules.privacy.guarantee import Unit
from blindsum_rules.study_privacy import with_privacy
from blindsum_rules.study_tables import PrivacyTable

WISH = PrivacyTable(
    unit=Unit.RECORD,
    noise_multiplier=2.0,
    delta=1e-5,
    planned_rounds=8,
    clip_norm=0.5,
    units_per_client=50,
    reference_units=100,
)
UPDATE = Update({name: np.zeros_like(one) for name, one in initial_arrays().items()}, 9)


@pytest.mark.parametrize(
    ("wish", "answer", "words"),
    [
        (WISH, UPDATE, "one row for every record"),
        (WISH, np.zeros((2, 8)), "one row for every record"),
        (None, [np.zeros((2, 8))], "expected blindsum_client.Update"),
    ],
    ids=["update", "one-array", "units"],
)
def test_a_trainer_that_answers_with_the_wrong_kind_ends_the_agent_in_words(
    tmp_path: Path,
    wish: PrivacyTable | None,
    answer: Any,  # noqa: ANN401
    words: str,
) -> None:
    stage = Stage()
    if wish is not None:
        body = with_privacy(replace(stage.manifest.body, codec=None), wish)
        stage.manifest = stage.people.sign(body, "operator")
    staged = stage.open_round()

    with pytest.raises(TypeError) as caught:
        Agent(stage.client(tmp_path / "state"), lambda *_: answer).run()

    assert words in str(caught.value)
    assert not staged.uploads
