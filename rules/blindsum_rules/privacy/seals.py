"""How noisy sums travel under each seal, and how much wider a field may be at the same price."""

from blindsum_crypto.ckks import parameters as ckks
from blindsum_crypto.ckks.parameters import CkksParameters
from blindsum_crypto.errors import Refused
from blindsum_crypto.masking import parameters as masking
from blindsum_crypto.masking.parameters import MaskingParameters


def sealed_sum(
    seal: str, dimension: int, clients: int, field_bits: int
) -> CkksParameters | MaskingParameters:
    """The parameters of a round of all clients in fields of so many bits.

    Raises:
        Refused: `unknown-seal`; a rule of the seal, when the cohort or the field does not fit.
    """
    if seal == "ckks":
        return ckks.plan(dimension, clients, field_bits)
    if seal == "masking":
        return masking.plan(dimension, clients, field_bits)
    raise Refused("unknown-seal", f"expected ckks or masking, got {seal!r}")


def filled_bits(seal: str, dimension: int, clients: int, field_bits: int) -> int:
    """The widest field that costs no byte more than one of `field_bits`.

    Under ckks a coefficient carries as many fields as fit, and shares what is left among them;
    under masking every bit is sent, and only those below the seal's least are free.

    Raises:
        Refused: as `sealed_sum`.
    """
    parameters = sealed_sum(seal, dimension, clients, field_bits)
    if isinstance(parameters, MaskingParameters):
        return parameters.value_bits
    while _holds(parameters, field_bits + 1):
        field_bits += 1
    return field_bits


def _holds(parameters: CkksParameters, field_bits: int) -> bool:
    try:
        CkksParameters(parameters.scale_bits, field_bits, parameters.fields, parameters.set_name)
    except Refused:
        return False
    return True
