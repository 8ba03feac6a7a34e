"""What each custodian owes, derived from what it has answered."""

from tests.aggregator.cast import Cast
from tests.aggregator.stage import Stage

from blindsum_aggregator.duties import (
    AcceptDuty,
    AdmitDuty,
    CloseDuty,
    DutyKey,
    EndorseDuty,
    ReleaseDuty,
    load_duty,
    outstanding,
)
from blindsum_aggregator.store.messages import MessageKind
from blindsum_protos.convert.signed import signed_to_bytes
from blindsum_rules.header import wrap_digest
from blindsum_rules.transitions import AggregatorState

FIRST, LAST = "custodian-0", "custodian-3"
ACCEPT = DutyKey(MessageKind.ACCEPTANCE, 0)
ADMIT = DutyKey(MessageKind.ADMISSION, 0, 0)
ENDORSE = DutyKey(MessageKind.ENDORSEMENT, 0)
RELEASE = DutyKey(MessageKind.RELEASE, 0)
CLOSE = DutyKey(MessageKind.CLOSE, 0)


def owed(stage: Stage, custodian: str) -> list[DutyKey]:
    return stage.store.read(lambda c: outstanding(stage.study, c, custodian))


def duty(stage: Stage, key: DutyKey, custodian: str = FIRST) -> object:
    return stage.store.read(lambda c: load_duty(stage.study, key, custodian, c))


def test_nothing_is_owed_before_the_first_round(stage: Stage) -> None:
    assert owed(stage, FIRST) == []


def test_each_step_is_owed_until_it_is_answered(stage: Stage, cast: Cast) -> None:
    stage.settle()
    assert owed(stage, FIRST) == [ACCEPT]
    stage.accept(cast.custodians[:3])
    assert owed(stage, FIRST) == []
    assert owed(stage, LAST) == [ACCEPT]
    stage.accept([LAST])
    stage.contribute()
    assert owed(stage, FIRST) == [ADMIT]
    stage.admit()
    assert owed(stage, FIRST) == [ENDORSE]
    stage.endorse(cast.custodians[:3])
    assert owed(stage, FIRST) == [RELEASE]
    assert owed(stage, LAST) == [ENDORSE, RELEASE]
    stage.release(cast.custodians[:2])
    assert owed(stage, FIRST) == [CLOSE]
    assert owed(stage, LAST) == [CLOSE]


def test_who_denied_a_member_is_not_asked_to_endorse(stage: Stage, cast: Cast) -> None:
    stage.settle()
    stage.accept()
    stage.contribute()
    stage.admit([LAST], denied=["client-2"])

    stage.admit(cast.custodians[:3])

    assert "client-2" in stage.freeze.body.clients
    assert owed(stage, FIRST) == [ENDORSE]
    assert owed(stage, LAST) == []


def test_who_comes_late_still_owes_pages_and_may_then_endorse(stage: Stage, cast: Cast) -> None:
    stage.study.attending.leave(LAST)
    stage.settle()
    stage.accept()
    stage.contribute()
    stage.admit(cast.custodians[:3])
    assert owed(stage, LAST) == [ADMIT]

    stage.admit([LAST])

    assert owed(stage, LAST) == [ENDORSE]


def test_pages_are_told_in_sequence_and_a_few_at_a_time(stage: Stage, cast: Cast) -> None:
    stage.settle()
    stage.accept()
    for client in cast.clients:
        stage.contribute([client])
        stage.clock.turn(stage.settings.page_wait_seconds)
        stage.settle()

    keys = owed(stage, FIRST)

    assert [key.page for key in keys] == [0, 1, 2, 3]
    stage.admit([FIRST])
    assert owed(stage, FIRST) == []


def test_a_round_that_was_left_stays_owed_to_who_was_away(stage: Stage, cast: Cast) -> None:
    stage.play_to(AggregatorState.PUBLISHED)
    stage.leave(cast.custodians[:3])

    assert owed(stage, LAST) == [DutyKey(MessageKind.ACCEPTANCE, 1), CLOSE]
    assert owed(stage, FIRST) == [DutyKey(MessageKind.ACCEPTANCE, 1)]


def test_a_duty_carries_what_its_custodian_needs_and_nothing_of_others(stage: Stage) -> None:
    stage.settle()
    accept = duty(stage, ACCEPT)
    assert isinstance(accept, AcceptDuty)
    assert accept.spec == stage.spec
    stage.accept()
    stage.contribute()
    admit = duty(stage, ADMIT, LAST)
    assert isinstance(admit, AdmitDuty)
    assert admit.page.signer == "aggregator"
    sent = [stage.sent[0, f"client-{index}"] for index in range(5)]
    assert admit.page.body.contribution_digests == tuple(one.contribution.digest for one in sent)
    for (header, wrap), one in zip(admit.entries, sent, strict=True):
        assert header == signed_to_bytes(one.contribution)
        assert wrap_digest(wrap) == one.contribution.body.wrap_digests[3]
    stage.admit()
    assert duty(stage, ENDORSE) == EndorseDuty(0, stage.row.freeze_digest)
    stage.endorse()
    release = duty(stage, RELEASE)
    assert isinstance(release, ReleaseDuty)
    assert [one.signer for one in release.endorsements] == list(stage.cast.custodians)
    assert duty(stage, CLOSE) == CloseDuty(0)
