"""The registry of seals: from the name in a spec to the client's half of that seal."""

from collections.abc import Callable, Mapping
from typing import Final

from blindsum_crypto.ckks.sealing import CkksClientSeal
from blindsum_crypto.errors import Refused
from blindsum_crypto.execution import usable_cores
from blindsum_crypto.masking.pairs import Agreements
from blindsum_crypto.masking.sealing import MaskingClientSeal
from blindsum_crypto.seal import ClientSeal
from blindsum_rules.manifest import Manifest
from blindsum_rules.seal_parameters import ckks_parameters, masking_round
from blindsum_rules.signed import Signed
from blindsum_rules.spec import Spec
from blindsum_rules.sum_bounds import sum_bounds


def client_seal(spec: Signed[Spec], manifest: Manifest, agreements: Agreements) -> ClientSeal:
    """The seal that a verified spec names, for its round and parameters.

    Args:
        spec: The round's spec.
        manifest: The study's manifest.
        agreements: The client's agreements with its peers, which live as long as its epoch.

    Raises:
        Refused: `unknown-seal`, `spec-parameters`; what the seal refuses.
    """
    build = _SEALS.get(spec.body.seal)
    if build is None:
        raise Refused("unknown-seal", f"expected one of {sorted(_SEALS)}, got {spec.body.seal!r}")
    return build(spec, manifest, agreements)


def _ckks(spec: Signed[Spec], manifest: Manifest, _agreements: Agreements) -> ClientSeal:
    return CkksClientSeal(
        ckks_parameters(spec.body),
        manifest.committee,
        spec.digest,
        spec.body.vector_length,
        sum_bounds(manifest, len(spec.body.cohort)).coordinate,
    )


def _masking(spec: Signed[Spec], manifest: Manifest, agreements: Agreements) -> ClientSeal:
    return MaskingClientSeal(masking_round(spec, manifest), agreements, usable_cores())


_SEALS: Final[Mapping[str, Callable[[Signed[Spec], Manifest, Agreements], ClientSeal]]] = {
    "ckks": _ckks,
    "masking": _masking,
}
