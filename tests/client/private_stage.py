"""The stage of a private study, and what its people send and have spent."""

# ruff: noqa: ANN401 - `**wish` is any field of [privacy]

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
from tests.client.people import CLIENTS, LAYOUT
from tests.client.stage import Stage
from tests.rules.privacy.private_study import privately

from blindsum_client.client import Client
from blindsum_rules.privacy.charging import Charging

OTHERS = CLIENTS[1:]


def private_stage(
    planned_rounds: int = 4, houses: Mapping[str, str] | None = None, **wish: Any
) -> Stage:
    """A stage of a private study whose budget pays so many rounds at their worst."""
    stage = Stage()
    study = stage.manifest.body
    clients = tuple(
        replace(client, organisation=(houses or {}).get(client.name, client.organisation))
        for client in study.clients
    )
    study = privately(
        replace(study, clients=clients), max_rounds=8, planned_rounds=planned_rounds, **wish
    )
    stage.manifest = stage.people.sign(study, "operator")
    return stage


def integers(seed: int = 0) -> npt.NDArray[np.int64]:
    """What a client of the study could send."""
    return np.arange(LAYOUT.size, dtype=np.int64) + seed


def sent_by_others(*names: str) -> dict[str, npt.NDArray[np.int64]]:
    return {name: integers(seed) for seed, name in enumerate(names or OTHERS)}


def steps(client: Client) -> tuple[int, int, int]:
    """Settled, reserved and how many rounds are settled."""
    account = client.budget
    assert account is not None
    return account.settled.steps, account.reserved.steps, account.rounds


def prices(stage: Stage) -> Charging:
    return Charging.of(stage.manifest.body)
