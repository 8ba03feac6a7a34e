"""What a study with adaptive clipping must be, and what it cannot afford."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.rules.adaptive_studies import LAYOUT, adaptive_study, first_model, with_adaptive
from tests.rules.conftest import build_study

from blindsum_crypto.errors import Refused
from blindsum_rules.manifest import Manifest
from blindsum_rules.manifest_checks import check_manifest
from blindsum_rules.model import Layout, NamedArray
from blindsum_rules.privacy.adaptive_clipping import (
    check_adaptive_clipping,
    check_first_clip_norm,
    clip_norm_of,
    count_steps,
    has_adaptive_clipping,
    trained_arrays,
    trained_layout,
)
from blindsum_rules.privacy.guarantee import Unit
from blindsum_rules.privacy.policy import AdaptiveClipping
from blindsum_rules.privacy.study_plan import privacy_policy, study_plan


def refusal(manifest: Manifest) -> Refused:
    with pytest.raises(Refused) as caught:
        check_manifest(manifest)
    return caught.value


def test_an_adaptive_study_passes_and_its_trained_arrays_are_without_the_clip_norm() -> None:
    manifest = adaptive_study()
    check_manifest(manifest)
    check_first_clip_norm(manifest, first_model())
    assert manifest.vector_length == 4
    assert trained_layout(manifest) == Layout((NamedArray("weights", (3,)),))
    assert list(trained_arrays(manifest, first_model())) == ["weights"]
    assert clip_norm_of(manifest, first_model(0.125)) == 0.125


def test_elsewhere_an_array_of_that_name_is_an_array() -> None:
    manifest = adaptive_study(adaptive_clipping=None)
    check_manifest(manifest)
    check_first_clip_norm(manifest, first_model(-1.0))
    assert not has_adaptive_clipping(manifest)
    assert trained_layout(manifest) == LAYOUT
    assert list(trained_arrays(manifest, first_model())) == ["weights", "clip_norm"]
    assert clip_norm_of(manifest, first_model(0.125)) == 0.5


@pytest.mark.parametrize(
    "arrays",
    [
        (NamedArray("weights", (3,)),),
        (NamedArray("clip_norm", ()),),
        (NamedArray("clip_norm", ()), NamedArray("weights", (3,))),
        (NamedArray("weights", (3,)), NamedArray("clip_norm", (1,))),
    ],
    ids=["without", "alone", "first", "a vector"],
)
def test_a_layout_that_does_not_end_with_the_clip_norm_is_refused(
    arrays: tuple[NamedArray, ...],
) -> None:
    assert refusal(adaptive_study(Layout(arrays))).rule == "adaptive-clip-norm"


@pytest.mark.parametrize("clip_norm", [2.0**-101, 2.0**101])
def test_a_clip_norm_so_far_from_1_that_float32_could_not_follow_is_refused(
    clip_norm: float,
) -> None:
    assert refusal(adaptive_study(clip_norm=clip_norm)).rule == "adaptive-clip-norm"


@pytest.mark.parametrize("clip_norm", [0.0, -0.5, 0.25, math.nan, math.inf])
def test_a_first_model_with_another_clip_norm_is_refused(clip_norm: float) -> None:
    with pytest.raises(Refused) as caught:
        check_first_clip_norm(adaptive_study(), first_model(clip_norm))
    assert caught.value.rule == "adaptive-clip-norm"


def test_so_little_noise_on_the_count_that_the_gradients_would_double_is_refused() -> None:
    z = study_plan(adaptive_study()).noise_multiplier
    least = z / math.sqrt(3)  # z_D = 2z where (2 sigma_b)^-2 is three quarters of z^-2

    check_manifest(adaptive_study(**with_adaptive(count_noise=least * 1.001)))
    refused = refusal(adaptive_study(**with_adaptive(count_noise=least * 0.999)))

    assert refused.rule == "adaptive-count-noise"
    assert f"{least:.3g} units or more" in refused.expected


def test_a_count_below_a_step_of_the_grid_is_refused() -> None:
    manifest = adaptive_study()
    moving = AdaptiveClipping(count_noise=1e12)
    silent = replace(manifest, privacy=replace(privacy_policy(manifest), adaptive=moving))
    assert count_steps(study_plan(silent), 1e12) == 0
    assert refusal(silent).rule == "adaptive-count-noise"


def test_a_count_whose_noise_is_more_than_a_quarter_of_all_units_is_refused() -> None:
    # Three of four shares less one colluder: two are honest, so that all noise is sqrt(2) of it.
    check_manifest(adaptive_study(**with_adaptive(count_noise=250 / math.sqrt(2) - 1e-9)))
    refused = refusal(adaptive_study(**with_adaptive(count_noise=250 / math.sqrt(2) + 1e-3)))
    assert refused.rule == "adaptive-few-units"
    assert "it takes 1001 units" in refused.expected


def test_four_clients_as_units_cannot_pay_for_a_count_and_a_hundred_can() -> None:
    unit: dict[str, Any] = {"unit": Unit.CLIENT, "units_per_client": 1, "allow_few_clients": True}
    for count_noise in (0.5, 1.0, 2.0, 5.0):
        wish = unit | with_adaptive(count_noise=count_noise) | {"noise_multiplier": 2.0}
        refused = refusal(adaptive_study(reference_units=4, **wish))
        assert refused.rule in {"adaptive-count-noise", "adaptive-few-units"}
    wish = unit | with_adaptive(count_noise=5.0) | {"noise_multiplier": 4.0}
    check_manifest(adaptive_study(clients=100, reference_units=100, **wish))


def test_a_quantile_that_all_units_together_do_not_reach_is_refused() -> None:
    # 4 * 100 units are 0.4 of the reference units: fractions between 0.3 and 0.7 are seen.
    few: dict[str, Any] = {"units_per_client": 100, "reference_units": 1000}
    check_manifest(adaptive_study(**few, **with_adaptive(count_noise=20.0, quantile=0.69)))
    for quantile in (0.29, 0.71, 0.9):
        wish = with_adaptive(count_noise=20.0, quantile=quantile)
        assert refusal(adaptive_study(**few, **wish)).rule == "adaptive-few-units"


def test_a_study_without_privacy_is_not_looked_at_and_has_no_clip_norm() -> None:
    body = build_study(4, 2, 3, 4).body
    plan = study_plan(adaptive_study())
    check_adaptive_clipping(body, plan)
    with pytest.raises(Refused) as caught:
        clip_norm_of(body, np.zeros(body.layout.size, np.float32))
    assert caught.value.rule == "not-private"
