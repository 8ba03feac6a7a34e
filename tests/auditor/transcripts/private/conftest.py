"""Private studies: their manifests carry a policy, and their clients send noisy sums of units."""

# Any: `**wish` replaces any key of [privacy], and the rest any field of the manifest.
# ruff: noqa: ANN401

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from blindsum_rules.manifest import Schedule
from blindsum_rules.study_privacy import with_privacy
from blindsum_rules.study_tables import PrivacyTable

if TYPE_CHECKING:
    from tests.auditor.conftest import Founding
    from tests.auditor.transcripts.conftest import Player

WISH = {
    "unit": "record",
    "epsilon": 3.0,
    "delta": 1e-5,
    "planned_rounds": 2,
    "clip_norm": 0.5,
    "units_per_client": 300,
    "reference_units": 900,
}


@pytest.fixture(scope="session")
def private(
    found: "Callable[..., Founding]", player: "Callable[..., Player]"
) -> "Callable[..., Player]":
    """Begin a private study: `private({"unit": "client", ...}, max_rounds=5, min_cohort=3)`.

    Its budget is for two rounds at their worst: three of four clients, one of whom colludes.
    """

    def begin(wish: dict[str, Any] | None = None, max_rounds: int = 6, **changes: Any) -> "Player":
        fields = {
            "codec": None,
            "update_rule": "fedsgd",
            "min_cohort": 3,
            "schedule": Schedule(max_rounds, 60, 600, 600, 0, 0),
            **changes,
        }
        table = PrivacyTable.model_validate(WISH | (wish or {}))
        manifest = with_privacy(replace(found().manifest.body, **fields), table)
        return player(**{"privacy": manifest.privacy, **fields})

    return begin
