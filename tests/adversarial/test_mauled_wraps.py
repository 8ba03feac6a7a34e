"""A client is to be evicted by fraud: its wrap or signature is changed on the way (threat T31).

The gain is a denial that looks like the client's own fault, or two answers of one custodian to one
page. What stops it: clients sign the digests of their wraps, what was changed on the way is
rejected and never denied, page n is fixed by the aggregator's signature, and stored answers are
sent again.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.adversarial.hostile_aggregator import Sent
from tests.adversarial.world import FACE, World, total_of
from tests.aggregator.cast import build_cast
from tests.aggregator.stage import Stage

from blindsum_aggregator.store.messages import MessageKind
from blindsum_crypto.errors import Rejected
from blindsum_custodian import admit
from blindsum_custodian.admit import AdmitDuty, HeaderEntry
from blindsum_custodian.endorse import EndorseDuty
from blindsum_custodian.store.evidence import evidence_of
from blindsum_protos.convert.signed import signed_to_bytes
from blindsum_rules.admission import HeaderPage
from blindsum_rules.refusal import Refusal
from blindsum_rules.signed import Signed
from blindsum_rules.spec import Spec
from blindsum_rules.transitions import AggregatorState

A = "custodian-0"
VICTIM = 2
Maul = Callable[[HeaderEntry, list[Sent]], HeaderEntry]


def flipped(data: bytes, position: int) -> bytes:
    changed = bytearray(data)
    changed[position] ^= 1
    return bytes(changed)


def wrap_changed(entry: HeaderEntry, _: list[Sent]) -> HeaderEntry:
    return HeaderEntry(entry.contribution, flipped(entry.wrap, len(entry.wrap) // 2))


def wrap_cut(entry: HeaderEntry, _: list[Sent]) -> HeaderEntry:
    return HeaderEntry(entry.contribution, entry.wrap[:-1])


def wrap_of_another_client(entry: HeaderEntry, sent: list[Sent]) -> HeaderEntry:
    return HeaderEntry(entry.contribution, sent[VICTIM + 1].sealed.wraps[0])


def wrap_of_another_custodian(entry: HeaderEntry, sent: list[Sent]) -> HeaderEntry:
    return HeaderEntry(entry.contribution, sent[VICTIM].sealed.wraps[1])


def signature_changed(entry: HeaderEntry, _: list[Sent]) -> HeaderEntry:
    signed = entry.contribution
    changed = replace(signed, signature=flipped(signed.signature, 40))
    return HeaderEntry(changed, entry.wrap)


def signature_of_another(entry: HeaderEntry, sent: list[Sent]) -> HeaderEntry:
    other = sent[VICTIM + 1].contribution
    changed = replace(entry.contribution, signature=other.signature)
    return HeaderEntry(changed, entry.wrap)


def signer_changed(entry: HeaderEntry, sent: list[Sent]) -> HeaderEntry:
    changed = replace(entry.contribution, signer=sent[VICTIM + 1].client)
    return HeaderEntry(changed, entry.wrap)


MAULED_WRAPS: list[Maul] = [
    wrap_changed,
    wrap_cut,
    wrap_of_another_client,
    wrap_of_another_custodian,
]
MAULED_SIGNATURES: list[Maul] = [signature_changed, signature_of_another, signer_changed]


def accepted_by(world: World, *names: str) -> tuple[Signed[Spec], list[Sent], Signed[HeaderPage]]:
    spec = world.aggregator.spec()
    world.accept(spec, names or None)
    sent = world.seal_all(spec)
    return spec, sent, world.aggregator.page(spec, sent)


def mauled(world: World, page: Signed[HeaderPage], sent: list[Sent], maul: Maul) -> AdmitDuty:
    """What A gets: the page as it was signed, with one thing of the victim's changed."""
    entries = list(world.aggregator.admit_duty(A, page, sent).entries)
    entries[VICTIM] = maul(entries[VICTIM], sent)
    return AdmitDuty(page, tuple(entries))


@pytest.mark.parametrize(
    ("maul", "rule"),
    [
        *((maul, "wrap-digest-mismatch") for maul in MAULED_WRAPS),
        *((maul, "contribution-signature") for maul in MAULED_SIGNATURES),
    ],
)
def test_what_was_mauled_on_the_way_is_rejected_and_the_true_one_is_admitted_afterwards(
    world: World, maul: Maul, rule: str
) -> None:
    spec, sent, page = accepted_by(world)

    (refusal,) = world.perform(A, mauled(world, page, sent, maul))

    assert isinstance(refusal.body, Refusal)
    assert (refusal.body.kind, refusal.body.rule) == ("rejected", rule)
    assert refusal.body.request_digest == page.digest
    world.restart(A)
    for admission in world.admit(spec, sent):
        assert admission.body.denials == ()
    freeze = world.aggregator.freeze(spec, sent)
    releases = world.release(freeze, world.endorse(freeze))
    assert np.array_equal(world.aggregator.open(spec, sent, releases), total_of(sent))


