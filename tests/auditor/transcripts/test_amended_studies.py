"""Studies that were amended while they ran: each round is held to the manifest of its own spec."""

import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from tests.auditor.conftest import Founding
from tests.auditor.transcripts.amending import BASEL, AmendedPlayer
from tests.auditor.transcripts.conftest import Player

from blindsum_auditor.report import Report
from blindsum_protos.convert.manifest import manifest_file_to_bytes
from blindsum_rules import transcript
from blindsum_rules.amendment import SignedAmendment

SPEC_1 = transcript.round_file(1, transcript.SPEC)
Says = Callable[[Report, str, str, str], bool]
Audit = Callable[..., Report]


@pytest.fixture
def begin(found: Callable[..., Founding]) -> Callable[..., AmendedPlayer]:
    """A study of one round so far, to be amended."""

    def begun(**changes: object) -> AmendedPlayer:
        player = AmendedPlayer(found(**changes))
        player.play()
        return player

    return begun


@pytest.fixture
def amended(begin: Callable[..., AmendedPlayer]) -> AmendedPlayer:
    return begin(with_officer=True).change_everything()


def test_an_honest_study_is_accepted_through_all_its_amendments(
    amended: AmendedPlayer, audit: Audit
) -> None:
    amended.play()
    amended.play(left_out=("basel",), left_out_by="revoked")
    amended.amend(revoked=("basel",))
    amended.play()

    report = audit(amended.end())

    assert report.accepted, report.failed
    assert report.ended
    first, second = report.amendments
    assert first.in_words == (
        "amendment 1 is in force from round 1 on, signed by operator 'operator' and officer "
        "'officer': basel of org-basel joins; cleveland has a new agreement key; hungary leaves; "
        "the custodians are custodian-a, custodian-b, custodian-c, custodian-e, of whom any 2 "
        "open and 3 must sign: custodian-e is new; custodian-d gives up its seat "
        "(reason: Asked for.)"
    )
    assert (second.number, second.round_number) == (2, 3)
    assert report.amendments_in_words == (
        "2 amendments, in the specs that put them in force: no further file is needed"
    )
    told = json.loads(report.to_json())["amendments"]
    assert [(one["number"], one["round"]) for one in told] == [(1, 1), (2, 3)]


def test_a_study_that_was_never_amended_says_so(honest: Player, audit: Audit) -> None:
    report = audit(honest)

    assert report.amendments_in_words == "none"
    assert report.amendments == ()


def test_a_study_that_was_amended_before_its_first_round_is_accepted(
    found: Callable[..., Founding], audit: Audit
) -> None:
    player = AmendedPlayer(found()).amend(joined=(BASEL,), left=("hungary",))
    player.play()
    player.play()

    report = audit(player.end())

    assert report.accepted, report.failed
    assert report.amendments[0].round_number == 0


def test_an_amendment_of_the_end_counts_as_well(amended: AmendedPlayer, audit: Audit) -> None:
    report = audit(amended.end())

    assert report.accepted, report.failed
    assert report.amendments[0].round_number == 1


def test_a_spec_that_does_not_carry_what_it_names_is_found(
    amended: AmendedPlayer, audit: Audit, says: Says
) -> None:
    amended.play(spec={"amendments": ()})

    assert says(audit(amended), "spec", SPEC_1, "spec-amendment")


def test_a_spec_that_carries_what_it_does_not_name_is_found(
    amended: AmendedPlayer, audit: Audit, says: Says
) -> None:
    amended.play(spec={"amendment_digest": amended.founding.manifest.digest, "epoch": 0})

    assert says(audit(amended), "spec", SPEC_1, "spec-amendment")


@pytest.mark.parametrize(
    ("hands", "rule"),
    [
        (("operator",), "officer-approval"),
        (("operator", "aggregator"), "officer-approval"),
        (("aggregator", "officer"), "unknown-signer"),
    ],
)
def test_an_amendment_that_lacks_a_hand_is_found_and_not_put_in_force(
    begin: Callable[..., AmendedPlayer],
    audit: Audit,
    says: Says,
    hands: tuple[str, ...],
    rule: str,
) -> None:
    player = begin(with_officer=True).amend(*hands, left=("hungary",))
    player.play()

    report = audit(player)

    assert says(report, "amendments", SPEC_1, rule)
    assert report.amendments == ()


