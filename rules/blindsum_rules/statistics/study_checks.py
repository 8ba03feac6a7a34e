"""A statistic study's manifest checked: queries in place of a model, and nothing of training."""

from blindsum_crypto.errors import Refused
from blindsum_rules.manifest import Manifest, StudyKind
from blindsum_rules.model import model_digest
from blindsum_rules.privacy.guarantee import Unit
from blindsum_rules.privacy.policy import PrivacyPolicy
from blindsum_rules.statistics.answered import ANSWERED_LAYOUT, ANSWERED_RULE, nothing_answered


def check_queries(manifest: Manifest) -> None:
    """Check that a study has queries exactly if it is one of statistics, and what goes with them.

    Raises:
        Refused: `statistic-queries`, `statistic-model`, `statistic-rounds`; `statistic-privacy`,
            when the policy is not what the queries come to.
    """
    if manifest.kind is not StudyKind.STATISTIC:
        if manifest.queries:
            raise Refused("statistic-queries", "expected no queries in a study that trains a model")
        return
    names = {query.name for query in manifest.queries}
    if not names or len(names) != len(manifest.queries):
        raise Refused("statistic-queries", "expected one query or more, of distinct names")
    _check_nothing_of_training(manifest)
    rounds = manifest.schedule.max_rounds
    if rounds < len(manifest.queries):
        raise Refused(
            "statistic-rounds",
            f"expected a round for each of {len(manifest.queries)} queries, got {rounds}",
        )
    if manifest.privacy is not None:
        _check_policy(manifest, manifest.privacy)


def largest_norm(manifest: Manifest) -> float:
    """The clip norm in a statistic study's policy: the largest of its queries'."""
    return max(query.norm for query in manifest.queries)


def _check_nothing_of_training(manifest: Manifest) -> None:
    first = model_digest(nothing_answered())
    counts = manifest.layout == ANSWERED_LAYOUT and manifest.update_rule == ANSWERED_RULE
    if not counts or manifest.initial_model_digest != first or manifest.server_learning_rate != 1.0:
        raise Refused("statistic-model", "expected the counter of answered queries as the model")
    if manifest.codec or manifest.sparsity or manifest.local_methods:
        raise Refused(
            "statistic-model", "expected no codec, no compression and no local method: none trains"
        )


def _check_policy(manifest: Manifest, policy: PrivacyPolicy) -> None:
    if policy.unit is not Unit.RECORD:
        raise Refused(
            "statistic-privacy",
            f"expected the unit record, got {policy.unit}: every row of a site's table is clipped "
            "by itself, and nothing bounds what several rows of one patient add; a table with one "
            "row a patient hides patients as its records",
        )
    if policy.adaptive is not None or policy.reference_units != 1:
        raise Refused("statistic-privacy", "expected no adaptive clipping, and sums, not means")
    if policy.clip_norm != largest_norm(manifest):
        raise Refused("statistic-privacy", "expected the clip norm that the queries come to")
    if policy.planned_rounds < len(manifest.queries):
        raise Refused("statistic-privacy", "expected a budget for every query")
    if any(query.max_records != policy.units_per_client for query in manifest.queries):
        raise Refused(
            "statistic-privacy",
            f"expected max_records of {policy.units_per_client}, what the policy allows a client",
        )
