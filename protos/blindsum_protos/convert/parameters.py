"""manifest.proto and round.proto: the codec's numbers and the seal's parameters."""

from blindsum_crypto.ckks.parameters import CkksParameters
from blindsum_crypto.masking.parameters import MaskingParameters
from blindsum_protos.convert import fields
from blindsum_protos.v1 import manifest_pb2, round_pb2
from blindsum_rules.codec.parameters import Codec


def codec_to_message(value: Codec) -> manifest_pb2.Codec:
    """The codec's numbers as a message."""
    return manifest_pb2.Codec(
        clip_norm=value.clip_norm,
        levels=value.levels,
        weight_cap=value.weight_cap,
        weight_scale=value.weight_scale,
    )


def codec_from_message(message: manifest_pb2.Codec) -> Codec:
    """Read the codec's numbers; the value's own ranges hold here.

    Raises:
        Rejected: `malformed-message`.
    """
    weight_cap = fields.count(message.weight_cap, "Codec.weight_cap", lowest=1)
    return fields.built(
        "Codec",
        lambda: Codec(
            clip_norm=message.clip_norm,
            levels=message.levels,
            weight_cap=weight_cap,
            weight_scale=message.weight_scale,
        ),
    )


def ckks_to_message(value: CkksParameters) -> round_pb2.CkksParameters:
    """The parameters of the seal "ckks" as a message."""
    return round_pb2.CkksParameters(
        set_name=value.set_name,
        scale_bits=value.scale_bits,
        field_bits=value.field_bits,
        fields=value.fields,
    )


def ckks_from_message(message: round_pb2.CkksParameters) -> CkksParameters:
    """Read the parameters of the seal "ckks"; only those of the allow-list can be built.

    Raises:
        Rejected: `malformed-message`.
    """
    set_name = fields.sentence(message.set_name, "CkksParameters.set_name")
    return fields.built(
        "CkksParameters",
        lambda: CkksParameters(
            set_name=set_name,
            scale_bits=message.scale_bits,
            field_bits=message.field_bits,
            fields=message.fields,
        ),
    )


def masking_to_message(value: MaskingParameters) -> round_pb2.MaskingParameters:
    """The parameters of the seal "masking" as a message."""
    return round_pb2.MaskingParameters(value_bits=value.value_bits)


def masking_from_message(message: round_pb2.MaskingParameters) -> MaskingParameters:
    """Read the parameters of the seal "masking".

    Raises:
        Rejected: `malformed-message`.
    """
    return fields.built("MaskingParameters", lambda: MaskingParameters(message.value_bits))