def test_reordered_replayed_and_foreign_amendments_are_found_by_name(
    begin: Callable[..., AmendedPlayer], audit: Audit, says: Says
) -> None:
    reordered = begin().amend(left=("hungary",)).amend(revoked=("cleveland",))
    one, two = reordered.pending
    reordered.play(spec={"amendments": (two, one)})
    assert says(audit(reordered), "amendments", SPEC_1, "amendment-number")

    replayed = begin().amend(left=("hungary",))
    known = replayed.pending
    replayed.play()
    replayed.play(spec={"amendments": known})
    file = transcript.round_file(2, transcript.SPEC)
    assert says(audit(replayed), "amendments", file, "amendment-number")

    foreign = begin().amend(left=("hungary",))
    (mine,) = foreign.pending
    body = replace(mine.body, study="lungs")
    other = SignedAmendment(foreign.founding.sign(body, "operator"))
    foreign.play(spec={"amendments": (other,)})
    assert says(audit(foreign), "amendments", SPEC_1, "amendment-study")


def test_a_new_committee_cannot_close_the_round_of_the_old_one(
    amended: AmendedPlayer, audit: Audit, says: Says
) -> None:
    (close, *_) = amended.closes
    seated = ("custodian-a", "custodian-b", "custodian-e")
    taken = tuple(
        amended.founding.sign(replace(close.body, custodian=name), name) for name in seated
    )
    amended.play(spec={"closes": taken})

    assert says(audit(amended), "chain", SPEC_1, "unknown-signer")


@pytest.mark.parametrize("handed_to", [b"", bytes(32)])
def test_closes_that_hand_the_round_over_elsewhere_are_found(
    amended: AmendedPlayer, audit: Audit, says: Says, handed_to: bytes
) -> None:
    taken = tuple(
        amended.founding.sign(replace(one.body, handed_to=handed_to), one.signer)
        for one in amended.closes
    )
    amended.play(spec={"closes": taken[:3]})

    assert says(audit(amended), "chain", SPEC_1, "handed-to")


def test_a_study_that_begins_with_another_committee_is_found(
    found: Callable[..., Founding], audit: Audit, says: Says
) -> None:
    player = AmendedPlayer(found()).change_everything()
    player.play()

    file = transcript.round_file(0, transcript.SPEC)
    assert says(audit(player), "chain", file, "first-round")


def test_who_is_not_seated_yet_signs_nothing_of_an_earlier_round(
    amended: AmendedPlayer, audit: Audit, says: Says
) -> None:
    amended.play()
    played = amended.play()
    stranger = amended.founding.sign(
        replace(played.acceptances[0].body, custodian="custodian-d"), "custodian-d"
    )
    played.write(transcript.ACCEPTANCES, (*played.acceptances, stranger))

    file = transcript.round_file(2, transcript.ACCEPTANCES)
    assert says(audit(amended), "signatures", file, "unknown-signer")


def test_who_left_is_a_stranger_afterwards(
    amended: AmendedPlayer, audit: Audit, says: Says
) -> None:
    amended.play(cohort=("cleveland", "hungary", "switzerland", "va-long-beach"))

    report = audit(amended)

    assert says(report, "spec", SPEC_1, "spec-cohort")
    file = transcript.round_file(1, transcript.CONTRIBUTIONS)
    assert says(report, "contributions", file, "stranger")


def test_nobody_is_left_out_as_revoked_who_was_not(
    begin: Callable[..., AmendedPlayer], audit: Audit, says: Says
) -> None:
    player = begin()
    player.play(left_out=("hungary",), left_out_by="revoked")
    file = transcript.round_file(1, transcript.FREEZE)

    open_ended = audit(player)
    assert open_ended.accepted, open_ended.failed
    assert any(
        (one.check, one.file) == ("left-out", file) and "hungary" in one.sentence
        for one in open_ended.not_checkable
    )
    assert says(audit(player.end()), "left-out", file, "left-out-rule")


def test_amendments_stand_in_specs_and_nowhere_else(
    amended: AmendedPlayer, audit: Audit, says: Says
) -> None:
    founding = amended.founding
    amended.files[transcript.MANIFEST] = manifest_file_to_bytes(
        founding.manifest, founding.approval, amended.pending
    )
    amended.play()

    assert says(audit(amended), "amendments", transcript.MANIFEST, "amendments-apart")
