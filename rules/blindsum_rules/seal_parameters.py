"""What a round's seal is given: parameters that everybody derives, so that nobody has to choose."""

from collections.abc import Callable, Mapping
from typing import Final

from blindsum_crypto.ckks import parameters as ckks
from blindsum_crypto.ckks.parameters import CkksParameters
from blindsum_crypto.errors import Refused
from blindsum_crypto.masking import parameters as masking
from blindsum_crypto.masking.parameters import MaskingParameters
from blindsum_crypto.masking.round import MaskingRound
from blindsum_rules.manifest import Manifest
from blindsum_rules.signed import Signed
from blindsum_rules.spec import SealParameters, Spec
from blindsum_rules.sum_bounds import sum_bounds

_PLANS: Final[Mapping[str, Callable[[int, int, int], SealParameters]]] = {
    "ckks": ckks.plan,
    "masking": masking.plan,
}

KNOWN_SEALS: Final = frozenset(_PLANS)
"""Seals that this version speaks."""


def seal_parameters(manifest: Manifest, seal: str, cohort_size: int) -> SealParameters:
    """The parameters of a round under this seal with this many invited clients.

    Raises:
        Refused: `unknown-seal`; a rule of the seal's parameters, when the sum does not fit or the
            cohort is too large for it.
    """
    plan = _PLANS.get(seal)
    if plan is None:
        raise Refused("unknown-seal", f"expected one of {sorted(_PLANS)}, got {seal!r}")
    bounds = sum_bounds(manifest, cohort_size)
    parameters = plan(manifest.vector_length, cohort_size, bounds.field_bits)
    # The proof that no field overflows at the worst case, once more where it matters (threat T21).
    parameters.check_sum(cohort_size, bounds.coordinate, bounds.round)
    return parameters


def ckks_parameters(spec: Spec) -> CkksParameters:
    """The parameters of a round under the seal ckks.

    Raises:
        Refused: `spec-parameters`.
    """
    if not isinstance(spec.parameters, CkksParameters):
        raise Refused("spec-parameters", "expected the spec of a round under the seal ckks")
    return spec.parameters


def masking_round(spec: Signed[Spec], manifest: Manifest) -> MaskingRound:
    """A round under the seal masking.

    Raises:
        Refused: `spec-parameters`; what `MaskingRound` refuses.
    """
    if not isinstance(spec.body.parameters, MaskingParameters):
        raise Refused("spec-parameters", "expected the spec of a round under the seal masking")
    bounds = sum_bounds(manifest, len(spec.body.cohort))
    return MaskingRound(
        spec.body.parameters,
        manifest.committee,
        spec.digest,
        spec.body.vector_length,
        bounds.coordinate,
        spec.body.cohort,
        bounds.round,
    )