def test_a_page_that_was_rejected_may_come_again_only_as_it_was(world: World) -> None:
    spec, sent, page = accepted_by(world, A)
    world.perform(A, mauled(world, page, sent, wrap_changed))
    world.restart(A)
    without = [one for one in sent if one is not sent[VICTIM]]

    second = world.aggregator.page(spec, without)

    assert world.refused(A, world.aggregator.admit_duty(A, second, without)) == "second-page"


def test_a_second_page_is_refused_and_kept_and_the_first_gets_its_stored_answer(
    world: World,
) -> None:
    spec, sent, page = accepted_by(world, A)
    duty = world.aggregator.admit_duty(A, page, sent)
    (first,) = world.perform(A, duty)
    second = world.aggregator.page(spec, sent[1:])

    refused = world.aggregator.admit_duty(A, second, sent[1:])

    assert world.refused(A, refused) == "second-page"
    world.restart(A)
    assert world.refused(A, refused) == "second-page"
    (again,) = world.perform(A, duty)
    # The stored answer comes whatever the equal page is accompanied by now.
    (mauled_again,) = world.perform(A, mauled(world, page, sent, wrap_changed))
    assert signed_to_bytes(first) == signed_to_bytes(again) == signed_to_bytes(mauled_again)
    with world.custodian(A).store.reading() as connection:
        kept = evidence_of(connection, world.study.study, 0)
    assert [(one.rule, one.message) for one in kept] == [("second-page", signed_to_bytes(second))]


def test_the_honest_aggregator_keeps_no_header_whose_signature_does_not_hold(
    tmp_path: Path,
) -> None:
    """Why a bad signature on a page is the aggregator's fault, and stops no honest round."""
    cast = build_cast()
    stage = Stage(cast, tmp_path)
    stage.play_to(AggregatorState.OPEN)
    sent = cast.contribute(stage.spec, "client-0")
    signed = sent.contribution
    for rule, false in {
        "bad-signature": replace(signed, signature=flipped(signed.signature, 40)),
        "unknown-signer": replace(signed, signer="client-1"),
    }.items():
        with pytest.raises(Rejected) as caught:
            stage.submit(replace(sent, contribution=false))
        assert caught.value.rule == rule
        assert rule in admit._SIGNATURE_RULES
    stage.settle()
    assert stage.messages(MessageKind.PAGE, HeaderPage) == []
    stage.upload(sent)
    stage.close()


def evicted_by(world: World, maul: Maul) -> tuple[str, str]:
    """The rule of the victim's denial, and what becomes of a freeze with the victim in it."""
    spec, sent, page = accepted_by(world)
    (admission,) = world.perform(A, mauled(world, page, sent, maul))
    (denial,) = admission.body.denials
    assert denial.client == sent[VICTIM].client
    whole = world.aggregator.freeze(spec, sent)
    return denial.rule, world.refused(A, EndorseDuty(0, whole.digest))


@pytest.mark.parametrize("maul", MAULED_WRAPS)
def test_the_control_that_with_the_check_off_a_mauled_wrap_evicts_its_client(
    world: World, monkeypatch: pytest.MonkeyPatch, maul: Maul
) -> None:
    monkeypatch.setattr(admit, "_check_delivered", lambda *_: None)
    assert evicted_by(world, maul) == ("bad-wrap", "not-admitted")


@pytest.mark.parametrize("maul", MAULED_SIGNATURES)
def test_the_control_that_with_the_check_off_a_mauled_signature_evicts_its_client(
    world: World, monkeypatch: pytest.MonkeyPatch, maul: Maul
) -> None:
    monkeypatch.setattr(admit, "_SIGNATURE_RULES", frozenset())
    rule, freeze = evicted_by(world, maul)
    assert rule in ("bad-signature", "unknown-signer")
    assert freeze == "not-admitted"


def test_the_control_that_a_custodian_without_memory_gives_one_page_two_answers(
    world: World,
) -> None:
    spec, sent, page = accepted_by(world, A, forgetful := f"{A}{FACE}forgetful")
    second = world.aggregator.page(spec, sent[1:])
    (one,) = world.perform(A, world.aggregator.admit_duty(A, page, sent))
    (two,) = world.perform(forgetful, world.aggregator.admit_duty(A, second, sent[1:]))
    assert (one.signer, one.body.page) == (two.signer, two.body.page)
    assert one.body.root != two.body.root
