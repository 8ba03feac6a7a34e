"""A page of headers is judged as each of its headers would be alone, by however many threads."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from blindsum_crypto.custody import encode_seeds, wrap_info
from blindsum_crypto.primitives import hpke_wrap
from blindsum_crypto.randomness import SeededRandomness
from blindsum_custodian.accept import AcceptDuty
from blindsum_custodian.admit import AdmitDuty
from blindsum_custodian.custodian import Custodian
from blindsum_custodian.endorse import EndorseDuty
from blindsum_custodian.release import ReleaseDuty
from blindsum_custodian.store.pages import admitted, kept_clients
from blindsum_rules.admission import Denial
from blindsum_rules.header import core_digest, wrap_digest
from blindsum_rules.release import joined
from blindsum_rules.signed import Signed
from blindsum_rules.spec import Spec

if TYPE_CHECKING:
    from tests.custodian.conftest import Submission
    from tests.custodian.rounds.conftest import Play

A, B, C, D = (f"custodian-{index}" for index in range(4))
CLIENTS = 24


def with_threads(play: "Play", threads: int) -> Custodian:
    """Custodian A with so many threads; it is what `play` runs from now on."""
    play.running[A] = replace(play.custodian(A), threads=threads)
    return play.running[A]


def rewrapped(play: "Play", true: "Submission", plaintext: bytes) -> "Submission":
    """The client's own header around a wrap of something else for custodian A."""
    key = play.people.wrap_keys[A]
    info = wrap_info("small-study", 0, A, core_digest(true.contribution.body.core_bytes))
    wraps = (hpke_wrap(key.suite, key.public, info, plaintext), *true.wraps[1:])
    body = replace(true.contribution.body, wrap_digests=tuple(map(wrap_digest, wraps)))
    return replace(true, contribution=play.people.sign(body, true.client), wraps=wraps)


def of_every_kind(play: "Play", spec: Signed[Spec]) -> list["Submission"]:
    """Good ones, and one for every rule that a client can break."""
    names = play.clients
    good = play.submissions(spec, names[:12])
    foreign = [rewrapped(play, play.submission(spec, name), bytes(32 * 3)) for name in names[18:20]]
    foreign_wrap = play.submission(spec, names[13])
    elsewhere = (good[0].wraps[0], *foreign_wrap.wraps[1:])
    body = replace(foreign_wrap.contribution.body, wrap_digests=tuple(map(wrap_digest, elsewhere)))
    signed = play.people.sign(body, foreign_wrap.client)
    return [
        *good,
        *foreign,
        replace(foreign_wrap, contribution=signed, wraps=elsewhere),
        rewrapped(play, play.submission(spec, names[14]), bytes(31)),
        play.submission(spec, names[15], round_number=3),
        play.submission(spec, names[16], payload_bytes=1),
        play.submission(spec, names[17], seed_commitments=(bytes(32),)),
        play.submission(spec, names[3]),  # a second one of a good client
        play.submission(spec, names[18]),  # and of one whose seeds did not fit
        play.submission(spec, names[-1]),  # who is not invited
    ]


RULES = {
    "bad-wrap",
    "repeated-client",
    "seed-commitment-mismatch",
    "seed-commitments",
    "seeds-length",
    "payload-length",
    "stranger",
    "wrong-round",
}


def shuffled(items: Sequence["Submission"], seed: int) -> list["Submission"]:
    drawn = SeededRandomness(f"order {seed}".encode())
    return [one for _, one in sorted((drawn.bytes(8), one) for one in items)]


def admit_pages(
    play: "Play", spec: Signed[Spec], pages: Sequence[Sequence["Submission"]]
) -> list[Denial]:
    """Let A admit pages in order, and say whom it denied."""
    play.perform(A, AcceptDuty(spec))
    denied: list[Denial] = []
    for number, page in enumerate(pages):
        duty = play.admit_duty(A, play.page(spec, page, page=number), page)
        (admission,) = play.perform(A, duty)
        denied += admission.body.denials
    return denied


