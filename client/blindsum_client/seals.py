"""The registry of seals: from the name in a spec to the client's half of that seal."""

from collections.abc import Callable, Mapping
from typing import Final

from blindsum_crypto.ckks.sealing import CkksClientSeal
from blindsum_crypto.custody import Committee
from blindsum_crypto.errors import Refused
from blindsum_crypto.seal import ClientSeal
from blindsum_rules.signed import Signed
from blindsum_rules.spec import Spec


def client_seal(spec: Signed[Spec], committee: Committee) -> ClientSeal:
    """The seal that a verified spec names, for its round and parameters.

    Raises:
        Refused: `unknown-seal`.
    """
    build = _SEALS.get(spec.body.seal)
    if build is None:
        raise Refused("unknown-seal", f"expected one of {sorted(_SEALS)}, got {spec.body.seal!r}")
    return build(spec, committee)


def _ckks(spec: Signed[Spec], committee: Committee) -> ClientSeal:
    body = spec.body
    if body.parameters is None:
        raise Refused("spec-parameters", "expected the parameters of the seal ckks")
    return CkksClientSeal(
        body.parameters, committee, spec.digest, body.vector_length, body.codec.coordinate_bound
    )


_SEALS: Final[Mapping[str, Callable[[Signed[Spec], Committee], ClientSeal]]] = {"ckks": _ckks}
