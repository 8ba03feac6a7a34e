"""No two sums of overlapping sets under one model: threat T5's scripts against real custodians."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from blindsum_custodian import endorse
from blindsum_custodian.accept import AcceptDuty
from blindsum_custodian.endorse import EndorseDuty
from blindsum_custodian.release import ReleaseDuty
from blindsum_custodian.store.exceptions import used_exception
from blindsum_rules.endorsement import Endorsement
from blindsum_rules.exception import DifferencingException, SignedException
from blindsum_rules.manifest import DifferencingScope
from blindsum_rules.release import Release
from blindsum_rules.signed import Signed
from blindsum_rules.spec import Spec

if TYPE_CHECKING:
    from tests.custodian.rounds.conftest import Play

A, B, C, D = (f"custodian-{index}" for index in range(4))
ALL = range(6)


def frozen(play: "Play", name: str, spec: Signed[Spec], clients: "range | list[int]") -> bytes:
    """Let a custodian accept and admit everybody; publish a freeze of some; return its digest."""
    names = [f"client-{index:02}" for index in ALL]
    submissions = play.opened(name, spec, names)
    return play.freeze(spec, [submissions[index] for index in clients]).digest


def endorsed(play: "Play", name: str, spec: Signed[Spec], clients: range) -> Signed[Endorsement]:
    digest = frozen(play, name, spec, clients)
    (endorsement,) = play.perform(name, EndorseDuty(spec.body.round_number, digest))
    assert isinstance(endorsement.body, Endorsement)
    return endorsement


def rerun(play: "Play", spec: Signed[Spec], freeze_digest: bytes) -> Signed[Spec]:
    """The aggregator 'aborts' and proposes the same model once more; closes tell the truth."""
    freeze = play.read_freeze(freeze_digest)
    return play.spec_after(spec, play.closes_of(spec, freeze, play.names[1:]))


@pytest.mark.parametrize("second", [range(5), range(1, 6), range(2, 6), range(3)], ids=str)
def test_a_rerun_of_one_model_over_an_overlapping_set_is_refused(
    play: "Play", second: range
) -> None:
    spec = play.spec()
    first = endorsed(play, A, spec, ALL)
    again = rerun(play, spec, first.body.freeze_digest)

    digest = frozen(play, A, again, second)

    assert play.refused(A, EndorseDuty(1, digest)) == "no-differencing"


def test_a_rerun_of_one_model_over_the_same_set_is_allowed(play: "Play") -> None:
    spec = play.spec()
    first = endorsed(play, A, spec, ALL)
    again = rerun(play, spec, first.body.freeze_digest)
    assert isinstance(endorsed(play, A, again, ALL).body, Endorsement)


def test_a_disjoint_set_is_allowed_under_one_model(make_play: Callable[..., "Play"]) -> None:
    play = make_play(min_cohort=3)
    spec = play.spec()
    first = endorsed(play, A, spec, range(3))
    again = rerun(play, spec, first.body.freeze_digest)
    assert isinstance(endorsed(play, A, again, range(3, 6)).body, Endorsement)


def test_with_the_rule_off_the_rerun_would_be_released(
    play: "Play", monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: two sums, whose difference is client 5's vector."""
    spec = play.spec()
    first = endorsed(play, A, spec, ALL)
    again = rerun(play, spec, first.body.freeze_digest)
    digest = frozen(play, A, again, range(5))
    assert play.refused(A, EndorseDuty(1, digest)) == "no-differencing"

    monkeypatch.setattr(endorse, "check_no_differencing", lambda *_: None)

    assert isinstance(play.perform(A, EndorseDuty(1, digest))[0].body, Endorsement)
    endorsements = play.endorsements_of(again, play.read_freeze(digest), [B, C, D])
    assert isinstance(play.perform(A, ReleaseDuty(1, digest, endorsements))[0].body, Release)


def test_who_endorsed_nothing_refuses_the_rerun_too(play: "Play") -> None:
    """Three overlapping cohorts, and a quorum that missed round r: custodian D was never asked."""
    spec = play.spec()
    play.opened(D, spec, play.clients)
    freeze = play.freeze(spec, play.submissions(spec, play.clients))
    again = play.spec_after(spec, play.closes_of(spec, freeze, [A, B, C]))
    assert play.refused(D, EndorseDuty(1, frozen(play, D, again, range(5)))) == "no-differencing"


def test_endorsements_that_are_presented_later_do_not_reopen_the_round(play: "Play") -> None:
    """The script of T5: endorsed, 'aborted', rerun, then the endorsements are presented."""
    spec = play.spec()
    first = endorsed(play, A, spec, ALL)
    freeze = play.read_freeze(first.body.freeze_digest)
    again = rerun(play, spec, freeze.digest)
    play.perform(A, AcceptDuty(again))

    duty = ReleaseDuty(0, freeze.digest, play.endorsements_of(spec, freeze, [B, C, D]))

    assert play.refused(A, duty) == "round-closed"


