"""Adaptive clipping: the clip norm follows a private quantile of the units' norms, under the seal.

After Andrew, Thakkar, McMahan, Ramaswamy, "Differentially Private Learning with Adaptive Clipping"
(NeurIPS 2021). One coordinate more travels: how many units lie within the clip norm C. A unit is

    (g clipped to C, w * (b - 1/2)),    b = 1 if its norm is within C, else 0,

of joint norm sqrt(C^2 + w^2/4). Both parts share one mechanism: L levels stand for the joint norm,
and z, the plan's noise multiplier, is over the joint norm. So a plan's epsilon is that of gradient
and count together, and nothing is charged for the count on top. It is split as in their Theorem 1:
noise of z_D * C on the gradient and of sigma_b units on the count, with w = z_D * C / sigma_b, cost
what z costs when

    z^-2 = z_D^-2 + (2 * sigma_b)^-2,    so that    C / joint norm = z / z_D
                                         and      w/2 / joint norm = z / (2 * sigma_b).

Neither ratio knows C: L, the noise and the field are fixed for a study and only C moves. In the
integers of the fine grid the count is K = floor(2^12 * L * z / (2 * sigma_b)) a unit, and C is what
K leaves of 2^12*L (`codec/unit_sum.py`, where the joint norm is checked in integers).

C_t is a value of the model, the layout's last array: whoever follows the models knows it, without a
message. From the opened count, C_{t+1} = C_t * exp(-rate * (b_t - quantile)), with b_t the noisy
fraction of units within C_t, which the next model may depend on: it is post-processing.

Zero-out means a unit that is not there: it adds zero to every coordinate. (A unit whose gradient is
zero is there, lies within C and is counted.)
"""

import math
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Final

import numpy as np
import numpy.typing as npt

from blindsum_crypto.errors import Refused
from blindsum_rules.codec.parameters import FINE_BITS
from blindsum_rules.manifest import Manifest
from blindsum_rules.model import Layout, Model
from blindsum_rules.privacy.plan import Plan
from blindsum_rules.privacy.policy import AdaptiveClipping, PrivacyPolicy

CLIP_NORM: Final = "clip_norm"
"""The name of the layout's last array in a study whose clip norm is adaptive; its shape is ()."""

LONGEST_WAY: Final = 20
"""The clip norm stays within 2^-20 and 2^20 of the first one."""

MOST_GRADIENT_NOISE: Final = 2.0
"""z_D over z at the most. Beyond, the count would take three quarters of what is spent."""

MOST_COUNT_NOISE: Final = 0.25
"""Deviation of the noisy fraction of units at the most, for the count to say anything."""

_LARGEST_FIRST: Final = 100  # |log2| of a first clip norm, so that every later one is a float32
_STEEPEST: Final = Decimal(2 * LONGEST_WAY)  # e^40 is beyond 2^40, from one bound to the other
_EXACTLY: Final = Context(prec=60, rounding=ROUND_HALF_EVEN, Emin=-999_999, Emax=999_999)


def check_adaptive_clipping(manifest: Manifest, plan: Plan) -> None:
    """Check that a study can carry the clip norm it declares adaptive; none declared passes.

    Args:
        manifest: The study.
        plan: `study_plan` of it.

    Raises:
        Refused: `adaptive-clip-norm`, when the layout does not end with the clip norm, holds
            nothing else, or a first clip norm is too far from 1; `adaptive-count-noise`, when the
            gradient's noise would more than double for so little noise on the count;
            `adaptive-few-units`, when that much noise, or so few units, say nothing of a quantile.
    """
    policy = manifest.privacy
    if policy is None or policy.adaptive is None:
        return
    *trained, last = manifest.layout.arrays
    if not trained or last.name != CLIP_NORM or last.shape != ():
        raise Refused(
            "adaptive-clip-norm",
            f"expected a first model whose last array is {CLIP_NORM!r} of shape (), behind what "
            f"is trained: the clip norm is a value of the model; got {last.name!r} of {last.shape}",
        )
    if abs(math.log2(policy.clip_norm)) > _LARGEST_FIRST:
        raise Refused("adaptive-clip-norm", f"expected 2^-{_LARGEST_FIRST} to 2^{_LARGEST_FIRST}")
    _check_noise(plan, policy.adaptive)
    _check_units(plan, policy, policy.adaptive)


def check_first_clip_norm(manifest: Manifest, initial_model: Model) -> None:
    """Check that a study's first model holds the clip norm of its policy; others pass.

    Raises:
        Refused: `adaptive-clip-norm`.
    """
    policy = manifest.privacy
    if policy is None or policy.adaptive is None:
        return
    if initial_model[-1] != np.float32(policy.clip_norm):
        raise Refused(
            "adaptive-clip-norm",
            f"expected {CLIP_NORM!r} of the first model to be the policy's, {policy.clip_norm:g}, "
            f"got {float(initial_model[-1]):g}",
        )


def has_adaptive_clipping(manifest: Manifest) -> bool:
    """Whether the study's clip norm is a value of its model, and moves."""
    return manifest.privacy is not None and manifest.privacy.adaptive is not None


def trained_layout(manifest: Manifest) -> Layout:
    """The arrays that clients train and units have: the layout without an adaptive clip norm."""
    layout = manifest.layout
    return Layout(layout.arrays[:-1]) if has_adaptive_clipping(manifest) else layout


def trained_arrays(manifest: Manifest, model: Model) -> dict[str, npt.NDArray[np.float32]]:
    """A model's arrays by name (copies), without an adaptive clip norm."""
    layout = trained_layout(manifest)
    return layout.unflatten(model[: layout.size])


