"""The registry of seals: by name, the half of each that a custodian runs."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from blindsum_crypto.ckks.releasing import CkksCustodianSeal
from blindsum_crypto.errors import Refused
from blindsum_crypto.seal import CustodianSeal
from blindsum_rules.signed import Signed
from blindsum_rules.spec import Spec


def _ckks(spec: Signed[Spec]) -> CustodianSeal:
    if spec.body.parameters is None:
        raise Refused("study-ended", "expected a round, got the spec that ends the study")
    return CkksCustodianSeal(spec.body.parameters, spec.digest)


SEALS: Final[Mapping[str, Callable[[Signed[Spec]], CustodianSeal]]] = MappingProxyType(
    {"ckks": _ckks}
)


def custodian_seal(spec: Signed[Spec]) -> CustodianSeal:
    """The custodian's half of the seal that a round's spec names.

    Raises:
        Refused: `unknown-seal`, when no such seal is registered.
    """
    seal = SEALS.get(spec.body.seal)
    if seal is None:
        raise Refused("unknown-seal", f"expected one of {sorted(SEALS)}, got {spec.body.seal!r}")
    return seal(spec)
