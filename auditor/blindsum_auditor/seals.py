"""The registry of seals: what recomputes a sealed sum, and what opens it once more."""

from collections.abc import Callable, Mapping
from typing import Final, TypeVar

from blindsum_crypto.ckks.summing import CkksSumming
from blindsum_crypto.errors import Refused
from blindsum_crypto.masking.opening import MaskingAggregatorSeal
from blindsum_crypto.masking.summing import MaskingSumming
from blindsum_crypto.seal import AggregatorSeal, SumSeal
from blindsum_rules.manifest import Manifest
from blindsum_rules.seal_parameters import ckks_parameters, masking_round
from blindsum_rules.signed import Signed
from blindsum_rules.spec import Spec
from blindsum_rules.sum_bounds import sum_bounds

_Made = TypeVar("_Made")


def sum_seal(spec: Signed[Spec], manifest: Manifest) -> SumSeal:
    """What adds the payloads of a round; it needs no secret, and loads no TenSEAL.

    Raises:
        Refused: `unknown-seal`, `spec-parameters`.
    """
    return _made(_SUMS, spec, manifest)


def opening_seal(spec: Signed[Spec], manifest: Manifest) -> AggregatorSeal:
    """What opens the sum of a round from its releases.

    Raises:
        Refused: `unknown-seal`, `spec-parameters`.
    """
    return _made(_OPENINGS, spec, manifest)


def _made(
    seals: Mapping[str, Callable[[Signed[Spec], Manifest], _Made]],
    spec: Signed[Spec],
    manifest: Manifest,
) -> _Made:
    make = seals.get(spec.body.seal)
    if make is None:
        raise Refused("unknown-seal", f"expected one of {sorted(seals)}, got {spec.body.seal!r}")
    return make(spec, manifest)


def _ckks_sums(spec: Signed[Spec], _manifest: Manifest) -> SumSeal:
    return CkksSumming(ckks_parameters(spec.body), spec.body.vector_length)


def _ckks_opening(spec: Signed[Spec], manifest: Manifest) -> AggregatorSeal:
    # Here and not above: the levels below never load TenSEAL (it is heavy, and not needed there).
    from blindsum_crypto.ckks.opening import CkksAggregatorSeal  # noqa: PLC0415

    bounds = sum_bounds(manifest, len(spec.body.cohort))
    return CkksAggregatorSeal(
        ckks_parameters(spec.body),
        manifest.committee,
        spec.digest,
        spec.body.vector_length,
        bounds.coordinate,
        bounds.round,
    )


def _masking_sums(spec: Signed[Spec], manifest: Manifest) -> SumSeal:
    round_ = masking_round(spec, manifest)
    return MaskingSumming(round_.parameters, round_.vector_length, round_.cohort)


def _masking_opening(spec: Signed[Spec], manifest: Manifest) -> AggregatorSeal:
    return MaskingAggregatorSeal(masking_round(spec, manifest))


_SUMS: Final[Mapping[str, Callable[[Signed[Spec], Manifest], SumSeal]]] = {
    "ckks": _ckks_sums,
    "masking": _masking_sums,
}
_OPENINGS: Final[Mapping[str, Callable[[Signed[Spec], Manifest], AggregatorSeal]]] = {
    "ckks": _ckks_opening,
    "masking": _masking_opening,
}
