"""Threat T5: two overlapping sums of one model, by whatever script, are refused by name.

The control: what an aggregator with the rule off would compute from the two sums is one client's
vector, exactly.
"""

# `**changes` replaces any field of a frozen value; its type is that field's.
# ruff: noqa: ANN401

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blindsum_crypto.errors import BlindsumError, Refused
from blindsum_crypto.randomness import SeededRandomness
from blindsum_rules.codec.encoding import encode
from blindsum_rules.codec.parameters import Codec
from blindsum_rules.differencing import (
    EarlierFreeze,
    check_exception,
    check_no_differencing,
)
from blindsum_rules.exception import DifferencingException
from blindsum_rules.manifest import DifferencingScope
from blindsum_rules.signed import Signed

if TYPE_CHECKING:
    from tests.rules.conftest import SmallStudy

VERSION, STUDY = DifferencingScope.VERSION, DifferencingScope.STUDY
NAMES = [f"client-{index:02}" for index in range(6)]
SETS = st.frozensets(st.sampled_from(NAMES), min_size=1)


def earlier(round_number: int, version: int, clients: frozenset[str]) -> EarlierFreeze:
    return EarlierFreeze(round_number, version, b"e" * 32, clients)


def exception_for(
    round_number: int, version: int, clients: frozenset[str]
) -> DifferencingException:
    return DifferencingException(
        "small-study", round_number, version, tuple(sorted(clients)), "a reason", bytes(32)
    )


def is_refused(
    clients: frozenset[str],
    version: int,
    freezes: list[EarlierFreeze],
    scope: DifferencingScope,
    exception: DifferencingException | None = None,
) -> bool:
    try:
        check_no_differencing(clients, version, freezes, scope, exception, 9)
    except Refused as error:
        return error.rule == "no-differencing"
    return False


@settings(deadline=None)
@given(SETS, SETS, st.integers(0, 1), st.integers(0, 1), st.sampled_from(DifferencingScope))
def test_a_set_passes_exactly_when_no_set_in_scope_overlaps_it_without_being_equal(
    now: frozenset[str],
    before: frozenset[str],
    version_now: int,
    version_before: int,
    scope: DifferencingScope,
) -> None:
    in_scope = scope is STUDY or version_now == version_before
    overlaps = now != before and bool(now & before)
    refused = is_refused(now, version_now, [earlier(3, version_before, before)], scope)
    assert refused == (in_scope and overlaps)


def vectors() -> dict[str, npt.NDArray[np.int64]]:
    """What each client would send: a true encoding of a true update."""
    codec = Codec(clip_norm=1.0, levels=4096, weight_cap=100, weight_scale=0.5)
    drawn = SeededRandomness(b"differencing")
    return {
        name: encode(np.linspace(-0.1, 0.1, 7) * (index + 1), 10 * (index + 1), codec, drawn)
        for index, name in enumerate(NAMES)
    }


def total(clients: frozenset[str]) -> npt.NDArray[np.int64]:
    sent = vectors()
    summed: npt.NDArray[np.int64] = np.stack([sent[name] for name in sorted(clients)]).sum(
        axis=0, dtype=np.int64
    )
    return summed


@settings(deadline=None)
@given(st.frozensets(st.sampled_from(NAMES), min_size=3), st.sampled_from(NAMES))
def test_the_rerun_without_one_client_is_refused_and_would_give_its_vector_away(
    both: frozenset[str], victim: str
) -> None:
    """First script: round r with the victim, "aborted", rerun without."""
    with_victim, without = both | {victim}, both - {victim}
    assert is_refused(without, 0, [earlier(0, 0, with_victim)], VERSION)
    # Control, the rule off: the difference of the two sums is the victim's vector to the bit.
    assert np.array_equal(total(with_victim) - total(without), vectors()[victim])


def test_three_overlapping_cohorts_are_refused_and_would_give_a_vector_away() -> None:
    """Second script: no two of the sums differ by one client, three of them do."""
    a, b, c, d = (frozenset({name}) for name in NAMES[:4])
    first, second, third = a | b | c, c | d, a | b | d
    assert is_refused(second, 0, [earlier(0, 0, first)], VERSION)
    assert is_refused(third, 0, [earlier(0, 0, first)], VERSION)
    stolen = (total(first) + total(second) - total(third)) // 2
    assert np.array_equal(stolen, vectors()[NAMES[2]])


def test_disjoint_groups_of_one_version_are_summed_apart() -> None:
    groups = [frozenset(NAMES[:3]), frozenset(NAMES[3:])]
    assert not is_refused(groups[1], 0, [earlier(0, 0, groups[0])], VERSION)
    assert not is_refused(groups[0], 0, [earlier(0, 0, groups[0])], VERSION)
    assert is_refused(groups[0] | groups[1], 0, [earlier(0, 0, groups[0])], VERSION)


