"""The manifest checked: by its operator before signing, and by every role before anything else."""

import hmac
import math
from typing import Final

from blindsum_crypto.custody import Committee
from blindsum_crypto.errors import BlindsumError, Refused, Rejected
from blindsum_crypto.primitives import DIGEST_BYTES
from blindsum_rules.enrolment_checks import check_enrolment
from blindsum_rules.groups import check_groups, largest_group
from blindsum_rules.identifiers import check_identifier
from blindsum_rules.manifest import Approval, Manifest, Schedule, StudyKind
from blindsum_rules.model import Layout
from blindsum_rules.next_model import UPDATE_RULES
from blindsum_rules.privacy.study_checks import check_summing
from blindsum_rules.quorum import check_quorum_rule
from blindsum_rules.seal_parameters import KNOWN_SEALS, seal_parameters
from blindsum_rules.signed import Signed, verify
from blindsum_rules.statistics.study_checks import check_queries

SMALLEST_COHORT: Final = 2
"""A sum of one contribution is that contribution."""


def check_signed_manifest(manifest: Signed[Manifest], approval: Signed[Approval] | None) -> None:
    """Check a manifest's signatures, then its content.

    The operator's key stands in the manifest itself: this says that the text is whole and was
    meant. That it is the right study, only its digest says, compared out of band.

    Args:
        manifest: The manifest as parsed.
        approval: The privacy officer's approval; None when no officer is named.

    Raises:
        Refused: `unsigned-manifest`, when the operator's signature does not hold;
            `officer-approval`, when a named officer did not approve this very manifest, or an
            approval comes where no officer is named. And what `check_manifest` raises.
    """
    body = manifest.body
    try:
        verify(manifest, body.operator_key)
    except BlindsumError as error:
        raise Refused(
            "unsigned-manifest", f"expected a signature of operator {body.operator.name!r}"
        ) from error
    _check_approval(manifest, approval)
    check_manifest(body)


def check_manifest(manifest: Manifest) -> None:
    """Check what a manifest says: parties, committee, floors, codec, layout, schedule, validity.

    Raises:
        Refused: `roster`, `unknown-wrap-suite`, `quorum-rule`, `too-many-parts`, `min-cohort`,
            `min-organisations`, `unknown-seal`, `one-seal`, `update-rule`, `learning-rate`,
            `schedule`, `validity`, `purpose`; a rule of `check_queries`, `check_summing` or
            `check_groups`; one of the seal's rules, when the sum of the largest group does not fit.
        Rejected: `identifier`, `sorted-distinct`, `enrolled-twice`, `key-length`, `layout`,
            `digest-length`.
    """
    check_identifier(manifest.study, "study")
    if not (manifest.purpose.strip() and manifest.permit.strip()):
        raise Refused("purpose", "expected a purpose and a permit in words")
    check_enrolment(manifest)
    _check_committee(manifest)
    _check_floors(manifest)
    _check_seals(manifest.seals)
    _check_layout(manifest.layout)
    check_queries(manifest)
    check_summing(manifest)
    if manifest.kind is StudyKind.MODEL:
        _check_update(manifest)
    _check_schedule(manifest.schedule, manifest)
    if manifest.not_before_unix >= manifest.not_after_unix:
        raise Refused("validity", "expected not_before earlier than not_after")
    check_groups(manifest)
    for seal in manifest.seals:
        seal_parameters(manifest, seal, largest_group(manifest))


def check_validity(manifest: Manifest, now_unix: int) -> None:
    """Check that a round may open now.

    Raises:
        Refused: `manifest-not-yet-valid` or `manifest-expired`.
    """
    if now_unix < manifest.not_before_unix:
        raise Refused(
            "manifest-not-yet-valid", f"expected {manifest.not_before_unix} or later: {now_unix}"
        )
    if now_unix > manifest.not_after_unix:
        raise Refused(
            "manifest-expired", f"expected {manifest.not_after_unix} or earlier: {now_unix}"
        )


