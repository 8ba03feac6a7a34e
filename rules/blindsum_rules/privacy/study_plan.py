"""The plan of a study: its manifest's policy with its roster, floors, layout and schedule.

Whoever holds the manifest rebuilds the plan, and a plan is checked whenever it is built: so what
epsilon a study promises is recomputed by every role, and believed of nobody.
"""

from collections import Counter

from blindsum_crypto.errors import Refused
from blindsum_rules.codec.unit_codec import UnitCodec
from blindsum_rules.manifest import Manifest
from blindsum_rules.privacy.adaptive_clipping import count_steps
from blindsum_rules.privacy.effective_noise import Cohort
from blindsum_rules.privacy.plan import Plan
from blindsum_rules.privacy.policy import PrivacyPolicy
from blindsum_rules.privacy.setting import Setting


def study_plan(manifest: Manifest) -> Plan:
    """The plan that a private study's manifest fixes.

    Raises:
        Refused: `not-private`, when the study has no differential privacy; what `Plan`, `Setting`
            and `Cohort` refuse.
    """
    policy = privacy_policy(manifest)
    setting = setting_of(manifest)
    return Plan(setting, policy.levels, policy.share, policy.field_bits, policy.order)


def setting_of(manifest: Manifest) -> Setting:
    """What the plan of a private study is for.

    Raises:
        Refused: as `study_plan`.
    """
    policy = privacy_policy(manifest)
    by_organisation = Counter(client.organisation for client in manifest.clients)
    return Setting(
        cohort=Cohort(
            tuple(by_organisation.values()), manifest.min_cohort, manifest.min_organisations
        ),
        dimension=manifest.vector_length,
        rounds=policy.planned_rounds,
        most_rounds=manifest.schedule.max_rounds,
        delta=policy.delta,
        colluders=policy.colluders,
        unit=policy.unit,
        units_per_client=policy.units_per_client,
        mechanism=policy.mechanism,
        relation=policy.relation,
        allow_few_clients=policy.allow_few_clients,
    )


def study_codec(manifest: Manifest, clip_norm: float) -> UnitCodec:
    """The codec of a private study's clients at a round's clip norm.

    Args:
        manifest: The study.
        clip_norm: C; where it is adaptive, `clip_norm_of` the model that the round starts from.

    Raises:
        Refused: as `study_plan`; `unit-codec`.
    """
    plan, moving = study_plan(manifest), privacy_policy(manifest).adaptive
    steps = 0 if moving is None else count_steps(plan, moving.count_noise)
    return UnitCodec.of_plan(plan, clip_norm, steps)


def privacy_policy(manifest: Manifest) -> PrivacyPolicy:
    """The study's policy.

    Raises:
        Refused: `not-private`.
    """
    if manifest.privacy is None:
        raise Refused("not-private", "expected a study with differential privacy")
    return manifest.privacy
