"""Fixtures of the client's tests: a stage, what its people send, and quick retries."""

import numpy as np
import numpy.typing as npt
import pytest
from tests.client.people import peers
from tests.client.stage import Stage

from blindsum_client import patience


@pytest.fixture
def stage() -> Stage:
    """Four custodians, two open, three sign; four hospitals."""
    return Stage()


@pytest.fixture
def others() -> dict[str, npt.NDArray[np.int64]]:
    """The integers of everybody but Cleveland."""
    return peers()


@pytest.fixture(autouse=True)
def quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Failures are retried after milliseconds."""
    monkeypatch.setattr(patience.Backoff.__init__, "__defaults__", (0.001, 0.004, patience._SYSTEM))
