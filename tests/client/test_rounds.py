"""The way of a client through a whole study."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from tests.client.people import initial_arrays, peers, vector

if TYPE_CHECKING:
    from tests.client.stage import Stage


def test_a_client_follows_a_study_to_its_end(stage: "Stage", tmp_path: Path) -> None:
    stage.open_round()
    client = stage.client(tmp_path / "state")
    seen = []

    for round_ in client.rounds():
        seen.append((round_.number, round_.model_version, round_.model["weight"].copy()))
        client.contribute(round_, vector(round_.number))
        stage.publish(peers())
        outcome = client.outcome(round_)
        assert outcome.published
        assert outcome.included
        if round_.number < 2:
            stage.open_round()
        else:
            stage.end_study()

    assert [(number, version) for number, version, _ in seen] == [(0, 0), (1, 1), (2, 2)]
    assert np.array_equal(seen[0][2], initial_arrays()["weight"])
    assert not np.array_equal(seen[1][2], seen[0][2])
    final = client.final()
    assert np.array_equal(final["weight"].ravel(), stage.model[:6])
    assert np.array_equal(final["bias"], stage.model[6:])
