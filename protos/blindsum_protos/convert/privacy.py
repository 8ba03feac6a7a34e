"""manifest.proto: how a private study protects its units, and which coordinates travel."""

from blindsum_protos.convert import fields
from blindsum_protos.v1 import manifest_pb2
from blindsum_rules.privacy.guarantee import Relation, Unit
from blindsum_rules.privacy.noise import Mechanism
from blindsum_rules.privacy.policy import AdaptiveClipping, PrivacyPolicy
from blindsum_rules.sparsity import Sparsity, SparsityRule


def policy_to_message(value: PrivacyPolicy) -> manifest_pb2.PrivacyPolicy:
    """A privacy policy as a message."""
    return manifest_pb2.PrivacyPolicy(
        unit=value.unit,
        relation=value.relation,
        mechanism=value.mechanism,
        delta=value.delta,
        colluders=value.colluders,
        planned_rounds=value.planned_rounds,
        units_per_client=value.units_per_client,
        allow_few_clients=value.allow_few_clients,
        clip_norm=value.clip_norm,
        reference_units=value.reference_units,
        levels=value.levels,
        share_variance=value.share_variance,
        field_bits=value.field_bits,
        order=value.order,
        adaptive=None if value.adaptive is None else _adaptive_to_message(value.adaptive),
    )


def policy_from_message(message: manifest_pb2.PrivacyPolicy) -> PrivacyPolicy:
    """Read a privacy policy; the values' own ranges hold here, `study_plan` judges the rest.

    Raises:
        Rejected: `malformed-message`.
    """
    where = "PrivacyPolicy"
    unit = fields.word(Unit, message.unit, f"{where}.unit")
    relation = fields.word(Relation, message.relation, f"{where}.relation")
    mechanism = fields.word(Mechanism, message.mechanism, f"{where}.mechanism")
    reference_units = fields.count(message.reference_units, f"{where}.reference_units", lowest=1)
    adaptive = _adaptive_from_message(message.adaptive) if message.HasField("adaptive") else None
    return fields.built(
        where,
        lambda: PrivacyPolicy(
            unit=unit,
            relation=relation,
            mechanism=mechanism,
            delta=message.delta,
            colluders=message.colluders,
            planned_rounds=message.planned_rounds,
            units_per_client=message.units_per_client,
            allow_few_clients=message.allow_few_clients,
            clip_norm=message.clip_norm,
            reference_units=reference_units,
            levels=message.levels,
            share_variance=message.share_variance,
            field_bits=message.field_bits,
            order=message.order,
            adaptive=adaptive,
        ),
    )


def sparsity_to_message(value: Sparsity) -> manifest_pb2.Sparsity:
    """Which coordinates travel, as a message."""
    return manifest_pb2.Sparsity(rule=value.rule, kept=value.kept)


def sparsity_from_message(message: manifest_pb2.Sparsity) -> Sparsity:
    """Read which coordinates travel.

    Raises:
        Rejected: `malformed-message`.
    """
    rule = fields.word(SparsityRule, message.rule, "Sparsity.rule")
    kept = fields.count(message.kept, "Sparsity.kept", lowest=1)
    return Sparsity(rule, kept)


def _adaptive_to_message(value: AdaptiveClipping) -> manifest_pb2.AdaptiveClipping:
    return manifest_pb2.AdaptiveClipping(
        count_noise=value.count_noise, rate=value.rate, quantile=value.quantile
    )


def _adaptive_from_message(message: manifest_pb2.AdaptiveClipping) -> AdaptiveClipping:
    return fields.built(
        "AdaptiveClipping",
        lambda: AdaptiveClipping(
            count_noise=message.count_noise, rate=message.rate, quantile=message.quantile
        ),
    )
