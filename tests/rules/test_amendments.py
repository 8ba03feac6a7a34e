"""Amendments by their rules: one chain of two hands, and nobody comes back under an old name."""

# ruff: noqa: ANN401 - `**changes` are fields of an amendment

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from tests.rules.amending import (
    amended,
    committee_with,
    new_client,
    new_custodian,
    new_key,
    rotated,
    signed,
    words,
)
from tests.rules.conftest import SmallStudy

from blindsum_crypto.errors import BlindsumError
from blindsum_rules.amended_manifest import AmendedManifest
from blindsum_rules.amendment import SignedAmendment


@pytest.fixture
def first(study: SmallStudy) -> AmendedManifest:
    return study.amended


def rule_of(act: Callable[[], object]) -> str:
    with pytest.raises(BlindsumError) as caught:
        act()
    return caught.value.rule


def test_an_amendment_changes_the_words_and_nothing_that_names_the_study(
    study: SmallStudy, first: AmendedManifest
) -> None:
    committee = committee_with(first, new_custodian(0), without=("custodian-3",))

    after = amended(
        study,
        first,
        joined=(new_client(0),),
        left=("client-00",),
        rotated=(rotated(first, "client-01", 0),),
        committee=committee,
    )

    names = [one.name for one in after.body.clients]
    assert names == ["client-01", "client-02", "client-03", "client-04", "new-00"]
    assert after.body.agreement_keys["client-01"] == new_key(0)
    assert after.body.custodians == committee.custodians
    assert after.digest == first.digest
    assert (after.number, after.epoch) == (1, 1)
    assert after.amendment_digest == after.amendments[-1].digest
    assert first.body == study.body, "the manifest before is a value of its own"
    assert after.up_to(0) == first


def test_an_epoch_begins_where_keys_are_new_and_not_where_somebody_goes(
    study: SmallStudy, first: AmendedManifest
) -> None:
    after = amended(study, first, left=("client-00",))
    later = amended(study, after, rotated=(rotated(after, "client-01", 0),))
    last = amended(study, later, revoked=("client-02",))

    assert [one.epoch for one in (first, after, later, last)] == [0, 0, 2, 2]
    assert last.revoked == {"client-02"}


def test_a_quota_of_more_clients_than_are_left_becomes_the_whole_cohort(
    study: SmallStudy,
) -> None:
    schedule = replace(study.body.schedule, quota=5)
    waiting = study.with_manifest(schedule=schedule)

    assert amended(waiting, waiting.amended, left=("client-00",)).body.schedule.quota == 0


def bad(**changes: Any) -> Callable[[AmendedManifest], dict[str, Any]]:
    return lambda _: changes


def old_keys(first: AmendedManifest) -> dict[str, Any]:
    stolen = replace(new_client(0), identity=first.body.clients[0].identity)
    return {"joined": (stolen,)}


def swapped_identity(first: AmendedManifest) -> dict[str, Any]:
    other = replace(first.body.custodians[0], identity=new_custodian(0).identity)
    return {"committee": committee_with(first, other, without=("custodian-0",))}


BROKEN: list[tuple[str, Callable[[AmendedManifest], dict[str, Any]]]] = [
    ("amendment-empty", bad()),
    ("amendment-reason", bad(left=("client-00",), reason=" ")),
    ("amendment-number", bad(left=("client-00",), number=2)),
    ("amendment-chain", bad(left=("client-00",), previous_digest=bytes(32))),
    ("amendment-study", bad(left=("client-00",), study="another-study")),
    ("sorted-distinct", bad(left=("client-01", "client-00"))),
    ("sorted-distinct", bad(joined=(new_client(1), new_client(0)))),
    ("unknown-party", bad(left=("nobody",))),
    ("unknown-party", bad(revoked=("operator",))),
    ("unknown-party", bad(left=("custodian-0",))),
    ("unknown-party", bad(rotated=(new_client(0),))),
    ("amendment-twice", bad(left=("client-00",), revoked=("client-00",))),
    (
        "amendment-twice",
        lambda first: {"left": ("client-00",), "rotated": (rotated(first, "client-00", 0),)},
    ),
    ("amendment-known-party", lambda first: {"joined": (first.body.clients[0],)}),
    ("amendment-known-party", bad(joined=(replace(new_client(0), name="custodian-0"),))),
    ("amendment-known-party", old_keys),
    ("enrolled-twice", bad(joined=(replace(new_client(0), name="operator"),))),
    ("amendment-rotation", lambda first: {"rotated": (first.body.clients[0],)}),
    (
        "amendment-rotation",
        lambda first: {"rotated": (replace(rotated(first, "client-00", 0), organisation="x"),)},
    ),
    (
        "amendment-rotation",
        lambda first: {
            "rotated": (replace(rotated(first, "client-00", 0), identity=new_client(0).identity),)
        },
    ),
    (
        "amendment-rotation",
        lambda first: {
            "rotated": (
                replace(first.body.clients[0], agreement_key=first.body.clients[1].agreement_key),
            )
        },
    ),
    # One who leaves by the very amendment that lets it in again, under another name.
    (
        "amendment-known-party",
        lambda first: {
            "left": (first.body.clients[0].name,),
            "joined": (replace(first.body.clients[0], name="somebody-new"),),
        },
    ),
    (
        "amendment-known-party",
        lambda first: {
            "committee": committee_with(
                first,
                replace(first.body.custodians[0], name="somebody-new"),
                without=(first.body.custodians[0].name,),
            )
        },
    ),
    ("amendment-committee", lambda first: {"committee": committee_with(first)}),
    ("amendment-committee", swapped_identity),
    ("amendment-committee", bad(revoked=("custodian-0",))),
    (
        "amendment-committee",
        lambda first: {
            "revoked": ("custodian-0",),
            "committee": committee_with(first, without=("custodian-1",), quorum=3),
        },
    ),
    (
        "amendment-known-party",
        lambda first: {
            "committee": committee_with(first, replace(new_custodian(0), name="client-00"))
        },
    ),
    ("quorum-rule", lambda first: {"committee": committee_with(first, quorum=2)}),
    ("quorum-rule", lambda first: {"committee": committee_with(first, threshold=5)}),
    ("min-cohort", bad(left=("client-00", "client-01", "client-02"))),
    ("key-length", bad(joined=(replace(new_client(0), agreement_key=b"short"),))),
    ("amendment-groups", bad(joined=(replace(new_client(0), group=1),))),
]


