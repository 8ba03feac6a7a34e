"""How many schedules, and clients that try again at once: time passes only in schedules."""

import logging
import os
from collections.abc import Callable, Iterator

import pytest
import structlog
from hypothesis import HealthCheck, Phase, settings

from blindsum_client import patience

SCHEDULES = int(os.environ.get("BLINDSUM_SCHEDULES", "0"))
DROPOUT_SETS = int(os.environ.get("BLINDSUM_DROPOUT_SETS", "0"))


def settings_for(asked: int, otherwise: int, share: int = 1) -> settings:
    """So many examples: the same ones in every run, unless a number of them was asked for."""
    return settings(
        max_examples=max(1, (asked or otherwise) // share),
        derandomize=not asked,
        database=None,
        deadline=None,
        stateful_step_count=15,
        print_blob=bool(asked),
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.explicit, Phase.generate, Phase.shrink),
    )


@pytest.fixture
def schedules() -> Callable[[int], settings]:
    """Settings of a machine that runs one share of all schedules."""
    return lambda share: settings_for(SCHEDULES, 20, share)


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever tries again does so at once."""
    monkeypatch.setattr(patience.Backoff.__init__, "__defaults__", (0.0, 0.0, patience._SYSTEM))


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """No word of the logs: a schedule makes thousands."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.reset_defaults()
