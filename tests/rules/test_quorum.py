"""How many custodians must sign, held against every committee of up to seven (threat T3)."""

from dataclasses import replace
from itertools import combinations
from typing import TYPE_CHECKING

import pytest

from blindsum_crypto.errors import Refused, Rejected
from blindsum_rules.quorum import check_quorum, check_quorum_rule, liveness_note, smallest_quorum

if TYPE_CHECKING:
    from tests.rules.conftest import SmallStudy


def two_freezes_can_be_endorsed(custodians: int, threshold: int, quorum: int) -> bool:
    """Try every corrupt set and every pair of quorums: may they share corrupt custodians only?"""
    everybody = range(custodians)
    quorums = [frozenset(chosen) for chosen in combinations(everybody, quorum)]
    return any(
        (one & other).issubset(corrupt)
        for corrupt in map(frozenset, combinations(everybody, threshold - 1))
        for one in quorums
        for other in quorums
    )


@pytest.mark.parametrize("custodians", range(1, 8))
def test_the_quorum_rule_holds_exactly_when_no_two_freezes_can_be_endorsed(custodians: int) -> None:
    for threshold in range(1, custodians + 1):
        for quorum in range(1, custodians + 1):
            if two_freezes_can_be_endorsed(custodians, threshold, quorum):
                with pytest.raises(Refused) as caught:
                    check_quorum_rule(custodians, threshold, quorum)
                assert caught.value.rule == "quorum-rule"
            else:
                check_quorum_rule(custodians, threshold, quorum)


@pytest.mark.parametrize(("committee", "smallest"), [((4, 2), 3), ((7, 3), 5), ((1, 1), 1)])
def test_the_recommended_quorums_are_the_smallest(
    committee: tuple[int, int], smallest: int
) -> None:
    assert smallest_quorum(*committee) == smallest
    check_quorum_rule(*committee, smallest)


@pytest.mark.parametrize(
    ("custodians", "threshold", "quorum"),
    [(4, 0, 3), (4, 5, 4), (4, 2, 5), (4, 2, 2), (0, 0, 0), (4, 2, 0), (4, -1, 3)],
)
def test_numbers_that_are_no_committee_are_refused(
    custodians: int, threshold: int, quorum: int
) -> None:
    with pytest.raises(Refused) as caught:
        check_quorum_rule(custodians, threshold, quorum)
    assert caught.value.rule == "quorum-rule"


def test_the_liveness_note_says_what_the_faulty_can_stop() -> None:
    for custodians in range(2, 10):
        for threshold in range(2, custodians + 1):
            for quorum in range(smallest_quorum(custodians, threshold), custodians + 1):
                note = liveness_note(custodians, threshold, quorum)
                silence_stops = quorum > custodians - (threshold - 1)
                lies_stop = quorum < 2 * threshold - 1
                assert ("keeping silent" in note) == silence_stops
                assert ("false parts" in note) == lies_stop
                assert ("nothing" in note) == (not silence_stops and not lies_stop)


def test_a_single_custodian_is_called_the_single_key_authority() -> None:
    assert "single key authority" in liveness_note(1, 1, 1)


def test_a_threshold_of_one_is_called_what_it_is() -> None:
    assert "alone can open" in liveness_note(4, 1, 3)


def test_the_liveness_note_refuses_what_the_rule_refuses() -> None:
    with pytest.raises(Refused) as caught:
        liveness_note(4, 2, 2)
    assert caught.value.rule == "quorum-rule"


def test_a_quorum_of_distinct_signatures_is_a_quorum(study: "SmallStudy") -> None:
    closes = study.closes(study.spec())
    check_quorum(closes, study.body.custodian_keys, 3, "closes")


def test_one_signature_too_few_is_refused(study: "SmallStudy") -> None:
    closes = study.closes(study.spec())[:2]
    with pytest.raises(Refused) as caught:
        check_quorum(closes, study.body.custodian_keys, 3, "closes")
    assert caught.value.rule == "quorum"


def test_one_custodian_does_not_count_twice(study: "SmallStudy") -> None:
    closes = study.closes(study.spec(), who=["custodian-0", "custodian-1", "custodian-0"])
    with pytest.raises(Rejected) as caught:
        check_quorum(closes, study.body.custodian_keys, 3, "closes")
    assert caught.value.rule == "repeated-signer"


def test_a_client_does_not_count_as_a_custodian(study: "SmallStudy") -> None:
    closes = study.closes(study.spec(), who=["custodian-0", "custodian-1", "client-00"])
    with pytest.raises(Rejected) as caught:
        check_quorum(closes, study.body.custodian_keys, 3, "closes")
    assert caught.value.rule == "unknown-signer"


def test_one_bad_signature_beyond_a_quorum_is_still_rejected(study: "SmallStudy") -> None:
    *good, last = study.closes(study.spec(), who=study.custodians)
    forged = replace(last, signature=good[0].signature)
    with pytest.raises(Rejected) as caught:
        check_quorum([*good, forged], study.body.custodian_keys, 3, "closes")
    assert caught.value.rule == "bad-signature"