def clip_norm_of(manifest: Manifest, model: Model) -> float:
    """C of a round of a private study that starts from this model.

    Raises:
        Refused: `not-private`.
    """
    policy = manifest.privacy
    if policy is None:
        raise Refused("not-private", "expected a study with differential privacy")
    return policy.clip_norm if policy.adaptive is None else float(model[-1])


def count_steps(plan: Plan, count_noise: float) -> int:
    """K, the fine steps that a unit within C adds to the count: w/2 on the grid, rounded down.

    A root, a product with a power of two and a quotient, each rounded as IEEE 754 says: the same
    integer on every machine.

    Args:
        plan: Whose noise it is; z * L is the deviation of the honest shares, in levels.
        count_noise: sigma_b.
    """
    deviation = math.sqrt(plan.honest_shares * plan.share.variance)
    return math.floor(deviation * (1 << FINE_BITS) / (2 * count_noise))


def gradient_noise_multiplier(noise_multiplier: float, count_noise: float) -> float:
    """z_D = (z^-2 - (2 sigma_b)^-2)^(-1/2): the noise on the gradient over C; above z.

    Args:
        noise_multiplier: z of the joint vector; above 0.
        count_noise: sigma_b; above 0.

    Returns:
        z_D, or infinity where the count alone would cost what z costs, or more.
    """
    left = noise_multiplier**-2 - (2 * count_noise) ** -2
    return left**-0.5 if left > 0 else math.inf


def joint_norm(clip_norm: float, levels: int, steps: int) -> float:
    """What L levels stand for beside a count of K fine steps a unit: about sqrt(C^2 + w^2/4)."""
    longest = levels << FINE_BITS
    return clip_norm * (longest / math.isqrt(longest**2 - steps**2))


def next_clip_norm(policy: PrivacyPolicy, clip_norm: float, count: int, steps: int) -> float:
    """C_{t+1} = C_t * exp(-rate * (b_t - quantile)), within 2^-20 and 2^20 of the first.

    b_t = 1/2 + count / (2K * reference_units), held within 0 and 1. Around the quantile 1/2 it
    does not matter how many units there are; around another one it does, and reference_units
    should be near their number.

    In decimals of 60 digits, whose exp is rounded correctly: a C library's may differ by a last
    bit from machine to machine, and all must compute the same model.

    Args:
        policy: The study's, with adaptive clipping.
        clip_norm: C_t; finite, above 0.
        count: The last coordinate of the opened sum, in levels.
        steps: K.

    Returns:
        The nearest float64; cast to float32 it is C_{t+1}.
    """
    moving = policy.adaptive
    if moving is None:
        return clip_norm
    of_all = _EXACTLY.divide(
        Decimal(count << FINE_BITS), Decimal(2 * steps * policy.reference_units)
    )
    within = min(max(_EXACTLY.add(Decimal("0.5"), of_all), Decimal(0)), Decimal(1))
    beyond = _EXACTLY.subtract(Decimal(moving.quantile), within)
    exponent = _EXACTLY.multiply(Decimal(moving.rate), beyond)
    factor = _EXACTLY.exp(min(max(exponent, -_STEEPEST), _STEEPEST))
    following = float(_EXACTLY.multiply(Decimal(clip_norm), factor))
    lowest, highest = (math.ldexp(policy.clip_norm, way) for way in (-LONGEST_WAY, LONGEST_WAY))
    return min(max(following, lowest), highest)


def _check_noise(plan: Plan, moving: AdaptiveClipping) -> None:
    z = plan.noise_multiplier
    on_gradient = gradient_noise_multiplier(z, moving.count_noise)
    if on_gradient > MOST_GRADIENT_NOISE * z:
        least = z / math.sqrt(4 * (1 - MOST_GRADIENT_NOISE**-2))
        raise Refused(
            "adaptive-count-noise",
            f"expected a count_noise of {least:.3g} units or more beside a noise multiplier of "
            f"{z:.3g}, got {moving.count_noise:g}: the gradient's noise would rise to "
            f"{on_gradient:.3g} clip norms, more than {MOST_GRADIENT_NOISE:g} times",
        )
    if count_steps(plan, moving.count_noise) < 1:
        raise Refused(
            "adaptive-count-noise",
            f"expected a count that is a step of the grid or more, got {moving.count_noise:g} "
            "units of noise on it",
        )


def _check_units(plan: Plan, policy: PrivacyPolicy, moving: AdaptiveClipping) -> None:
    # sigma_b is the noise of the honest shares; with everybody's there is more.
    of_everybody = math.sqrt(plan.setting.cohort.clients / plan.honest_shares)
    deviation = moving.count_noise * of_everybody / policy.reference_units
    if deviation > MOST_COUNT_NOISE:
        least = math.ceil(policy.reference_units * deviation / MOST_COUNT_NOISE)
        raise Refused(
            "adaptive-few-units",
            f"expected a count that says something: its noise is {deviation:.3g} of all "
            f"{policy.reference_units} reference units, at most {MOST_COUNT_NOISE:g} is allowed; "
            f"it takes {least} units, or a unit of which there are more",
        )
    most = plan.setting.cohort.clients * policy.units_per_client / policy.reference_units
    if abs(moving.quantile - 0.5) >= min(most, 1.0) / 2:
        raise Refused(
            "adaptive-few-units",
            f"expected a quantile that is reached when every client brings its "
            f"{policy.units_per_client} units: they are {most:.3g} of the reference units, so no "
            f"fraction beyond {0.5 + most / 2:.3g} is ever seen, got {moving.quantile:g}",
        )
