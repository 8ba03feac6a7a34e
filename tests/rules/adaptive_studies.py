"""Studies whose clip norm is adaptive."""

from dataclasses import replace
from typing import Any

import numpy as np
from tests.rules.conftest import build_study

from blindsum_rules.manifest import Manifest
from blindsum_rules.model import Layout, Model, NamedArray
from blindsum_rules.privacy.guarantee import Unit
from blindsum_rules.study_privacy import with_privacy
from blindsum_rules.study_tables import AdaptiveClippingTable, PrivacyTable

LAYOUT = Layout((NamedArray("weights", (3,)), NamedArray("clip_norm", ())))
WISH: dict[str, Any] = {
    "unit": Unit.RECORD,
    "noise_multiplier": 4.0,
    "delta": 1e-5,
    "planned_rounds": 60,
    "clip_norm": 0.5,
    "units_per_client": 300,
    "reference_units": 1000,
    "adaptive_clipping": AdaptiveClippingTable(count_noise=20.0),
}


def adaptive_study(layout: Layout = LAYOUT, clients: int = 4, **wish: Any) -> Manifest:  # noqa: ANN401
    body = build_study(4, 2, 3, clients).body
    apart = tuple(
        replace(client, organisation=f"organisation-{client.name}") for client in body.clients
    )
    manifest = replace(
        body,
        clients=apart,
        min_cohort=max(3, clients - 1),
        min_organisations=2,
        codec=None,
        layout=layout,
        schedule=replace(body.schedule, max_rounds=60),
    )
    return with_privacy(manifest, PrivacyTable(**(WISH | wish)))


def with_adaptive(**numbers: float) -> dict[str, Any]:
    return {"adaptive_clipping": AdaptiveClippingTable(**numbers)}


def first_model(clip_norm: float = 0.5) -> Model:
    return np.array([1.0, -2.0, 3.0, clip_norm], np.float32)
