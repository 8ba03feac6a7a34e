"""Which seal a round uses, and the aggregator's half of it."""

from collections.abc import Callable, Mapping
from typing import Final

from blindsum_crypto.ckks.opening import CkksAggregatorSeal
from blindsum_crypto.errors import Refused
from blindsum_crypto.seal import AggregatorSeal
from blindsum_rules.manifest import Manifest
from blindsum_rules.signed import Signed
from blindsum_rules.spec import Spec


def aggregator_seal(spec: Signed[Spec], manifest: Manifest) -> AggregatorSeal:
    """The aggregator's half of a round's seal.

    Raises:
        Refused: `unknown-seal`, or `end-spec` when the spec opens no round.
    """
    make = _SEALS.get(spec.body.seal)
    if make is None:
        raise Refused("unknown-seal", f"expected one of {sorted(_SEALS)}, got {spec.body.seal!r}")
    return make(spec, manifest)


def _ckks(spec: Signed[Spec], manifest: Manifest) -> AggregatorSeal:
    if spec.body.parameters is None:
        raise Refused("end-spec", "expected the spec of a round, got the end of the study")
    return CkksAggregatorSeal(
        spec.body.parameters,
        manifest.committee,
        spec.digest,
        spec.body.vector_length,
        manifest.codec.coordinate_bound,
    )


_SEALS: Final[Mapping[str, Callable[[Signed[Spec], Manifest], AggregatorSeal]]] = {"ckks": _ckks}
