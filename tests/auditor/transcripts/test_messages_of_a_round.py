"""Every message in a round's folder is held to its round: well signed, and still out of place.

Each test puts messages that their own signers signed where they do not belong. The certificate
stays as it was, so more may fail than what is asked for here.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from blindsum_auditor.report import Report
from blindsum_rules import transcript
from blindsum_rules.acceptance import Acceptance
from blindsum_rules.admission import Denial

if TYPE_CHECKING:
    from tests.auditor.transcripts.conftest import PlayedRound, Player

    from blindsum_rules.signed import Signed

Players = Callable[..., "Player"]
Audit = Callable[..., Report]
Says = Callable[[Report, str, str, str], bool]
Alter = Callable[..., Any]

OTHER_STUDY = ({"study": "lung"}, "wrong-study")
OTHER_NUMBER = ({"round_number": 7}, "wrong-round")
OTHER_ROUND = ({"round_id": bytes(32)}, "wrong-round")
OTHERS = [OTHER_STUDY, OTHER_NUMBER, OTHER_ROUND]


def at(number: int, name: str) -> str:
    return transcript.round_file(number, name)


def resigned(played: "PlayedRound", signed: "Signed[Any]", **changes: Any) -> "Signed[Any]":  # noqa: ANN401
    """The same message with other fields, signed by the same party."""
    return played.founding.sign(replace(signed.body, **changes), signed.signer)


@pytest.mark.parametrize("name", ["pages", "admissions", "releases"])
@pytest.mark.parametrize(("changes", "rule"), OTHERS)
def test_a_message_of_another_round_is_refused(
    player: Players,
    audit: Audit,
    says: Says,
    name: str,
    changes: dict[str, Any],
    rule: str,
) -> None:
    study = player()
    played = study.play()
    messages = {
        "pages": played.pages,
        "admissions": played.admissions,
        "releases": played.given,
    }[name]
    played.write(f"{name}.pb", (resigned(played, messages[0], **changes), *messages[1:]))

    assert says(audit(study.end()), name, at(0, f"{name}.pb"), rule)


@pytest.mark.parametrize(("changes", "rule"), OTHERS)
def test_an_abort_of_another_round_is_refused(
    player: Players, audit: Audit, says: Says, changes: dict[str, Any], rule: str
) -> None:
    study = player()
    played = study.play(aborts_by="operator")
    assert played.abort is not None
    played.write("abort.pb", resigned(played, played.abort, **changes))

    assert says(audit(study.end()), "abort", at(0, "abort.pb"), rule)


def test_an_abort_that_hides_the_freeze_is_refused(
    player: Players, audit: Audit, says: Says
) -> None:
    study = player()
    played = study.play(aborts_by="operator")
    assert played.abort is not None
    played.write("abort.pb", resigned(played, played.abort, freeze_digest=b""))

    assert says(audit(study.end()), "abort", at(0, "abort.pb"), "abort-freeze")


@pytest.mark.parametrize(("changes", "rule"), [*OTHERS, ({}, "repeated-signer")])
def test_acceptances_of_a_round_that_never_opened_are_of_its_spec_and_of_distinct_custodians(
    player: Players, audit: Audit, says: Says, changes: dict[str, Any], rule: str
) -> None:
    study = player()
    played = study.play(sends=(), freezes=False, aborts_by="accept-time-out", acceptors=2)
    body = replace(Acceptance(*played.place, ""), **changes)
    played.write("acceptances.pb", study.founding.by_all(body, ("custodian-a",)) * 2)

    assert says(audit(study.end()), "acceptances", at(0, "acceptances.pb"), rule)


def test_a_round_that_never_opened_needs_no_quorum_of_acceptances(
    player: Players, audit: Audit
) -> None:
    study = player()
    study.play(sends=(), freezes=False, aborts_by="accept-time-out", acceptors=2)

    assert audit(study.end()).failed == ()


@pytest.mark.parametrize(
    ("changes", "rule"), [*OTHERS, ({"freeze_digest": bytes(32)}, "wrong-freeze")]
)
def test_an_endorsement_in_an_aborted_round_is_of_its_freeze(
    player: Players, audit: Audit, says: Says, changes: dict[str, Any], rule: str
) -> None:
    study = player()
    played = study.play(aborts_by="operator")
    played.write("endorsements.pb", (resigned(played, played.endorsements[0], **changes),))

    assert says(audit(study.end()), "endorsements", at(0, "endorsements.pb"), rule)


def test_one_custodian_does_not_endorse_an_aborted_round_twice(
    player: Players, audit: Audit, says: Says
) -> None:
    study = player()
    played = study.play(aborts_by="operator")
    played.write("endorsements.pb", played.endorsements[:1] * 2)

    report = audit(study.end())

    assert says(report, "endorsements", at(0, "endorsements.pb"), "repeated-signer")


def _denial(index: int) -> Alter:
    return lambda all_: Denial(all_[index].body.core.client, all_[index].digest, "bad-wrap")


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        (lambda _: {"root": bytes(32)}, "admission-root"),
        (lambda _: {"page": 2}, "page-number"),
        (lambda all_: {"denials": (_denial(1)(all_), _denial(0)(all_))}, "denials"),
        (lambda all_: {"denials": (_denial(0)(all_), _denial(0)(all_))}, "denials"),
        (lambda all_: {"denials": (_denial(3)(all_),)}, "denials"),
        (lambda all_: {"denials": (replace(_denial(0)(all_), client="hungary"),)}, "denials"),
    ],
)
def test_an_admission_that_does_not_fit_its_page_is_refused(
    player: Players, audit: Audit, says: Says, changes: Alter, rule: str
) -> None:
    study = player()
    played = study.play()
    altered = resigned(played, played.admissions[0], **changes(played.contributions))
    others = played.admissions[1:]
    order = (*others, altered) if altered.body.page else (altered, *others)
    played.write("admissions.pb", order)

    assert says(audit(study.end()), "admissions", at(0, "admissions.pb"), rule)


@pytest.mark.parametrize("order", [(1, 0, 2, 3, 4, 5, 6, 7), (0, 0, 1, 2, 3, 4, 5, 6, 7)])
def test_admissions_stand_by_page_then_custodian_each_once(
    player: Players, audit: Audit, says: Says, order: tuple[int, ...]
) -> None:
    study = player()
    played = study.play()
    played.write("admissions.pb", tuple(played.admissions[place] for place in order))

    assert says(audit(study.end()), "admissions", at(0, "admissions.pb"), "admissions")


def test_pages_stand_in_order(player: Players, audit: Audit, says: Says) -> None:
    study = player()
    played = study.play()
    played.write("pages.pb", played.pages[::-1])

    assert says(audit(study.end()), "pages", at(0, "pages.pb"), "page-number")


def test_a_contribution_on_two_pages_is_refused(player: Players, audit: Audit, says: Says) -> None:
    study = player()
    played = study.play()
    digests = played.pages[0].body.contribution_digests
    played.write(
        "pages.pb",
        (played.pages[0], resigned(played, played.pages[1], contribution_digests=digests)),
    )

    assert says(audit(study.end()), "pages", at(0, "pages.pb"), "repeated-contribution")


def test_contributions_stand_by_client_each_once(player: Players, audit: Audit, says: Says) -> None:
    study = player()
    played = study.play()
    played.write("contributions.pb", (*played.contributions, played.contributions[0]))

    report = audit(study.end())

    assert says(report, "contributions", at(0, "contributions.pb"), "sorted-distinct")


def test_releases_for_another_freeze_are_refused_and_printed_as_evidence(
    player: Players, audit: Audit, says: Says
) -> None:
    study = player()
    played = study.play()
    altered = resigned(played, played.given[0], freeze_digest=bytes(32))
    played.write("releases.pb", (altered, *played.given[1:]))

    report = audit(study.end())

    assert says(report, "releases", at(0, "releases.pb"), "wrong-freeze")
    assert says(report, "equivocation", at(0, "releases.pb"), "equivocation")


def test_a_custodian_that_releases_a_part_less_than_it_holds_is_refused(
    player: Players, audit: Audit, says: Says
) -> None:
    study = player()
    played = study.play()
    altered = resigned(played, played.given[0], parts=played.given[0].body.parts[1:])
    played.write("releases.pb", (altered, *played.given[1:]))

    assert says(audit(study.end()), "releases", at(0, "releases.pb"), "release-parts")


@pytest.mark.parametrize(
    ("order", "rule"),
    [((0, 1, 2), "certificate-lists"), ((0, 0, 1, 2, 3), "repeated-signer")],
)
def test_the_releases_are_those_that_were_compared_each_once(
    player: Players, audit: Audit, says: Says, order: tuple[int, ...], rule: str
) -> None:
    study = player()
    played = study.play()
    played.write("releases.pb", tuple(played.given[place] for place in order))

    assert says(audit(study.end()), "releases", at(0, "releases.pb"), rule)


def test_a_release_that_came_too_late_to_be_compared_is_held_against_nobody(
    player: Players, audit: Audit
) -> None:
    study = player()
    opened_by = ("custodian-a", "custodian-b", "custodian-c")
    played = study.play(certificate={"opened_by": opened_by})
    digests = tuple(sorted(one.digest for one in played.given[:3]))
    assert played.certificate is not None
    played.write("certificate.pb", resigned(played, played.certificate, release_digests=digests))

    assert audit(study.end()).failed == ()


@pytest.mark.parametrize("name", ["acceptances", "admissions", "endorsements"])
def test_a_custodians_word_that_the_certificate_lists_is_not_lost_unseen(
    player: Players, audit: Audit, says: Says, name: str
) -> None:
    study = player()
    played = study.play()
    words = {
        "acceptances": played.acceptances,
        "admissions": played.admissions,
        "endorsements": played.endorsements,
    }[name]
    played.write(f"{name}.pb", words[:-1])

    assert says(audit(study.end()), "listed", at(0, f"{name}.pb"), "certificate-lists")


def test_a_custodian_that_opened_the_sum_has_released(
    player: Players, audit: Audit, says: Says
) -> None:
    study = player()
    played = study.play()
    assert played.certificate is not None
    digests = tuple(sorted(one.digest for one in played.given[:3]))
    played.write("certificate.pb", resigned(played, played.certificate, release_digests=digests))
    played.write("releases.pb", played.given[:3])

    assert says(audit(study.end()), "releases", at(0, "releases.pb"), "certificate-lists")


def test_a_close_on_a_freeze_that_the_round_has_not_is_refused(
    player: Players, audit: Audit, says: Says
) -> None:
    study = player()
    study.play(closes_with=lambda name, named: bytes(32) if name == "custodian-d" else named)

    assert says(audit(study.end()), "closes", at(0, "closes.pb"), "freeze-in-closes")
