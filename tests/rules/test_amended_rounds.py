"""Specs that put amendments in force, and chains that fold to one manifest however they are cut."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.rules.amending import (
    amended,
    committee_with,
    new_client,
    new_custodian,
    rotated,
)
from tests.rules.conftest import NOW, SmallStudy, build_study

from blindsum_crypto.errors import BlindsumError
from blindsum_rules.amended_manifest import AmendedManifest
from blindsum_rules.amendment_words import changes_in_words, signers_in_words
from blindsum_rules.spec import Spec
from blindsum_rules.spec_checks import check_spec, in_force, wrap_key_digests
from blindsum_rules.succession import check_first, check_succession


def rule_of(act: Callable[[], object]) -> str:
    with pytest.raises(BlindsumError) as caught:
        act()
    return caught.value.rule


def spec_under(study: SmallStudy, before: object, after: AmendedManifest) -> Spec:
    """The body of the spec that follows round 0 and puts what `after` adds in force."""
    following = study.spec_after(before, amendments=after.amendments)  # type: ignore[arg-type]
    return replace(
        following.body,
        amendment_digest=after.amendment_digest,
        epoch=after.epoch,
        cohort=tuple(one.name for one in after.body.clients),
        wrap_key_digests=wrap_key_digests(after.body),
    )


def test_a_spec_puts_in_force_what_it_carries_and_names_the_last(study: SmallStudy) -> None:
    first = study.amended
    after = amended(study, first, joined=(new_client(0),), left=("client-00",))
    opening = study.spec()
    spec = study.sign(spec_under(study, opening, after), "aggregator")

    folded = in_force(spec, in_force(opening, first))

    assert folded == after
    check_first(opening, first)
    check_spec(spec, folded, NOW)
    check_succession(spec, opening, first)


def test_a_spec_that_hides_misnames_or_ages_an_amendment_is_refused(study: SmallStudy) -> None:
    first = study.amended
    after = amended(study, first, joined=(new_client(0),), left=("client-00",))
    body = spec_under(study, study.spec(), after)
    hidden = study.sign(replace(body, amendments=()), "aggregator")
    misnamed = study.sign(replace(body, amendment_digest=first.digest), "aggregator")
    aged = study.sign(replace(body, epoch=0), "aggregator")
    stale = study.sign(replace(body, wrap_key_digests=(bytes(32),) * 4), "aggregator")

    assert rule_of(lambda: check_spec(hidden, in_force(hidden, first), NOW)) == "spec-amendment"
    assert rule_of(lambda: check_spec(misnamed, in_force(misnamed, first), NOW)) == (
        "spec-amendment"
    )
    assert rule_of(lambda: check_spec(aged, in_force(aged, first), NOW)) == "spec-epoch"
    assert rule_of(lambda: check_spec(stale, in_force(stale, first), NOW)) == "spec-wrap-keys"


def test_who_left_is_not_invited_and_who_joins_is_not_before(study: SmallStudy) -> None:
    first = study.amended
    after = amended(study, first, joined=(new_client(0),), left=("client-00",))
    body = spec_under(study, study.spec(), after)
    late = study.sign(replace(body, cohort=tuple(study.clients)), "aggregator")
    early = study.sign(
        replace(study.spec().body, cohort=tuple(sorted((*study.clients[1:], "new-00")))),
        "aggregator",
    )

    assert rule_of(lambda: check_spec(late, in_force(late, first), NOW)) == "spec-cohort"
    assert rule_of(lambda: check_spec(early, first, NOW)) == "spec-cohort"


def test_a_committee_is_followed_by_another_only_with_its_own_closes(study: SmallStudy) -> None:
    first = study.amended
    new = (new_custodian(0), new_custodian(1))
    committee = committee_with(first, *new, without=("custodian-2", "custodian-3"))
    after = amended(study, first, committee=committee)
    opening = study.spec()
    body = spec_under(study, opening, after)
    few = body.closes[:2]
    without = study.sign(replace(body, closes=few), "aggregator")

    check_succession(study.sign(body, "aggregator"), opening, first)
    assert rule_of(lambda: check_succession(without, opening, first)) == "quorum-of-closes"


def test_closes_that_leave_a_round_to_another_committee_or_to_several_are_refused(
    study: SmallStudy,
) -> None:
    first = study.amended
    committee = committee_with(first, new_custodian(0), without=("custodian-3",))
    after = amended(study, first, committee=committee)
    opening = study.spec()
    body = spec_under(study, opening, after)
    to_none = study.closes(opening)
    to_another = study.closes(opening, handed_to=bytes(32))
    mixed = (*body.closes[:2], to_none[2])

    for closes in (to_none, to_another, mixed):
        spec = study.sign(replace(body, closes=closes), "aggregator")
        assert rule_of(lambda spec=spec: check_succession(spec, opening, first)) == "handed-to"  # type: ignore[misc]


def test_closes_that_leave_a_round_to_another_committee_are_none_for_the_one_that_stays(
    study: SmallStudy,
) -> None:
    first, opening = study.amended, study.spec()
    committee = committee_with(first, new_custodian(0), without=("custodian-3",))
    after = amended(study, first, committee=committee)
    closes = study.closes(opening, handed_to=after.amendment_digest)
    spec = study.spec_after(opening, closes=closes)

    assert rule_of(lambda: check_succession(spec, opening, first)) == "handed-to"


def test_a_study_does_not_begin_with_another_committee(study: SmallStudy) -> None:
    first = study.amended
    committee = committee_with(first, new_custodian(0), without=("custodian-3",))
    seated = amended(study, first, committee=committee)
    joined = amended(study, first, joined=(new_client(0),))
    other, larger = (study.spec(amendments=one.amendments) for one in (seated, joined))

    assert rule_of(lambda: check_first(other, first)) == "first-round"
    check_first(larger, first)


def test_what_comes_beside_another_committee_changes_nothing_of_its_handover(
    study: SmallStudy,
) -> None:
    first, opening = study.amended, study.spec()
    committee = committee_with(first, new_custodian(0), without=("custodian-3",))
    seated = amended(study, first, committee=committee)
    after = amended(study, seated, joined=(new_client(0),))
    body = spec_under(study, opening, after)

    assert body.handed_to == seated.amendment_digest != after.amendment_digest
    check_succession(study.sign(body, "aggregator"), opening, first)


def test_changes_are_told_in_words(study: SmallStudy) -> None:
    first = study.amended
    committee = committee_with(first, new_custodian(0), without=("custodian-3",))
    after = amended(
        study,
        first,
        joined=(new_client(0), new_client(1)),
        rotated=(rotated(first, "client-01", 0),),
        left=("client-00",),
        revoked=("client-02", "custodian-3"),
        committee=committee,
    )
    (one,) = after.amendments

    told = changes_in_words(one.body, first.body)

    assert told == [
        "new-00 of organisation-new-00, new-01 of organisation-new-01 join",
        "client-01 has a new agreement key",
        "client-00 leaves",
        "client-02 is revoked, its keys count no longer",
        "custodian-3 is revoked as custodian",
        "the custodians are custodian-0, custodian-1, custodian-2, new-custodian-00, of whom any "
        "2 open and 3 must sign: new-custodian-00 is new; custodian-3 gives up its seat",
    ]
    assert signers_in_words(one) == "operator 'operator' and officer 'officer'"


def test_long_lists_are_cut_short_and_numbers_alone_are_called_so(study: SmallStudy) -> None:
    first = study.amended
    many = tuple(new_client(number) for number in range(12))
    after = amended(
        study, first, joined=many, committee=committee_with(first, threshold=1, quorum=4)
    )

    joined, committee = changes_in_words(after.amendments[0].body, first.body)

    assert joined.endswith("new-09 of organisation-new-09 and 2 more join")
    assert committee.endswith("of whom any 1 open and 4 must sign: other numbers")


@given(st.data())
def test_random_legal_chains_fold_to_the_same_manifest_however_they_are_cut(
    data: st.DataObject,
) -> None:
    study = build_study(4, 2, 3, 5)
    whole = study.amended
    for number in range(data.draw(st.integers(1, 5))):
        whole = step(study, whole, number, data)
    cut = data.draw(st.integers(0, whole.number))

    one_by_one = study.amended
    for amendment in whole.amendments:
        one_by_one = one_by_one.amended((amendment,))

    assert one_by_one == whole
    assert whole.up_to(cut).amended(whole.amendments[cut:]) == whole
    names = [name for name, _ in whole.former if name]
    assert len(set(names)) == len(names)
    enrolled = {one.name for one in whole.body.clients} | set(whole.body.custodian_keys)
    assert enrolled.isdisjoint(names)


def step(
    study: SmallStudy, before: AmendedManifest, number: int, data: st.DataObject
) -> AmendedManifest:
    """One more legal amendment: some of everything, as far as the floors allow."""
    going = sorted(
        data.draw(st.sets(st.sampled_from([one.name for one in before.body.clients]), max_size=2))
    )
    cut = data.draw(st.integers(0, len(going)))
    staying = [one.name for one in before.body.clients if one.name not in going]
    turning = sorted(data.draw(st.sets(st.sampled_from(staying), max_size=2))) if staying else []
    leaver = data.draw(st.none() | st.sampled_from([one.name for one in before.body.custodians]))
    committee = None
    if leaver is not None:
        committee = committee_with(before, new_custodian(number), without=(leaver,))
    return amended(
        study,
        before,
        joined=tuple(new_client(10 * number + index) for index in range(max(1, len(going)))),
        left=tuple(going[:cut]),
        revoked=tuple(going[cut:]),
        rotated=tuple(
            rotated(before, name, 10 * number + index) for index, name in enumerate(turning)
        ),
        committee=committee,
    )
