"""A spec that differs from its manifest is refused by name; round and end specs alike."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from blindsum_crypto.ckks.parameters import CkksParameters
from blindsum_crypto.errors import BlindsumError, Refused
from blindsum_rules.spec import PreviousRound, SpecKind
from blindsum_rules.spec_checks import CLOCK_SKEW_SECONDS, check_spec, wrap_key_digest

if TYPE_CHECKING:
    from tests.rules.conftest import SmallStudy

COPIED: list[tuple[dict[str, Any], str]] = [
    ({"study": "another-study"}, "spec-study"),
    ({"amendment_digest": bytes(32)}, "spec-amendment"),
    ({"epoch": 1}, "spec-epoch"),
    ({"model_version": 1}, "spec-version"),
    ({"seal": "masking"}, "spec-seal"),
    ({"vector_length": 9}, "spec-vector-length"),
    ({"min_cohort": 2}, "spec-min-cohort"),
]
COHORTS: list[tuple[dict[str, Any], str]] = [
    ({"cohort": ("client-00", "client-02", "client-01")}, "sorted-distinct"),
    ({"cohort": ("client-00", "client-01", "client-01")}, "sorted-distinct"),
    ({"cohort": ("client-00", "client-01", "client-99")}, "spec-cohort"),
    ({"cohort": ("client-00", "client-01", "custodian-0")}, "spec-cohort"),
    ({"cohort": ("client-00", "client-01")}, "spec-cohort"),
    ({"min_cohort": 6}, "spec-cohort"),
]
SEALED: list[tuple[dict[str, Any], str]] = [
    ({"parameters": None}, "spec-parameters"),
    ({"parameters": CkksParameters(12, 16, 3)}, "spec-parameters"),
    ({"wrap_key_digests": ()}, "spec-wrap-keys"),
]


def test_the_spec_of_round_0_passes(study: "SmallStudy") -> None:
    check_spec(study.spec(), study.amended, study.now)


@pytest.mark.parametrize(("changes", "rule"), COPIED + COHORTS + SEALED)
def test_a_spec_that_differs_from_the_manifest_is_refused(
    study: "SmallStudy", changes: dict[str, Any], rule: str
) -> None:
    with pytest.raises(BlindsumError) as caught:
        check_spec(study.spec(**changes), study.amended, study.now)
    assert caught.value.rule == rule


def test_another_codec_is_refused(study: "SmallStudy") -> None:
    codec = replace(study.body.weighted_codec, levels=study.body.weighted_codec.levels // 2)
    with pytest.raises(Refused) as caught:
        check_spec(study.spec(codec=codec), study.amended, study.now)
    assert caught.value.rule == "spec-codec"


def test_parameters_for_another_cohort_size_are_refused(study: "SmallStudy") -> None:
    parameters = study.spec().body.parameters
    cohort = tuple(study.clients[:3])
    assert study.spec(cohort=cohort).body.parameters != parameters
    with pytest.raises(Refused) as caught:
        check_spec(study.spec(cohort=cohort, parameters=parameters), study.amended, study.now)
    assert caught.value.rule == "spec-parameters"


def test_wrap_keys_in_another_order_are_refused(study: "SmallStudy") -> None:
    turned = study.spec().body.wrap_key_digests[::-1]
    with pytest.raises(Refused) as caught:
        check_spec(study.spec(wrap_key_digests=turned), study.amended, study.now)
    assert caught.value.rule == "spec-wrap-keys"


def test_the_digest_of_a_wrap_key_covers_its_suite(study: "SmallStudy") -> None:
    custodian = study.body.custodians[0]
    other = replace(custodian, wrap_suite="mlkem768x25519")
    assert wrap_key_digest(custodian) != wrap_key_digest(other)


def test_a_cohort_of_too_few_organisations_is_refused(study: "SmallStudy") -> None:
    one_clinic = tuple(
        replace(client, organisation="one-clinic") if client.name != "client-04" else client
        for client in study.body.clients
    )
    clustered = study.with_manifest(clients=one_clinic)
    check_spec(clustered.spec(), clustered.amended, study.now)
    with pytest.raises(Refused) as caught:
        check_spec(clustered.spec(cohort=tuple(study.clients[:4])), clustered.amended, study.now)
    assert caught.value.rule == "spec-cohort"


def test_a_spec_may_ask_for_more_contributions_than_the_manifest(study: "SmallStudy") -> None:
    check_spec(study.spec(min_cohort=5), study.amended, study.now)


def test_only_the_aggregator_signs_specs(study: "SmallStudy") -> None:
    with pytest.raises(BlindsumError) as caught:
        check_spec(study.sign(study.spec().body, "operator"), study.amended, study.now)
    assert caught.value.rule == "unknown-signer"


def test_a_spec_with_a_changed_byte_is_rejected(study: "SmallStudy") -> None:
    spec = study.spec()
    with pytest.raises(BlindsumError) as caught:
        check_spec(replace(spec, body_bytes=spec.body_bytes[:-1]), study.amended, study.now)
    assert caught.value.rule == "bad-signature"


def test_the_last_round_is_max_rounds_less_one(study: "SmallStudy") -> None:
    check_spec(study.spec(round_number=4), study.amended, study.now)
    with pytest.raises(Refused) as caught:
        check_spec(study.spec(round_number=5), study.amended, study.now)
    assert caught.value.rule == "spec-number"


def deadlines(study: "SmallStudy", contribute: int, release: int) -> dict[str, Any]:
    """Deadlines in seconds from now."""
    return {
        "contribute_deadline_unix": study.now + contribute,
        "release_deadline_unix": study.now + release,
    }


LONGEST = 60 + 600 + CLOCK_SKEW_SECONDS


@pytest.mark.parametrize(
    ("contribute", "release", "rule"),
    [
        (600, 600, "spec-deadline"),
        (600, 599, "spec-deadline"),
        (600, 600 + 300 + CLOCK_SKEW_SECONDS + 1, "spec-deadline"),
        (LONGEST + 1, LONGEST + 301, "spec-deadline"),
        (-CLOCK_SKEW_SECONDS - 1, 0, "spec-late"),
    ],
)
def test_deadlines_out_of_order_too_long_or_past_are_refused(
    study: "SmallStudy", contribute: int, release: int, rule: str
) -> None:
    spec = study.spec(**deadlines(study, contribute, release))
    with pytest.raises(Refused) as caught:
        check_spec(spec, study.amended, study.now)
    assert caught.value.rule == rule


@pytest.mark.parametrize(
    ("contribute", "release"),
    [(600, 601), (LONGEST, LONGEST + 600), (-CLOCK_SKEW_SECONDS, 0), (1, 2)],
)
def test_deadlines_at_the_edge_pass(study: "SmallStudy", contribute: int, release: int) -> None:
    spec = study.spec(**deadlines(study, contribute, release))
    check_spec(spec, study.amended, study.now)


def test_a_past_spec_is_read_without_a_clock(study: "SmallStudy") -> None:
    spec = study.spec()
    much_later = study.now + 20 * 86_400
    check_spec(spec, study.amended, None)
    with pytest.raises(Refused) as caught:
        check_spec(spec, study.amended, much_later)
    assert caught.value.rule == "spec-late"


def test_no_round_opens_before_or_after_the_manifest_is_valid(study: "SmallStudy") -> None:
    before = study.with_manifest(not_before_unix=study.now + 1000)
    after = study.with_manifest(not_after_unix=study.now - 1000)
    for other, rule in ((before, "manifest-not-yet-valid"), (after, "manifest-expired")):
        for clock in (None, study.now):
            with pytest.raises(Refused) as caught:
                check_spec(other.spec(), other.amended, clock)
            assert caught.value.rule == rule


def test_a_reader_whose_clock_is_before_the_validity_waits(study: "SmallStudy") -> None:
    soon = study.with_manifest(not_before_unix=study.now + 100)
    with pytest.raises(Refused) as caught:
        check_spec(soon.spec(), soon.amended, study.now)
    assert caught.value.rule == "manifest-not-yet-valid"
    check_spec(soon.spec(), soon.amended, study.now + 100)


def test_a_round_opened_while_valid_stays_good_to_its_deadline(study: "SmallStudy") -> None:
    ending = study.with_manifest(not_after_unix=study.now + 10)
    check_spec(ending.spec(), ending.amended, study.now + 500)


def test_an_end_spec_passes(study: "SmallStudy") -> None:
    end = study.end_after(study.spec())
    check_spec(end, study.amended, study.now)
    check_spec(end, study.amended, None)


def test_an_end_spec_may_stand_behind_the_last_round(study: "SmallStudy") -> None:
    last = study.spec(round_number=4)
    check_spec(study.end_after(last), study.amended, study.now)
    with pytest.raises(Refused) as caught:
        check_spec(study.end_after(last, round_number=6), study.amended, study.now)
    assert caught.value.rule == "spec-number"


def test_an_end_spec_is_told_to_an_absent_client_at_any_later_time(study: "SmallStudy") -> None:
    end = study.end_after(study.spec())
    check_spec(end, study.amended, study.body.not_after_unix + 10_000_000)


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"cohort": ("client-00", "client-01", "client-02")}, "end-spec"),
        ({"wrap_key_digests": (bytes(32),)}, "end-spec"),
        ({"parameters": CkksParameters(12, 16, 3)}, "end-spec"),
        ({"release_deadline_unix": 0}, "end-spec"),
        *COPIED[:3],
        ({"model_version": 2}, "spec-version"),
        *COPIED[4:],
    ],
)
def test_an_end_spec_that_opens_something_or_differs_is_refused(
    study: "SmallStudy", changes: dict[str, Any], rule: str
) -> None:
    with pytest.raises(BlindsumError) as caught:
        check_spec(study.end_after(study.spec(), **changes), study.amended, study.now)
    assert caught.value.rule == rule


@pytest.mark.parametrize(
    ("moment", "rule"),
    [
        (CLOCK_SKEW_SECONDS + 1, "spec-early"),
        (-2 * 86_400, "manifest-not-yet-valid"),
    ],
)
def test_an_end_spec_of_the_future_or_of_before_the_study_is_refused(
    study: "SmallStudy", moment: int, rule: str
) -> None:
    end = study.end_after(study.spec(), **deadlines(study, moment, moment))
    with pytest.raises(Refused) as caught:
        check_spec(end, study.amended, study.now)
    assert caught.value.rule == rule


def test_a_spec_is_not_an_end_spec_by_its_word_alone(study: "SmallStudy") -> None:
    with pytest.raises(Refused) as caught:
        check_spec(study.spec(kind=SpecKind.END), study.amended, study.now)
    assert caught.value.rule == "end-spec"


def test_the_round_id_covers_the_whole_spec(study: "SmallStudy") -> None:
    one = study.spec()
    for changes in (
        {"model_digest": bytes(32)},
        {"cohort": one.body.cohort[:4]},
        {"previous": PreviousRound(bytes(32))},
        {"release_deadline_unix": 1},
    ):
        assert study.spec(**changes).digest != one.digest
