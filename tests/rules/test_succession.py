"""How one spec may follow another; threat T5's scripts against the model version are here."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from blindsum_crypto.errors import BlindsumError, Refused
from blindsum_rules.signed import Signed
from blindsum_rules.spec import PreviousRound, Spec, SpecKind
from blindsum_rules.spec_checks import check_spec
from blindsum_rules.succession import check_first, check_succession

if TYPE_CHECKING:
    from tests.rules.conftest import SmallStudy

D = b"d" * 32


def test_the_first_spec_passes(study: "SmallStudy") -> None:
    check_first(study.spec(), study.amended)


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"round_number": 1}, "round-number"),
        ({"previous": PreviousRound(D)}, "previous-round"),
        ({"model_version": 1}, "model-version"),
        ({"model_digest": D}, "model-version"),
    ],
)
def test_a_first_spec_that_begins_elsewhere_is_refused(
    study: "SmallStudy", changes: dict[str, Any], rule: str
) -> None:
    with pytest.raises(Refused) as caught:
        check_first(study.spec(**changes), study.amended)
    assert caught.value.rule == rule


def test_a_first_spec_records_the_manifest_and_nothing_else(study: "SmallStudy") -> None:
    digest = study.manifest.digest
    for previous in (PreviousRound(digest, D), PreviousRound(digest, b"", D)):
        with pytest.raises(Refused) as caught:
            check_first(study.spec(previous=previous), study.amended)
        assert caught.value.rule == "previous-round"


def test_a_first_spec_carries_no_closes_and_no_endorsements(study: "SmallStudy") -> None:
    first = study.spec()
    closes = study.closes(first)
    endorsements = study.endorsements(first, study.freeze(first))
    for changes in ({"closes": closes}, {"endorsements": endorsements}):
        with pytest.raises(Refused) as caught:
            check_first(study.spec(**changes), study.amended)
        assert caught.value.rule == "first-round"


def test_a_round_that_made_a_new_model_may_be_followed(study: "SmallStudy") -> None:
    first = study.spec()
    second = study.spec_after(first, study.freeze(first))
    third = study.spec_after(second, study.freeze(second))
    check_succession(second, first, study.amended)
    check_succession(third, second, study.amended)
    assert third.body.model_version == 2


def test_a_round_without_an_aggregate_is_followed_by_the_same_model(study: "SmallStudy") -> None:
    first = study.spec()
    check_succession(study.spec_after(first), first, study.amended)


def test_an_unchanged_model_is_followed_by_the_same_model(study: "SmallStudy") -> None:
    first = study.spec()
    freeze = study.freeze(first)
    record = PreviousRound(first.digest, freeze.digest, D)
    second = study.spec_after(first, previous=record, closes=study.closes(first, freeze.digest))
    check_succession(second, first, study.amended)


def test_an_end_spec_follows_like_any_other(study: "SmallStudy") -> None:
    first = study.spec()
    check_succession(study.end_after(first), first, study.amended)
    check_succession(study.end_after(first, study.freeze(first)), first, study.amended)


def test_nothing_follows_the_end(study: "SmallStudy") -> None:
    end = study.end_after(study.spec())
    with pytest.raises(Refused) as caught:
        check_succession(study.spec_after(end), end, study.amended)
    assert caught.value.rule == "study-ended"


@pytest.mark.parametrize("number", [0, 2, 3])
def test_a_spec_that_skips_or_repeats_a_number_is_refused(study: "SmallStudy", number: int) -> None:
    first = study.spec()
    with pytest.raises(Refused) as caught:
        check_succession(study.spec_after(first, round_number=number), first, study.amended)
    assert caught.value.rule == "round-number"


def test_a_spec_that_follows_another_round_is_refused(study: "SmallStudy") -> None:
    shown, hidden = study.spec(), study.spec(min_cohort=4)
    with pytest.raises(Refused) as caught:
        check_succession(study.spec_after(hidden), shown, study.amended)
    assert caught.value.rule == "previous-round"


def test_a_spec_without_a_quorum_of_closes_is_refused(study: "SmallStudy") -> None:
    first = study.spec()
    for closes in ((), study.closes(first)[:2]):
        with pytest.raises(Refused) as caught:
            check_succession(study.spec_after(first, closes=closes), first, study.amended)
        assert caught.value.rule == "quorum-of-closes"


def test_closes_of_one_custodian_thrice_are_no_quorum(study: "SmallStudy") -> None:
    first = study.spec()
    closes = study.closes(first, who=["custodian-0"] * 3)
    with pytest.raises(BlindsumError) as caught:
        check_succession(study.spec_after(first, closes=closes), first, study.amended)
    assert caught.value.rule == "repeated-signer"


def test_closes_of_another_round_are_rejected(study: "SmallStudy") -> None:
    first = study.spec()
    closes = study.closes(first, round_number=1)
    with pytest.raises(BlindsumError) as caught:
        check_succession(study.spec_after(first, closes=closes), first, study.amended)
    assert caught.value.rule == "wrong-round"


def test_a_close_with_a_forged_signature_is_rejected(study: "SmallStudy") -> None:
    first = study.spec()
    one, *rest = study.closes(first)
    closes = (replace(one, signature=bytes(64)), *rest)
    with pytest.raises(BlindsumError) as caught:
        check_succession(study.spec_after(first, closes=closes), first, study.amended)
    assert caught.value.rule == "bad-signature"


@pytest.mark.parametrize("recorded", [b"", D])
def test_a_freeze_that_a_close_names_must_stand_in_the_record(
    study: "SmallStudy", recorded: bytes
) -> None:
    first = study.spec()
    freeze = study.freeze(first)
    closes = (
        *study.closes(first, freeze.digest, ["custodian-0"]),
        *study.closes(first, b"", ["custodian-1", "custodian-2"]),
    )
    record = PreviousRound(first.digest, recorded)
    with pytest.raises(Refused) as caught:
        check_succession(
            study.spec_after(first, closes=closes, previous=record), first, study.amended
        )
    assert caught.value.rule == "freeze-in-closes"


def test_two_freezes_of_one_round_cannot_both_be_left_behind(study: "SmallStudy") -> None:
    first = study.spec()
    one, other = study.freeze(first), study.freeze(first, study.clients[1:])
    closes = (
        *study.closes(first, one.digest, ["custodian-0", "custodian-1"]),
        *study.closes(first, other.digest, ["custodian-2"]),
    )
    for freeze in (one, other):
        record = PreviousRound(first.digest, freeze.digest)
        spec = study.spec_after(first, closes=closes, previous=record)
        with pytest.raises(Refused) as caught:
            check_succession(spec, first, study.amended)
        assert caught.value.rule == "freeze-in-closes"


def test_the_same_model_under_a_new_salt_is_refused(study: "SmallStudy") -> None:
    """Threat T5, fourth script: a gate is said to have failed, the digest is salted anew."""
    first = study.spec()
    salted_anew = study.spec_after(first, model_digest=D)
    with pytest.raises(Refused) as caught:
        check_succession(salted_anew, first, study.amended)
    assert caught.value.rule == "model-version"


@pytest.mark.parametrize("version", [0, 1, 4])
def test_a_version_that_shrinks_or_jumps_is_refused(study: "SmallStudy", version: int) -> None:
    before = study.spec(round_number=3, model_version=2)
    spec = study.spec_after(before, study.freeze(before), model_version=version)
    with pytest.raises(Refused) as caught:
        check_succession(spec, before, study.amended)
    assert caught.value.rule == "model-version"


def test_a_new_version_of_the_very_same_digest_is_refused(study: "SmallStudy") -> None:
    first = study.spec()
    spec = study.spec_after(first, study.freeze(first), model_digest=first.body.model_digest)
    with pytest.raises(Refused) as caught:
        check_succession(spec, first, study.amended)
    assert caught.value.rule == "model-version"


Unearned = Callable[["SmallStudy", Signed[Spec]], dict[str, Any]]

UNEARNED: dict[str, Unearned] = {
    "no freeze": lambda study, first: {
        "previous": PreviousRound(first.digest, b"", D),
        "closes": study.closes(first),
    },
    "no commitment": lambda study, first: {
        "previous": PreviousRound(first.digest, study.freeze(first).digest, b"")
    },
    "no endorsements": lambda _study, _first: {"endorsements": ()},
    "too few endorsements": lambda study, first: {
        "endorsements": study.endorsements(first, study.freeze(first))[:2]
    },
    "one endorsement thrice": lambda study, first: {
        "endorsements": study.endorsements(first, study.freeze(first), ["custodian-0"] * 3)
    },
    "endorsements by clients": lambda study, first: {
        "endorsements": study.endorsements(first, study.freeze(first), study.clients[:3])
    },
    "endorsements of another freeze": lambda study, first: {
        "endorsements": study.endorsements(first, study.freeze(first, study.clients[1:]))
    },
    "endorsements of another round": lambda study, first: {
        "endorsements": study.endorsements(first, study.freeze(first), round_number=1)
    },
    "endorsements under another round id": lambda study, first: {
        "endorsements": study.endorsements(first, study.freeze(first), round_id=D)
    },
    "forged endorsements": lambda study, first: {
        "endorsements": tuple(
            replace(one, signature=bytes(64))
            for one in study.endorsements(first, study.freeze(first))
        )
    },
}


@pytest.mark.parametrize("unearned", UNEARNED.values(), ids=UNEARNED.keys())
def test_a_version_that_grows_without_endorsed_and_committed_aggregate_is_refused(
    study: "SmallStudy", unearned: Unearned
) -> None:
    first = study.spec()
    spec = study.spec_after(first, study.freeze(first), **unearned(study, first))
    with pytest.raises(Refused) as caught:
        check_succession(spec, first, study.amended)
    assert caught.value.rule == "model-version-without-aggregate"


def test_the_end_binds_the_last_model_by_the_same_rules(study: "SmallStudy") -> None:
    first = study.spec()
    unearned = study.end_after(first, study.freeze(first), endorsements=())
    assert unearned.body.kind is SpecKind.END
    check_spec(unearned, study.amended, study.now)
    with pytest.raises(Refused) as caught:
        check_succession(unearned, first, study.amended)
    assert caught.value.rule == "model-version-without-aggregate"


def test_a_new_committee_without_closes_of_the_old_is_refused(
    make_study: Callable[[int, int, int, int], "SmallStudy"],
) -> None:
    """Threat T27: {1,2,3,4} closes what {1,2} and two newcomers say they have left."""
    old, new = make_study(4, 2, 3, 5), make_study(6, 2, 4, 5)
    first = old.spec()
    newcomers = ["custodian-0", "custodian-1", "custodian-4", "custodian-5"]
    closes = new.closes(first, who=newcomers)
    with pytest.raises(BlindsumError) as caught:
        check_succession(old.spec_after(first, closes=closes), first, old.amended)
    assert caught.value.rule == "unknown-signer"
