"""A small study made private, for every test that keeps a budget."""

# ruff: noqa: ANN401 - `**wish` is any field of [privacy]

from dataclasses import replace
from typing import Any

from blindsum_rules.manifest import Manifest
from blindsum_rules.privacy.guarantee import Unit
from blindsum_rules.study_privacy import with_privacy
from blindsum_rules.study_tables import PrivacyTable


def privately(manifest: Manifest, *, max_rounds: int, **wish: Any) -> Manifest:
    """The same study with a policy in place of its codec, and a schedule of so many rounds."""
    fields: dict[str, Any] = {
        "unit": Unit.RECORD,
        "noise_multiplier": 2.0,
        "delta": 1e-5,
        "planned_rounds": max_rounds,
        "clip_norm": 1.0,
        "units_per_client": 4,
        "reference_units": 12,
    }
    table = PrivacyTable(**(fields | wish))
    schedule = replace(manifest.schedule, max_rounds=max_rounds)
    return with_privacy(
        replace(manifest, codec=None, schedule=schedule, update_rule="fedsgd"), table
    )