def test_another_version_is_another_sum_unless_the_scope_is_the_study() -> None:
    whole, part = frozenset(NAMES), frozenset(NAMES[1:])
    assert not is_refused(part, 1, [earlier(0, 0, whole)], VERSION)
    assert is_refused(part, 1, [earlier(0, 0, whole)], STUDY)


def test_one_harmless_freeze_does_not_hide_another() -> None:
    whole, part = frozenset(NAMES), frozenset(NAMES[1:])
    freezes = [earlier(0, 0, part), earlier(1, 0, whole), earlier(2, 0, part)]
    assert is_refused(part, 0, freezes, VERSION)


def test_the_refusal_names_the_earlier_round() -> None:
    with pytest.raises(Refused) as caught:
        check_no_differencing(
            frozenset(NAMES[1:]), 0, [earlier(7, 0, frozenset(NAMES))], VERSION, None, 9
        )
    assert "round 7" in caught.value.expected


def test_an_exception_allows_its_one_round_version_and_set() -> None:
    whole, part = frozenset(NAMES), frozenset(NAMES[1:])
    freezes = [earlier(0, 0, whole)]
    assert is_refused(part, 0, freezes, VERSION)
    assert not is_refused(part, 0, freezes, VERSION, exception_for(9, 0, part))
    assert is_refused(part, 0, freezes, VERSION, exception_for(8, 0, part))
    assert is_refused(part, 0, freezes, VERSION, exception_for(9, 1, part))
    assert is_refused(part, 0, freezes, VERSION, exception_for(9, 0, whole))
    assert is_refused(frozenset(NAMES[2:]), 0, freezes, VERSION, exception_for(9, 0, part))


def signed_exception(
    people: "SmallStudy", signer: str, clients: Iterable[str], **changes: Any
) -> Signed[DifferencingException]:
    body = DifferencingException(
        study=people.body.study,
        round_number=1,
        model_version=0,
        clients=tuple(clients),
        reason="the second hospital withdrew its consent",
        manifest_digest=people.manifest.digest,
    )
    return people.sign(replace(body, **changes), signer)


def test_an_exception_needs_both_hands(study: "SmallStudy") -> None:
    clients = study.clients[1:]
    operator, officer = (
        signed_exception(study, "operator", clients),
        signed_exception(study, "officer", clients),
    )
    assert check_exception(operator, officer, study.body, study.manifest.digest) == operator.body
    for pair in (
        (operator, operator),
        (officer, officer),
        (officer, operator),
        (operator, signed_exception(study, "aggregator", clients)),
    ):
        with pytest.raises(BlindsumError) as caught:
            check_exception(*pair, study.body, study.manifest.digest)
        assert caught.value.rule == "unknown-signer"


def test_an_exception_with_a_forged_hand_is_rejected(study: "SmallStudy") -> None:
    operator = signed_exception(study, "operator", study.clients[1:])
    officer = replace(signed_exception(study, "officer", study.clients[1:]), signature=bytes(64))
    with pytest.raises(BlindsumError) as caught:
        check_exception(operator, officer, study.body, study.manifest.digest)
    assert caught.value.rule == "bad-signature"


def test_both_hands_sign_the_same_words(study: "SmallStudy") -> None:
    operator = signed_exception(study, "operator", study.clients[1:])
    officer = signed_exception(study, "officer", study.clients[1:], round_number=2)
    with pytest.raises(BlindsumError) as caught:
        check_exception(operator, officer, study.body, study.manifest.digest)
    assert caught.value.rule == "exception-bodies"


@pytest.mark.parametrize(
    ("clients", "changes", "rule"),
    [
        (["client-01"], {"study": "another-study"}, "exception-study"),
        (["client-01"], {"manifest_digest": bytes(32)}, "exception-study"),
        (["client-02", "client-01"], {}, "sorted-distinct"),
        (["client-99"], {}, "unknown-client"),
    ],
)
def test_an_exception_of_something_else_is_rejected(
    study: "SmallStudy", clients: list[str], changes: dict[str, Any], rule: str
) -> None:
    hands = [signed_exception(study, who, clients, **changes) for who in ("operator", "officer")]
    with pytest.raises(BlindsumError) as caught:
        check_exception(hands[0], hands[1], study.body, study.manifest.digest)
    assert caught.value.rule == rule


def test_a_study_without_an_officer_has_no_exceptions(study: "SmallStudy") -> None:
    alone = study.with_manifest(officer=None)
    hands = [signed_exception(study, who, study.clients) for who in ("operator", "officer")]
    with pytest.raises(BlindsumError) as caught:
        check_exception(hands[0], hands[1], alone.body, alone.manifest.digest)
    assert caught.value.rule == "exception-without-officer"