def _check_approval(manifest: Signed[Manifest], approval: Signed[Approval] | None) -> None:
    officer = manifest.body.officer
    if officer is None:
        if approval is not None:
            raise Refused("officer-approval", "expected none: the manifest names no officer")
        return
    if approval is None:
        raise Refused("officer-approval", f"expected the approval of officer {officer.name!r}")
    same = hmac.compare_digest(approval.body.manifest_digest, manifest.digest)
    if not same or approval.body.study != manifest.body.study:
        raise Refused("officer-approval", "expected the approval of this very manifest")
    try:
        verify(approval, manifest.body.officer_key)
    except BlindsumError as error:
        raise Refused(
            "officer-approval", f"expected a signature of officer {officer.name!r}"
        ) from error


def _check_committee(manifest: Manifest) -> None:
    custodians = len(manifest.custodians)
    check_quorum_rule(custodians, manifest.threshold, manifest.quorum)
    # A client deals a seed for every part: the committee itself refuses more than it can carry.
    Committee(custodians, manifest.threshold)


def _check_floors(manifest: Manifest) -> None:
    clients = len(manifest.clients)
    if not SMALLEST_COHORT <= manifest.min_cohort <= clients:
        raise Refused(
            "min-cohort",
            f"expected a min_cohort of {SMALLEST_COHORT} to {clients}, the clients of the roster, "
            f"got {manifest.min_cohort}",
        )
    organisations = len({client.organisation for client in manifest.clients})
    if not 1 <= manifest.min_organisations <= organisations:
        raise Refused(
            "min-organisations",
            f"expected 1 to {organisations}, got {manifest.min_organisations}",
        )


def _check_seals(seals: tuple[str, ...]) -> None:
    unknown = set(seals) - KNOWN_SEALS
    if unknown or not seals:
        raise Refused("unknown-seal", f"expected one of {sorted(KNOWN_SEALS)}, got {list(seals)}")
    if len(seals) != 1:
        # A second one would be signed for and never used: no round chooses among them.
        raise Refused("one-seal", f"expected one seal a study, got {list(seals)}")


def _check_layout(layout: Layout) -> None:
    names = [array.name for array in layout.arrays]
    if not names or not all(names) or len(set(names)) != len(names):
        raise Rejected("layout", "expected one or more arrays with distinct, non-empty names")
    for array in layout.arrays:
        if any(dimension < 1 for dimension in array.shape):
            raise Rejected(
                "layout", f"{array.name}: expected dimensions of 1 or more, got {array.shape}"
            )


def _check_update(manifest: Manifest) -> None:
    if manifest.update_rule not in UPDATE_RULES:
        raise Refused(
            "update-rule", f"expected one of {sorted(UPDATE_RULES)}, got {manifest.update_rule!r}"
        )
    rate = manifest.server_learning_rate
    if not (math.isfinite(rate) and rate > 0):
        raise Refused("learning-rate", f"expected a finite number above 0, got {rate}")
    if len(manifest.initial_model_digest) != DIGEST_BYTES:
        raise Rejected("digest-length", f"initial_model_digest: expected {DIGEST_BYTES} bytes")


def _check_schedule(schedule: Schedule, manifest: Manifest) -> None:
    at_least_one = {
        "max_rounds": schedule.max_rounds,
        "accept_seconds": schedule.accept_seconds,
        "contribute_seconds": schedule.contribute_seconds,
        "release_seconds": schedule.release_seconds,
    }
    for name, value in at_least_one.items():
        if value < 1:
            raise Refused("schedule", f"{name}: expected at least 1, got {value}")
    if schedule.pause_seconds < 0:
        raise Refused(
            "schedule", f"pause_seconds: expected 0 or more, got {schedule.pause_seconds}"
        )
    clients = len(manifest.clients)
    if schedule.quota and not manifest.min_cohort <= schedule.quota <= clients:
        raise Refused(
            "schedule",
            f"quota: expected 0, or {manifest.min_cohort} to {clients}, got {schedule.quota}",
        )