@pytest.mark.parametrize(("rule", "changes"), BROKEN)
def test_an_amendment_that_breaks_a_rule_is_refused_by_its_name(
    study: SmallStudy,
    first: AmendedManifest,
    rule: str,
    changes: Callable[[AmendedManifest], dict[str, Any]],
) -> None:
    found = rule_of(lambda: amended(study, first, **changes(first)))

    # Groups need the seal masking: here the manifest as a whole says no before the two differ.
    assert found == ("groups-seal" if rule == "amendment-groups" else rule)


def test_who_left_was_revoked_or_gave_up_a_seat_never_comes_back(
    study: SmallStudy, first: AmendedManifest
) -> None:
    client, custodian = first.body.clients[0], first.body.custodians[3]
    committee = committee_with(first, new_custodian(0), without=("custodian-3",))
    after = amended(study, first, left=("client-00",), revoked=("client-01",), committee=committee)
    strangers = [
        replace(new_client(1), name=client.name),
        replace(new_client(1), identity=client.identity),
        replace(new_client(1), agreement_key=client.agreement_key),
        replace(new_client(1), name=custodian.name),
        replace(new_client(1), identity=custodian.identity),
    ]

    for stranger in strangers:
        assert rule_of(lambda one=stranger: amended(study, after, joined=(one,))) == (  # type: ignore[misc]
            "amendment-known-party"
        )
    back = committee_with(after, custodian, without=("new-custodian-00",))
    assert rule_of(lambda: amended(study, after, committee=back)) == "amendment-known-party"


def test_an_old_agreement_or_wrap_key_is_never_given_out_again(
    study: SmallStudy, first: AmendedManifest
) -> None:
    before = first.body.clients[1]
    custodian = first.body.custodians[0]
    rewrapped = replace(custodian, wrap_key=new_custodian(0).wrap_key)
    after = amended(
        study,
        first,
        rotated=(rotated(first, before.name, 0),),
        committee=committee_with(first, rewrapped, without=(custodian.name,)),
    )

    assert rule_of(lambda: amended(study, after, rotated=(before,))) == "amendment-rotation"
    again = committee_with(after, custodian, without=(custodian.name,))
    assert rule_of(lambda: amended(study, after, committee=again)) == "amendment-known-party"


def test_both_hands_sign_the_very_words(study: SmallStudy, first: AmendedManifest) -> None:
    body, other = words(first, left=("client-00",)), words(first, left=("client-01",))
    whole = signed(study, body)
    wrong = {
        "without": SignedAmendment(whole.operator),
        "other words": SignedAmendment(whole.operator, signed(study, other).officer),
        "another hand": SignedAmendment(whole.operator, study.sign(body, "aggregator")),
        "no signature": SignedAmendment(
            whole.operator, replace(study.sign(body, "officer"), signature=bytes(64))
        ),
    }

    for amendment in wrong.values():
        assert rule_of(lambda one=amendment: first.amended((one,))) == "officer-approval"  # type: ignore[misc]
    forged = SignedAmendment(replace(whole.operator, signature=bytes(64)), whole.officer)
    stranger = SignedAmendment(study.sign(body, "officer"), whole.officer)
    assert rule_of(lambda: first.amended((forged,))) == "bad-signature"
    assert rule_of(lambda: first.amended((stranger,))) == "unknown-signer"
    assert first.as_worded((forged,)).body == first.amended((whole,)).body


def test_where_no_officer_is_named_none_signs(study: SmallStudy) -> None:
    alone = study.with_manifest(officer=None)
    body = words(alone.amended, left=("client-00",))

    assert rule_of(lambda: alone.amended.amended((signed(alone, body),))) == "officer-approval"
    one = SignedAmendment(alone.sign(body, "operator"))
    assert alone.amended.amended((one,)).number == 1


def test_amendments_follow_in_order_once_each(study: SmallStudy, first: AmendedManifest) -> None:
    after = amended(study, first, left=("client-00",))
    last = amended(study, after, left=("client-01",))
    one, two = last.amendments

    assert rule_of(lambda: first.amended((two, one))) == "amendment-number"
    assert rule_of(lambda: first.amended((two,))) == "amendment-number"
    assert rule_of(lambda: after.amended((one,))) == "amendment-number"
    assert rule_of(lambda: amended(study, first, left=("client-02",)).amended((two,))) == (
        "amendment-chain"
    )
    assert first.amended((one, two)) == last