def test_the_same_model_under_a_new_salt_is_refused(play: "Play") -> None:
    """The fourth script: a failed gate is claimed, the model comes again under another digest."""
    spec = play.spec()
    first = endorsed(play, A, spec, ALL)
    freeze = play.read_freeze(first.body.freeze_digest)
    closes = play.closes_of(spec, freeze, play.names[1:])
    salted = play.spec_after(spec, closes, model_digest=b"s" * 32)
    assert play.refused(A, AcceptDuty(salted)) == "model-version"
    grown = play.spec_after(spec, closes, model_version=1, model_digest=b"s" * 32)
    assert play.refused(A, AcceptDuty(grown)) == "model-version-without-aggregate"


def test_under_a_new_model_another_set_is_allowed(play: "Play") -> None:
    spec = play.spec()
    first = endorsed(play, A, spec, ALL)
    freeze = play.read_freeze(first.body.freeze_digest)
    following = play.spec_after(
        spec,
        play.closes_of(spec, freeze, play.names[1:]),
        play.endorsements_of(spec, freeze, [B, C, D]),
    )
    assert isinstance(endorsed(play, A, following, range(5)).body, Endorsement)


def test_over_the_whole_study_another_model_changes_nothing(
    make_play: Callable[..., "Play"],
) -> None:
    play = make_play(no_differencing=DifferencingScope.STUDY)
    spec = play.spec()
    first = endorsed(play, A, spec, ALL)
    freeze = play.read_freeze(first.body.freeze_digest)
    following = play.spec_after(
        spec,
        play.closes_of(spec, freeze, play.names[1:]),
        play.endorsements_of(spec, freeze, [B, C, D]),
    )
    digest = frozen(play, A, following, range(5))
    assert play.refused(A, EndorseDuty(1, digest)) == "no-differencing"


def test_a_freeze_that_a_quorum_of_closes_does_not_name_is_forgotten(play: "Play") -> None:
    """A endorsed, nobody else did: fewer than a quorum can ever have, so it was not released."""
    spec = play.spec()
    endorsed(play, A, spec, ALL)
    again = play.spec_after(spec, play.closes_of(spec, None, [B, C, D]))
    assert isinstance(endorsed(play, A, again, range(5)).body, Endorsement)


def test_a_freeze_counts_while_one_close_of_the_quorum_names_it(play: "Play") -> None:
    spec = play.spec()
    first = endorsed(play, A, spec, ALL)
    freeze = play.read_freeze(first.body.freeze_digest)
    closes = (*play.closes_of(spec, None, [B, C]), *play.closes_of(spec, freeze, [D]))
    again = play.spec_after(spec, closes)
    digest = frozen(play, A, again, range(5))
    assert play.refused(A, EndorseDuty(1, digest)) == "no-differencing"


# ---- Exceptions of two hands


def exception(play: "Play", signer: str, clients: range) -> Signed[DifferencingException]:
    names = tuple(f"client-{index:02}" for index in clients)
    reason, digest = "one hospital withdrew its consent", play.people.manifest.digest
    body = DifferencingException("small-study", 1, 0, names, reason, digest)
    return play.people.sign(body, signer)


def overlapping(play: "Play") -> tuple[bytes, bytes]:
    """A rerun, and in it a freeze of clients 0 to 4, and one of clients 1 to 5."""
    spec = play.spec()
    first = endorsed(play, A, spec, ALL)
    again = rerun(play, spec, first.body.freeze_digest)
    submissions = play.opened(A, again, play.clients)
    return play.freeze(again, submissions[:5]).digest, play.freeze(again, submissions[1:]).digest


def used(play: "Play", name: str) -> SignedException | None:
    """By which exception a custodian endorsed the freeze of round 1, as its memory says."""
    with play.custodian(name).seat.store.reading() as connection:
        return used_exception(connection, "small-study", 1)


def test_an_exception_of_operator_and_officer_allows_the_very_set(play: "Play") -> None:
    digest, other = overlapping(play)
    operator, officer = exception(play, "operator", range(5)), exception(play, "officer", range(5))

    duty = EndorseDuty(1, other, operator, officer)
    assert play.refused(A, duty) == "exception-clients"
    assert used(play, A) is None

    assert isinstance(
        play.perform(A, EndorseDuty(1, digest, operator, officer))[0].body, Endorsement
    )
    assert used(play, A) == SignedException(operator, officer)
    play.restart(A)
    assert used(play, A) == SignedException(operator, officer)


def test_an_exception_of_one_hand_allows_nothing(play: "Play") -> None:
    digest, _ = overlapping(play)
    operator = exception(play, "operator", range(5))
    assert play.refused(A, EndorseDuty(1, digest, operator, None)) == "exception"
    assert play.refused(A, EndorseDuty(1, digest, None, operator)) == "exception"
    assert play.refused(A, EndorseDuty(1, digest, operator, operator)) == "unknown-signer"


def test_a_study_without_an_officer_has_no_exception(make_play: Callable[..., "Play"]) -> None:
    play = make_play(officer=None)
    digest, _ = overlapping(play)
    operator, officer = exception(play, "operator", range(5)), exception(play, "officer", range(5))
    duty = EndorseDuty(1, digest, operator, officer)
    assert play.refused(A, duty) == "exception-without-officer"
