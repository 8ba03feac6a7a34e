"""Opening: what must hold before a spec is signed."""

from collections.abc import Callable
from types import SimpleNamespace

import pytest
from tests.aggregator.cast import NOW, build_cast
from tests.aggregator.stage import Stage

from blindsum_aggregator import opening_round
from blindsum_aggregator.opening_round import propose_end, propose_round
from blindsum_crypto.errors import BlindsumError
from blindsum_rules.transitions import AggregatorState


def refused(stage: Stage) -> str:
    with pytest.raises(BlindsumError) as caught:
        stage.store.write(lambda connection: propose_round(stage.study, connection))
    return caught.value.rule


def test_no_round_opens_while_its_payloads_would_not_fit(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=5 * 61_440 - 1))
    assert refused(stage) == "disk-space"

    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=5 * 61_440))

    assert stage.settle() is AggregatorState.PROPOSED


def test_no_round_opens_before_the_one_at_hand_is_closed(stage: Stage) -> None:
    stage.settle()

    assert refused(stage) == "round-not-closed"
    with pytest.raises(BlindsumError) as caught:
        stage.store.write(lambda connection: propose_end(stage.study, connection))
    assert caught.value.rule == "round-not-closed"


@pytest.mark.parametrize(
    ("now", "rule"),
    [(NOW - 1001, "manifest-not-yet-valid"), (NOW + 1_000_001, "manifest-expired")],
)
def test_no_round_opens_outside_of_the_manifest_s_validity(
    stage: Stage, now: int, rule: str
) -> None:
    stage.clock.now = now

    assert refused(stage) == rule


def test_no_round_opens_whose_messages_would_not_fit(
    build_stage: Callable[..., Stage], monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = build_stage(build_cast(clients=9))
    monkeypatch.setattr(opening_round, "MAX_MESSAGE_BYTES", (96 << 10) + 9 * 34 - 1)

    assert refused(stage) == "cohort-too-large"
