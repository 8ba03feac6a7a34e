"""A custodian that joins inherits what the committee before it remembered (threat T27)."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import pytest
from tests.custodian.rounds.amending import Amending
from tests.rules.privacy.private_study import privately

from blindsum_custodian.accept import AcceptDuty
from blindsum_custodian.endorse import EndorseDuty
from blindsum_custodian.store.charges import settled_steps
from blindsum_rules.acceptance import Acceptance
from blindsum_rules.endorsement import Endorsement
from blindsum_rules.freeze import Freeze
from blindsum_rules.signed import Signed
from blindsum_rules.spec import Spec

if TYPE_CHECKING:
    from tests.custodian.rounds.conftest import Play

A, B, C, D = OLD = tuple(f"custodian-{index}" for index in range(4))
NEW = "custodian-9"


@pytest.fixture
def private_amending(make_play: Callable[..., "Play"]) -> Amending:
    """A private study of six organisations."""
    study = privately(make_play().study, max_rounds=8, planned_rounds=4)
    return Amending(
        make_play(
            codec=None,
            privacy=study.privacy,
            schedule=study.schedule,
            update_rule=study.update_rule,
        )
    )


def frozen(play: "Play", name: str, spec: Signed[Spec], clients: Sequence[str]) -> Signed[Freeze]:
    """A freeze of these clients, all of whom one custodian admitted."""
    return play.freeze(spec, play.opened(name, spec, clients))


def summed_before(amending: Amending, *naming: str) -> tuple[Signed[Spec], Signed[Freeze]]:
    """Round 0, which A endorsed, and round 1 of the same model with a newcomer in D's place.

    Of the closes that round 1 carries, those of `naming` name the freeze.
    """
    play = amending.play
    amending.start(A)
    spec = play.spec()
    freeze = frozen(play, A, spec, play.clients)
    (answer,) = play.perform(A, EndorseDuty(0, freeze.digest))
    assert isinstance(answer.body, Endorsement)
    amendment = amending.amendment(committee=amending.committee(A, B, C, NEW))
    silent = [name for name in (B, C, D) if name not in naming]
    closes = [*play.closes_of(spec, freeze, naming, amendment.digest)]
    closes += play.closes_of(spec, None, silent, amendment.digest)
    following = amending.spec_after(spec, closes, **amending.put_in_force(amendment))
    amending.start(NEW)
    return following, freeze


def test_a_freeze_of_the_old_committee_stops_a_differing_one_under_the_new(play: "Play") -> None:
    amending = Amending(play)
    spec, _ = summed_before(amending, B, C, D)

    second = frozen(play, NEW, spec, play.clients[:5])

    assert play.refused(NEW, EndorseDuty(1, second.digest)) == "no-differencing"


def test_one_close_of_the_old_committee_that_names_it_is_enough(play: "Play") -> None:
    amending = Amending(play)
    spec, _ = summed_before(amending, B)

    second = frozen(play, NEW, spec, play.clients[:5])

    assert play.refused(NEW, EndorseDuty(1, second.digest)) == "no-differencing"


def test_the_same_set_may_be_summed_again_by_the_new_committee(play: "Play") -> None:
    amending = Amending(play)
    spec, _ = summed_before(amending, B, C, D)

    same = frozen(play, NEW, spec, play.clients)

    (answer,) = play.perform(NEW, EndorseDuty(1, same.digest))
    assert isinstance(answer.body, Endorsement)


def test_a_newcomer_charges_what_the_others_charged(private_amending: Amending) -> None:
    amending, play = private_amending, private_amending.play
    spec, _ = summed_before(amending, B, C, D)

    play.perform(A, AcceptDuty(spec))
    answers = play.perform(NEW, AcceptDuty(spec))

    assert [type(answer.body) for answer in answers] == [Acceptance]
    ledgers = [ledger(play, name) for name in (A, NEW)]
    assert ledgers[0] == ledgers[1]
    assert set(ledgers[0]) == {f"organisation-{index:02}" for index in range(6)}
    assert min(ledgers[0].values()) > 0


def test_who_left_is_charged_by_the_manifest_of_its_own_round(private_amending: Amending) -> None:
    """A newcomer reads of a client that the manifest does not enrol any more."""
    amending, play = private_amending, private_amending.play
    amending.start(A)
    spec = play.spec()
    freeze = play.freeze(spec, play.submissions(spec, play.clients))
    amendment = amending.amendment(
        left=(play.clients[5],), committee=amending.committee(A, B, C, NEW)
    )
    closes = play.closes_of(spec, freeze, (B, C, D), amendment.digest)
    following = amending.spec_after(spec, closes, **amending.put_in_force(amendment))
    amending.start(NEW)

    for name in (A, NEW):
        assert isinstance(play.perform(name, AcceptDuty(following))[-1].body, Acceptance)
    assert ledger(play, A) == ledger(play, NEW)
    assert "organisation-05" in ledger(play, NEW)


def ledger(play: "Play", name: str) -> dict[str, int]:
    with play.custodian(name).store.reading() as connection:
        return dict(settled_steps(connection, play.study.study))


@pytest.mark.parametrize(
    ("naming", "rule"), [(2, "no-differencing"), (0, None)], ids=["released", "not released"]
)
def test_an_old_freeze_is_freed_by_the_quorum_of_the_committee_that_closed_it(
    make_play: Callable[..., "Play"], naming: int, rule: str | None
) -> None:
    """Three silent closes are a quorum of four custodians and none of the seven before them."""
    play = make_play(custodians=7, threshold=3, quorum=5)
    amending = Amending(play)
    names = play.names
    amending.start(A)
    spec = play.spec()
    freeze = frozen(play, A, spec, play.clients)
    amendment = amending.amendment(committee=amending.committee(A, B, C, NEW))
    closes = [*play.closes_of(spec, freeze, names[1 : 1 + naming], amendment.digest)]
    closes += play.closes_of(spec, None, names[1 + naming : 6], amendment.digest)
    if not naming:
        # A freeze that nobody names is told by nobody; this custodian endorsed it itself.
        play.perform(A, EndorseDuty(0, freeze.digest))
    following = amending.spec_after(spec, closes, **amending.put_in_force(amendment))

    second = frozen(play, A, following, play.clients[:5])
    (answer,) = play.perform(A, EndorseDuty(1, second.digest))

    assert getattr(answer.body, "rule", None) == rule
