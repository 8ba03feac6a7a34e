"""A custodian admits contributions page by page, each page once (threats T8 and T31)."""

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from blindsum_crypto.log.merkle import root
from blindsum_custodian.accept import AcceptDuty
from blindsum_custodian.admit import AdmitDuty, HeaderEntry
from blindsum_custodian.close import CloseDuty
from blindsum_custodian.endorse import EndorseDuty
from blindsum_custodian.store.evidence import evidence_of
from blindsum_protos.convert.signed import signed_to_bytes
from blindsum_rules.admission import Admission
from blindsum_rules.endorsement import Endorsement
from blindsum_rules.signed import Signed, verify
from blindsum_rules.spec import Spec

if TYPE_CHECKING:
    from tests.custodian.rounds.conftest import Play

A, B = "custodian-0", "custodian-1"


@pytest.fixture
def spec(play: "Play") -> Signed[Spec]:
    """Round 0, accepted by A and B."""
    spec = play.spec()
    for name in (A, B):
        play.perform(name, AcceptDuty(spec))
    return spec


def test_a_page_of_good_headers_is_admitted(play: "Play", spec: Signed[Spec]) -> None:
    submissions = play.submissions(spec, play.clients)
    page = play.page(spec, submissions)

    (admission,) = play.perform(A, play.admit_duty(A, page, submissions))

    verify(admission, play.study.custodian_keys)
    digests = page.body.contribution_digests
    assert admission.body == Admission("small-study", 0, spec.digest, 0, root(digests), (), A)


def test_the_same_page_again_gets_the_same_bytes_also_after_a_restart(
    play: "Play", spec: Signed[Spec]
) -> None:
    submissions = play.submissions(spec, play.clients)
    duty = play.admit_duty(A, play.page(spec, submissions), submissions)
    (first,) = play.perform(A, duty)
    play.restart(A)
    (second,) = play.perform(A, duty)
    assert signed_to_bytes(first) == signed_to_bytes(second)


def test_a_second_page_of_one_number_is_refused_and_kept_as_evidence(
    play: "Play", spec: Signed[Spec]
) -> None:
    submissions = play.submissions(spec, play.clients)
    play.perform(A, play.admit_duty(A, play.page(spec, submissions), submissions))
    second = play.page(spec, submissions[:3])

    assert play.refused(A, play.admit_duty(A, second, submissions[:3])) == "second-page"

    with play.custodian(A).store.reading() as connection:
        (kept,) = evidence_of(connection, "small-study", 0)
    assert kept.message == signed_to_bytes(second)


def test_pages_come_in_order_and_without_gaps(play: "Play", spec: Signed[Spec]) -> None:
    first, second = play.submissions(spec, play.clients[:3]), play.submissions(spec, ["client-03"])
    later = play.admit_duty(A, play.page(spec, second, page=1), second)

    assert play.refused(A, later) == "page-gap"
    play.perform(A, play.admit_duty(A, play.page(spec, first), first))

    (admission,) = play.perform(A, later)
    assert (admission.body.page, admission.body.denials) == (1, ())


def test_a_page_of_a_round_that_was_not_accepted_is_refused(play: "Play") -> None:
    spec = play.spec()
    submissions = play.submissions(spec, play.clients)
    duty = play.admit_duty(A, play.page(spec, submissions), submissions)
    assert play.refused(A, duty) == "unknown-round"


def test_a_page_of_another_round_id_is_rejected(play: "Play", spec: Signed[Spec]) -> None:
    submissions = play.submissions(spec, play.clients)
    page = play.page(spec, submissions, round_id=b"x" * 32)
    assert play.refused(A, play.admit_duty(A, page, submissions)) == "wrong-round"
    page = play.page(spec, submissions, study="another-study")
    assert play.refused(A, play.admit_duty(A, page, submissions)) == "wrong-study"


def test_a_page_that_the_aggregator_did_not_sign_is_rejected(
    play: "Play", spec: Signed[Spec]
) -> None:
    submissions = play.submissions(spec, play.clients)
    page = play.people.sign(play.page(spec, submissions).body, "client-00")
    assert play.refused(A, play.admit_duty(A, page, submissions)) == "unknown-signer"


def test_entries_that_are_not_the_pages_are_rejected(play: "Play", spec: Signed[Spec]) -> None:
    submissions = play.submissions(spec, play.clients[:3])
    page = play.page(spec, submissions)
    assert play.refused(A, play.admit_duty(A, page, submissions[:2])) == "page-entries"
    swapped = [submissions[1], submissions[0], submissions[2]]
    assert play.refused(A, play.admit_duty(A, page, swapped)) == "page-entries"
    assert play.perform(A, play.admit_duty(A, page, submissions))[0].body.denials == ()


