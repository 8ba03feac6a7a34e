"""A custodian changes its wrap key: each round is opened with the key of its epoch."""

from typing import TYPE_CHECKING

import pytest
from tests.custodian.rounds.amending import OLD, Amending, admitted, closed

from blindsum_crypto.identity import WrapKey
from blindsum_custodian.accept import AcceptDuty

if TYPE_CHECKING:
    from tests.custodian.rounds.conftest import Play

A = OLD[0]


@pytest.fixture
def amending(play: "Play") -> Amending:
    return Amending(play)


def test_a_rotated_wrap_key_opens_the_rounds_of_its_epoch_and_the_old_one_those_before(
    amending: Amending,
) -> None:
    play = amending.play
    old, new = play.people.wrap_keys[A], WrapKey.generate("x25519")
    committee = amending.committee(*OLD)
    rotated = (amending.enrolled(A, new), *committee.custodians[1:])
    amendment = amending.amendment(
        committee=type(committee)(rotated, committee.threshold, committee.quorum)
    )
    told = amending.in_force.amended([amendment])
    amending.start(A)
    first = play.spec()
    play.perform(A, AcceptDuty(first))

    amending.start(A, told, old, new)
    assert admitted(play, A, first).denials == ()
    amending.start(A, told, new)
    late = play.submissions(first, play.clients[:1])
    page = play.page(first, late, page=1)
    # The page is refused: it would be nobody's fault but this custodian's own.
    assert play.refused(A, play.admit_duty(A, page, late)) == "epoch-key"

    in_force = amending.put_in_force(amendment, keys={A: new})
    second = amending.spec_after(first, closed(amending, first, A, amendment.digest), **in_force)
    assert second.body.epoch == 1
    play.perform(A, AcceptDuty(second))
    assert admitted(play, A, second).denials == ()


def test_with_the_old_key_alone_a_round_of_the_new_epoch_is_not_accepted(
    amending: Amending,
) -> None:
    play = amending.play
    old, new = play.people.wrap_keys[A], WrapKey.generate("x25519")
    committee = amending.committee(*OLD)
    rotated = (amending.enrolled(A, new), *committee.custodians[1:])
    amendment = amending.amendment(
        committee=type(committee)(rotated, committee.threshold, committee.quorum)
    )
    first = play.spec()
    amending.start(A)
    in_force = amending.put_in_force(amendment, keys={A: new})
    second = amending.spec_after(first, closed(amending, first, A, amendment.digest), **in_force)

    amending.start(A, None, old)

    assert play.refused(A, AcceptDuty(second)) == "epoch-key"
