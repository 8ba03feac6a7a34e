"""Every accepted manifest of a private study has room for its data and its noise, and none less.

Whole manifests are drawn: rosters, floors, layouts, units, noise, both mechanisms and both seals.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from tests.rules.private_studies import Integers, SealedStudy, private_manifests

from blindsum_crypto.ckks.parameters import CkksParameters
from blindsum_crypto.errors import Aborted, Refused
from blindsum_crypto.packing import largest_field
from blindsum_crypto.seal import sum_bound
from blindsum_rules.codec.parameters import FINE_BITS, MAX_LEVELS
from blindsum_rules.codec.units import sum_units
from blindsum_rules.manifest import Manifest
from blindsum_rules.manifest_checks import check_manifest
from blindsum_rules.privacy.field import noise_tail, smallest
from blindsum_rules.privacy.guarantee import Unit
from blindsum_rules.privacy.noise import MAX_VARIANCE, largest_draw
from blindsum_rules.privacy.setting import MAX_UNITS
from blindsum_rules.privacy.study_plan import study_codec, study_plan
from blindsum_rules.seal_parameters import KNOWN_SEALS, seal_parameters
from blindsum_rules.sum_bounds import sum_bounds

SEALS: Sequence[str] = sorted(KNOWN_SEALS)


def with_policy(manifest: Manifest, **changes: Any) -> Manifest:  # noqa: ANN401
    assert manifest.privacy is not None
    return replace(manifest, privacy=replace(manifest.privacy, **changes))


def refusal(manifest: Manifest) -> str:
    with pytest.raises(Refused) as caught:
        check_manifest(manifest)
    return caught.value.rule


def need(manifest: Manifest, clients: int | None = None) -> int:
    """By hand: every client's B*L + 1, and the tail of as many shares, each of variance mu_l."""
    policy, count = manifest.privacy, clients or len(manifest.clients)
    assert policy is not None
    tail = noise_tail(policy.mechanism, count * policy.share_variance, manifest.vector_length)
    return count * (policy.units_per_client * policy.levels + 1) + tail


@settings(deadline=None)
@given(private_manifests())
def test_an_accepted_field_holds_everybodys_worst_case_and_the_tail_and_one_bit_less_does_not(
    manifest: Manifest,
) -> None:
    policy = manifest.privacy
    assert policy is not None

    check_manifest(manifest)

    assert need(manifest) <= largest_field(policy.field_bits)
    assert need(manifest) > largest_field(policy.field_bits - 1)
    assert refusal(with_policy(manifest, field_bits=policy.field_bits - 1)) == "privacy-field"


@settings(deadline=None)
@given(private_manifests())
def test_the_last_level_that_fits_is_accepted_and_the_next_is_refused(manifest: Manifest) -> None:
    """More levels under the same noise: less private, and the epsilon says so, but it fits."""
    policy = manifest.privacy
    assert policy is not None
    room = largest_field(policy.field_bits) - need(manifest)
    step = len(manifest.clients) * policy.units_per_client
    last = policy.levels + room // step
    assume(last < MAX_LEVELS)

    study_plan(with_policy(manifest, levels=last))  # its epsilon may be one that nobody signs

    assert refusal(with_policy(manifest, levels=last + 1)) == "privacy-field"


@settings(deadline=None)
@given(private_manifests())
def test_the_last_unit_that_fits_is_accepted_and_the_next_is_refused(manifest: Manifest) -> None:
    policy = manifest.privacy
    assert policy is not None
    assume(policy.unit is not Unit.CLIENT)
    room = largest_field(policy.field_bits) - need(manifest)
    last = policy.units_per_client + room // (len(manifest.clients) * policy.levels)
    assume(last < MAX_UNITS)

    check_manifest(with_policy(manifest, units_per_client=last))

    assert refusal(with_policy(manifest, units_per_client=last + 1)) == "privacy-field"


@settings(deadline=None)
@given(private_manifests())
def test_the_loudest_noise_that_fits_is_accepted_and_louder_is_refused(
    manifest: Manifest,
) -> None:
    policy = manifest.privacy
    assert policy is not None
    room = largest_field(policy.field_bits) - study_plan(manifest).worst_sum
    shares, length = len(manifest.clients), manifest.vector_length
    louder = smallest(lambda one: noise_tail(policy.mechanism, shares * one, length) > room)
    assume(policy.share_variance < louder <= MAX_VARIANCE)

    check_manifest(with_policy(manifest, share_variance=louder - 1))

    assert refusal(with_policy(manifest, share_variance=louder)) == "privacy-field"


