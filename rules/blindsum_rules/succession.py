"""How one spec may follow another: numbers without gaps, closes, and a model that must be earned.

Custodians, clients and the auditor all call this. It is what keeps an aggregator from running one
model version over two overlapping sets (threat T5): a round is left only with a quorum of closes,
and the version grows only with an endorsed and committed aggregate.
"""

import hmac

from blindsum_crypto.errors import BlindsumError, Refused
from blindsum_rules.amended_manifest import AmendedManifest
from blindsum_rules.groups import completes_version, following_group, group_count
from blindsum_rules.manifest import Manifest
from blindsum_rules.round_quorums import check_closes, check_endorsements
from blindsum_rules.signed import Signed
from blindsum_rules.spec import PreviousRound, Spec, SpecKind


def check_first(spec: Signed[Spec], manifest: AmendedManifest) -> None:
    """Check the first spec of a study.

    Args:
        spec: A spec that passed `check_spec`.
        manifest: The study's verified manifest.

    Raises:
        Refused: `round-number`, unless it is 0; `spec-group`, unless it is group 0's;
            `previous-round`, unless its record is the manifest's digest and nothing else;
            `first-round`, when it carries closes, endorsements or another committee;
            `model-version`, unless it is version 0 of the manifest's model.
    """
    body = spec.body
    if body.round_number != 0:
        raise Refused("round-number", f"expected round 0, got {body.round_number}")
    if not _same_record(body.previous, PreviousRound(manifest.digest)):
        raise Refused("previous-round", "expected the manifest's digest as the record of round 0")
    if body.handed_to:
        raise Refused("first-round", "expected the committee that the study was founded with")
    if body.closes or body.endorsements:
        raise Refused("first-round", "expected no closes and no endorsements in round 0")
    initial = manifest.body.initial_model_digest
    if body.model_version != 0 or not hmac.compare_digest(body.model_digest, initial):
        raise Refused("model-version", "expected version 0 of the manifest's initial model")
    if body.group != 0:
        raise Refused("spec-group", f"expected group 0 first, got {body.group}")


def check_succession(spec: Signed[Spec], before: Signed[Spec], manifest: AmendedManifest) -> None:
    """Check that a spec may follow the one before it; for end specs the same holds.

    Args:
        spec: A spec that passed `check_spec`.
        before: The spec of the round before, accepted or read by a quorum of custodians.
        manifest: The manifest of the round before: a committee is followed by another one only
            with a quorum of its own closes (threat T27).

    Raises:
        Refused: `study-ended`, when the spec before ended the study; `round-number`, unless the
            number is the next; `previous-round`, unless the record names that round;
            `quorum-of-closes`; `freeze-in-closes`, when a close names a freeze that the record
            does not; `handed-to`, when one leaves the round to another committee than this
            spec's; `model-version`, when the version jumps, shrinks, or does not fit its digest,
            or endorsements come without growth; `spec-group`, unless it is the next group's
            after a published round, and the same one's after another;
            `model-version-without-aggregate`, when the version grows without a freeze, a
            commitment and a quorum of endorsements.
        Rejected: `wrong-study`, `wrong-round`, `repeated-signer`, `unknown-signer`,
            `bad-signature`, when a close or an endorsement does not hold.
    """
    if before.body.kind is SpecKind.END:
        raise Refused("study-ended", f"expected no spec after the end {before.body.round_number}")
    expected_number = before.body.round_number + 1
    if spec.body.round_number != expected_number:
        raise Refused(
            "round-number", f"expected round {expected_number}, got {spec.body.round_number}"
        )
    if not hmac.compare_digest(spec.body.previous.round_id, before.digest):
        raise Refused("previous-round", "expected the id of the round before")
    _check_closes(spec.body, before.body.round_number, manifest)
    _check_group(spec.body, before.body, manifest.body)
    _check_model(spec.body, before, manifest.body)


def _same_record(one: PreviousRound, other: PreviousRound) -> bool:
    return (
        hmac.compare_digest(one.round_id, other.round_id)
        and hmac.compare_digest(one.freeze_digest, other.freeze_digest)
        and hmac.compare_digest(one.aggregate_commitment, other.aggregate_commitment)
    )


def _check_closes(spec: Spec, closed_round: int, manifest: AmendedManifest) -> None:
    check_closes(spec.closes, closed_round, manifest.body, manifest.digest)
    recorded = spec.previous.freeze_digest
    for close in spec.closes:
        if not hmac.compare_digest(close.body.handed_to, spec.handed_to):
            raise Refused(
                "handed-to",
                f"expected closes that leave the round to the committee of this one, got one by "
                f"which {close.signer!r} leaves it to another",
            )
        named = close.body.freeze_digest
        if named and not hmac.compare_digest(named, recorded):
            raise Refused(
                "freeze-in-closes",
                f"expected the freeze that {close.signer!r} names to be the record's",
            )


def _check_group(spec: Spec, before: Spec, manifest: Manifest) -> None:
    groups = group_count(manifest)
    is_published = bool(spec.previous.aggregate_commitment)
    expected = following_group(before, groups, is_published=is_published)
    if spec.group != expected:
        raise Refused("spec-group", f"expected group {expected}, got {spec.group}")
    if spec.model_version != before.model_version and not completes_version(before, groups):
        raise Refused("model-version", "expected a sum of every group before the version grows")


def _check_model(spec: Spec, before: Signed[Spec], manifest: Manifest) -> None:
    same_digest = hmac.compare_digest(spec.model_digest, before.body.model_digest)
    growth = spec.model_version - before.body.model_version
    if growth == 0:
        # A failed gate, an abort and an unchanged model all repeat the very digest: the same model
        # under a new salt would let clients train on it again without being told (threat T5).
        if not same_digest:
            raise Refused("model-version", "expected the same digest under the same version")
        if spec.group != before.body.group:
            # A group is passed by as a version is: only with an endorsed and committed aggregate.
            _check_earned(spec, before, manifest)
            return
        # They would be of no round that is known here: say, of an earlier study under this id. A
        # custodian that found its own among them would take its memory for a restored one.
        if spec.endorsements:
            raise Refused("model-version", "expected no endorsements under the same version")
        return
    if growth != 1:
        raise Refused(
            "model-version",
            f"expected version {before.body.model_version} or one more, got {spec.model_version}",
        )
    if same_digest:
        raise Refused("model-version", "expected another digest under another version")
    _check_earned(spec, before, manifest)


def _check_earned(spec: Spec, before: Signed[Spec], manifest: Manifest) -> None:
    record = spec.previous
    if not (record.freeze_digest and record.aggregate_commitment):
        raise Refused(
            "model-version-without-aggregate",
            "expected a freeze and a commitment in the record of a round that made a new model",
        )
    try:
        check_endorsements(spec.endorsements, record.freeze_digest, before, manifest)
    except BlindsumError as error:
        raise Refused(
            "model-version-without-aggregate",
            f"expected a quorum of endorsements of the record's freeze: {error}",
        ) from error