def memory_of(play: "Play") -> tuple[dict[str, bytes], frozenset[str]]:
    """Who stands admitted with what, and of whom a header is remembered."""
    with play.custodian(A).store.reading() as connection:
        held = dict(admitted(connection, "small-study", 0))
        return held, kept_clients(connection, "small-study", 0, play.clients)


def released_by(
    play: "Play", spec: Signed[Spec], members: Sequence["Submission"]
) -> dict[int, bytes]:
    freeze = play.freeze(spec, members)
    assert play.perform(A, EndorseDuty(0, freeze.digest))[0].body.freeze_digest == freeze.digest
    endorsements = play.endorsements_of(spec, freeze, [B, C, D])
    pages = play.perform(A, ReleaseDuty(0, freeze.digest, endorsements))
    return joined(page.body for page in pages)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_one_page_many_pages_and_any_number_of_threads_give_the_same_answers(
    make_play: Callable[..., "Play"], seed: int
) -> None:
    plays = [make_play(4, 2, 3, CLIENTS) for _ in range(4)]
    spec = plays[0].spec(cohort=tuple(plays[0].clients[:-1]))
    shown = shuffled(of_every_kind(plays[0], spec), seed)
    cuts: list[list[list[Submission]]] = [
        [shown],
        [shown],
        [[one] for one in shown],
        [shown[:5], shown[5:6], shown[6:]],
    ]
    answers = []
    for play, threads, pages in zip(plays, (1, 3, 1, 2), cuts, strict=True):
        with_threads(play, threads)
        denied = admit_pages(play, spec, pages)
        assert {denial.rule for denial in denied} == RULES
        held, remembered = memory_of(play)
        members = [one for one in shown if held.get(one.client) == one.contribution.digest]
        answers.append((denied, held, remembered, released_by(play, spec, members)))
    assert all(answer == answers[0] for answer in answers[1:])


def test_more_threads_than_headers_judge_them_all(play: "Play") -> None:
    with_threads(play, 64)
    spec = play.spec()
    assert admit_pages(play, spec, [play.submissions(spec, play.clients[:3])]) == []
    assert sorted(memory_of(play)[0]) == play.clients[:3]


@pytest.fixture
def many(make_play: Callable[..., "Play"]) -> "Play":
    """One custodian and 2,000 clients."""
    play = make_play(1, 1, 1, 2000)
    with_threads(play, 2)
    return play


@pytest.mark.slow
def test_one_bad_wrap_among_two_thousand_denies_one(many: "Play") -> None:
    spec = many.spec()
    page = many.submissions(spec, many.clients)
    held = encode_seeds(page[1234].seeds, many.study.committee.parts_of(0))
    page[1234] = rewrapped(many, page[1234], held[:-1] + bytes([held[-1] ^ 1]))

    (denial,) = admit_pages(many, spec, [page])

    digest = page[1234].contribution.digest
    assert denial == Denial(page[1234].client, digest, "seed-commitment-mismatch")
    held_here, remembered = memory_of(many)
    assert held_here.keys() == set(many.clients) - {denial.client}
    assert remembered == set(many.clients)


@pytest.mark.slow
def test_one_bad_signature_among_two_thousand_rejects_the_page_and_denies_nobody(
    many: "Play",
) -> None:
    spec = many.spec()
    many.perform(A, AcceptDuty(spec))
    submissions = many.submissions(spec, many.clients)
    true = many.admit_duty(A, many.page(spec, submissions), submissions)
    entries = list(true.entries)
    mauled = replace(entries[1999].contribution, signature=bytes(64))
    entries[1999] = replace(entries[1999], contribution=mauled)

    assert many.refused(A, AdmitDuty(true.page, tuple(entries))) == "contribution-signature"
    assert memory_of(many) == ({}, frozenset())

    (admission,) = many.perform(A, true)
    assert admission.body.denials == ()
    assert memory_of(many)[0].keys() == set(many.clients)
