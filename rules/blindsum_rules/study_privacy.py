"""[privacy] of study.toml turned into a policy: levels, noise, field and order are derived."""

from dataclasses import replace

from blindsum_rules.manifest import Manifest, StudyKind
from blindsum_rules.privacy.derivation import plan_for_epsilon, plan_for_noise
from blindsum_rules.privacy.plan import Plan
from blindsum_rules.privacy.policy import AdaptiveClipping, PrivacyPolicy
from blindsum_rules.privacy.setting import Setting
from blindsum_rules.privacy.study_plan import setting_of
from blindsum_rules.statistics.study_checks import largest_norm
from blindsum_rules.study_tables import PrivacyTable


def with_privacy(manifest: Manifest, wish: PrivacyTable) -> Manifest:
    """The manifest with the policy that the operator's wish comes to, for its first seal.

    Args:
        manifest: Everything else of the study.
        wish: [privacy].

    Raises:
        Refused: what `Setting`, `plan_for_epsilon`, `plan_for_noise`, `PrivacyPolicy` and
            `AdaptiveClipping` refuse.
    """
    if manifest.kind is StudyKind.STATISTIC:
        # What is sent follows from the queries, and results are sums.
        derived = {"clip_norm": largest_norm(manifest), "reference_units": 1}
        wish = wish.model_copy(update=derived)
    # The plan needs a manifest's dimension, which needs to know that no weight travels.
    wished = replace(manifest, privacy=_policy(wish, levels=1, variance=1, bits=2, order=2))
    plan = _plan(wish, setting_of(wished), manifest.seals[0] if manifest.seals else "")
    policy = _policy(
        wish,
        levels=plan.levels,
        variance=plan.share.variance,
        bits=plan.field_bits,
        order=plan.order,
    )
    return replace(manifest, privacy=policy)


def _plan(wish: PrivacyTable, setting: Setting, seal: str) -> Plan:
    if wish.epsilon is not None:
        return plan_for_epsilon(setting, wish.epsilon, seal)
    return plan_for_noise(setting, wish.noise_multiplier or 0.0, seal)


def _policy(
    wish: PrivacyTable, *, levels: int, variance: int, bits: int, order: int
) -> PrivacyPolicy:
    moving = wish.adaptive_clipping
    return PrivacyPolicy(
        unit=wish.unit,
        relation=wish.relation,
        mechanism=wish.mechanism,
        delta=wish.delta,
        colluders=wish.colluders,
        planned_rounds=wish.planned_rounds,
        units_per_client=wish.units_per_client,
        allow_few_clients=wish.allow_few_clients,
        clip_norm=wish.clip_norm or 0.0,
        reference_units=wish.reference_units or 0,
        levels=levels,
        share_variance=variance,
        field_bits=bits,
        order=order,
        adaptive=None if moving is None else AdaptiveClipping(**moving.model_dump()),
    )