@settings(deadline=None)
@given(private_manifests(), st.sampled_from(SEALS), st.data())
def test_under_both_seals_every_cohorts_parameters_hold_what_its_members_come_to(
    manifest: Manifest, seal: str, data: st.DataObject
) -> None:
    """Also where fewer are invited than enrolled, and fewer come than were invited."""
    invited = data.draw(st.integers(manifest.min_cohort, len(manifest.clients)), label="invited")
    members = data.draw(st.integers(manifest.min_cohort, invited), label="members")
    manifest = replace(manifest, seals=(seal,))

    parameters = seal_parameters(manifest, seal, invited)

    bounds = sum_bounds(manifest, invited)
    gate = sum_bound(members, bounds.coordinate, bounds.round)
    held = (
        parameters.largest_sum()
        if isinstance(parameters, CkksParameters)
        else largest_field(parameters.value_bits)
    )
    assert need(manifest, members) <= gate <= held


@settings(deadline=None)
@given(private_manifests())
def test_a_client_may_send_its_worst_case_with_the_largest_share_that_can_be_drawn(
    manifest: Manifest,
) -> None:
    plan = study_plan(manifest)
    bounds = sum_bounds(manifest, len(manifest.clients))

    largest = min(plan.coordinate_bound + largest_draw(plan.share), largest_field(plan.field_bits))

    assert bounds.coordinate == largest
    # What is cut off there is further out than the tail of all shares together.
    assert bounds.coordinate >= plan.coordinate_bound + min(
        largest_draw(plan.share), plan.noise_tail
    )


@settings(deadline=None)
@given(private_manifests(40), st.data())
def test_in_every_accepted_study_a_unit_is_within_the_norm_in_integers_whatever_its_floats(
    manifest: Manifest, data: st.DataObject
) -> None:
    policy = manifest.privacy
    assert policy is not None
    codec = study_codec(manifest, policy.clip_norm)
    unit = data.draw(hnp.arrays(np.float64, (1, codec.dimension), elements=st.floats()))

    total, _ = sum_units([unit], codec)

    assert sum(value**2 for value in total.tolist()) <= (policy.levels << FINE_BITS) ** 2


def spread(total: int, names: Sequence[str], length: int) -> dict[str, Integers]:
    """Vectors with this sum at their last place, as even as integers can be."""
    vectors = {name: np.zeros(length, np.int64) for name in names}
    for index, values in enumerate(vectors.values()):
        values[-1] = (total + index) // len(names)
    return vectors


@pytest.mark.slow
@pytest.mark.parametrize("seal", SEALS)
@settings(deadline=None, max_examples=60)
@given(private_manifests(50), st.sampled_from([1, -1]), st.data())
def test_the_opened_gate_lets_the_worst_sum_and_the_tail_through_and_stops_the_next(
    seal: str, manifest: Manifest, sign: int, data: st.DataObject
) -> None:
    names = [client.name for client in manifest.clients]
    invited = data.draw(st.integers(manifest.min_cohort, len(names)), label="invited")
    count = data.draw(st.integers(manifest.min_cohort, invited), label="members")
    study = SealedStudy.of(replace(manifest, seals=(seal,)))
    spec = study.spec(tuple(names[:invited]))
    bounds = sum_bounds(manifest, invited)
    gate = sum_bound(count, bounds.coordinate, bounds.round)
    members, length = names[:count], manifest.vector_length

    for total in (need(study.study.body, count), gate):
        opened = study.opened(spec, spread(sign * total, members, length))
        assert opened.tolist() == [0] * (length - 1) + [sign * total]

    if gate == count * bounds.coordinate:
        # Nobody can send more: the seal of each client itself refuses.
        with pytest.raises(Refused) as refused:
            study.opened(spec, spread(sign * (gate + count), members, length))
        assert refused.value.rule == "coordinate-bound"
    else:
        with pytest.raises(Aborted) as caught:
            study.opened(spec, spread(sign * (gate + 1), members, length))
        assert caught.value.rule in {"range-gate", "padding-gate"}