def test_a_mauled_wrap_is_rejected_and_the_true_one_is_admitted_afterwards(
    play: "Play", spec: Signed[Spec]
) -> None:
    submissions = play.submissions(spec, play.clients[:3])
    page = play.page(spec, submissions)
    true = play.admit_duty(A, page, submissions)
    mauled = bytes([true.entries[1].wrap[0] ^ 1]) + true.entries[1].wrap[1:]
    entries = (true.entries[0], HeaderEntry(true.entries[1].contribution, mauled), true.entries[2])

    (refusal,) = play.perform(A, AdmitDuty(page, entries))
    assert (refusal.body.kind, refusal.body.rule) == ("rejected", "wrap-digest-mismatch")
    assert refusal.body.request_digest == page.digest

    # The page is fixed by its first sight: it may come again, another one may not.
    other = play.page(spec, submissions[:2])
    assert play.refused(A, play.admit_duty(A, other, submissions[:2])) == "second-page"
    (admission,) = play.perform(A, true)
    assert admission.body.denials == ()


def test_a_mauled_signature_is_rejected_and_the_true_one_is_admitted_afterwards(
    play: "Play", spec: Signed[Spec]
) -> None:
    """No digest of the page covers a signature, so a false one is no word of its client."""
    submissions = play.submissions(spec, play.clients[:3])
    page = play.page(spec, submissions)
    true = play.admit_duty(A, page, submissions)
    signed = true.entries[1].contribution
    for false in (
        replace(signed, signature=bytes([signed.signature[0] ^ 1]) + signed.signature[1:]),
        replace(signed, signer="client-02"),
        play.people.sign(signed.body, "client-02"),
    ):
        entry = HeaderEntry(false, true.entries[1].wrap)
        (refusal,) = play.perform(A, AdmitDuty(page, (true.entries[0], entry, true.entries[2])))
        assert (refusal.body.kind, refusal.body.rule) == ("rejected", "contribution-signature")

    other = play.page(spec, submissions[:2])
    assert play.refused(A, play.admit_duty(A, other, submissions[:2])) == "second-page"
    (admission,) = play.perform(A, true)
    assert admission.body.denials == ()


def test_a_header_that_its_client_never_signed_stops_its_page_and_denies_nobody(
    play: "Play", spec: Signed[Spec]
) -> None:
    """No honest aggregator makes such a page: it verifies a header before it keeps it."""
    submissions = play.submissions(spec, play.clients[:3])
    play.perform(A, play.admit_duty(A, play.page(spec, submissions), submissions))
    forged = play.submission(spec, "client-03", signer="client-04")
    page = play.page(spec, [forged], page=1)

    duty = play.admit_duty(A, page, [forged])

    assert play.refused(A, duty) == "contribution-signature"
    assert play.refused(A, duty) == "contribution-signature"
    assert isinstance(
        play.perform(A, EndorseDuty(0, play.freeze(spec, submissions).digest))[0].body, Endorsement
    )


def test_one_custodians_wrap_is_not_anothers(play: "Play", spec: Signed[Spec]) -> None:
    submissions = play.submissions(spec, play.clients[:3])
    page = play.page(spec, submissions)
    assert play.refused(A, play.admit_duty(B, page, submissions)) == "wrap-digest-mismatch"


def test_no_page_comes_after_the_freeze_or_the_close(play: "Play", spec: Signed[Spec]) -> None:
    submissions = play.submissions(spec, play.clients[:3])
    play.perform(A, play.admit_duty(A, play.page(spec, submissions), submissions))
    play.perform(A, EndorseDuty(0, play.freeze(spec, submissions).digest))
    late = play.submissions(spec, ["client-04"])
    duty = play.admit_duty(A, play.page(spec, late, page=1), late)

    assert play.refused(A, duty) == "round-frozen"
    play.perform(A, CloseDuty(0))
    assert play.refused(A, duty) == "round-closed"


def test_an_answered_page_is_answered_again_after_the_close(
    play: "Play", spec: Signed[Spec]
) -> None:
    submissions = play.submissions(spec, play.clients[:3])
    duty = play.admit_duty(A, play.page(spec, submissions), submissions)
    answers = play.perform(A, duty)
    play.perform(A, CloseDuty(0))
    assert play.perform(A, duty) == answers


def test_no_page_belongs_to_the_end_of_a_study(play: "Play", spec: Signed[Spec]) -> None:
    end = play.end_after(spec, play.closes_of(spec, None, play.names[1:]))
    play.perform(A, AcceptDuty(end))
    assert play.refused(A, AdmitDuty(play.page(end, []), ())) == "study-ended"
