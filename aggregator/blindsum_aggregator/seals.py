"""Which seal a round uses, and the aggregator's half of it."""

from collections.abc import Callable, Mapping
from typing import Final

from blindsum_crypto.ckks.opening import CkksAggregatorSeal
from blindsum_crypto.errors import Refused
from blindsum_crypto.masking.opening import MaskingAggregatorSeal
from blindsum_crypto.seal import AggregatorSeal
from blindsum_rules.manifest import Manifest
from blindsum_rules.seal_parameters import ckks_parameters, masking_round
from blindsum_rules.signed import Signed
from blindsum_rules.spec import Spec
from blindsum_rules.sum_bounds import sum_bounds


def aggregator_seal(spec: Signed[Spec], manifest: Manifest) -> AggregatorSeal:
    """The aggregator's half of a round's seal.

    Raises:
        Refused: `unknown-seal`, or `spec-parameters` when the spec opens no round under its seal.
    """
    make = _SEALS.get(spec.body.seal)
    if make is None:
        raise Refused("unknown-seal", f"expected one of {sorted(_SEALS)}, got {spec.body.seal!r}")
    return make(spec, manifest)


def _ckks(spec: Signed[Spec], manifest: Manifest) -> AggregatorSeal:
    bounds = sum_bounds(manifest, len(spec.body.cohort))
    return CkksAggregatorSeal(
        ckks_parameters(spec.body),
        manifest.committee,
        spec.digest,
        spec.body.vector_length,
        bounds.coordinate,
        bounds.round,
    )


def _masking(spec: Signed[Spec], manifest: Manifest) -> AggregatorSeal:
    return MaskingAggregatorSeal(masking_round(spec, manifest))


_SEALS: Final[Mapping[str, Callable[[Signed[Spec], Manifest], AggregatorSeal]]] = {
    "ckks": _ckks,
    "masking": _masking,
}
