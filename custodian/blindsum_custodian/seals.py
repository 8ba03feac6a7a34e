"""The registry of seals: by name, the half of each that a custodian runs."""

from collections.abc import Callable, Mapping
from typing import Final

from blindsum_crypto.ckks.releasing import CkksCustodianSeal
from blindsum_crypto.errors import Refused
from blindsum_crypto.masking.releasing import MaskingCustodianSeal
from blindsum_crypto.seal import CustodianSeal
from blindsum_rules.seal_parameters import ckks_parameters
from blindsum_rules.signed import Signed
from blindsum_rules.spec import Spec


def custodian_seal(spec: Signed[Spec]) -> CustodianSeal:
    """The custodian's half of the seal that a round's spec names.

    Raises:
        Refused: `unknown-seal`, when no such seal is registered; `spec-parameters`, when the spec
            opens no round under it.
    """
    seal = _SEALS.get(spec.body.seal)
    if seal is None:
        raise Refused("unknown-seal", f"expected one of {sorted(_SEALS)}, got {spec.body.seal!r}")
    return seal(spec)


def _ckks(spec: Signed[Spec]) -> CustodianSeal:
    return CkksCustodianSeal(ckks_parameters(spec.body), spec.digest)


def _masking(spec: Signed[Spec]) -> CustodianSeal:
    return MaskingCustodianSeal(spec.digest)


_SEALS: Final[Mapping[str, Callable[[Signed[Spec]], CustodianSeal]]] = {
    "ckks": _ckks,
    "masking": _masking,
}
