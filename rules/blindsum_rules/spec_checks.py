"""A spec checked against its study: is this a round that the manifest allows?

What a spec must have to follow the one before it is `succession`'s; both are checked.
"""

import hmac
from typing import Final

from blindsum_crypto import domains
from blindsum_crypto.errors import Refused
from blindsum_crypto.primitives import digest
from blindsum_rules.amended_manifest import AmendedManifest
from blindsum_rules.groups import group_count
from blindsum_rules.identifiers import check_sorted_distinct
from blindsum_rules.manifest import EnrolledCustodian, Manifest, StudyKind
from blindsum_rules.roster import organisations_of
from blindsum_rules.seal_parameters import seal_parameters
from blindsum_rules.signed import Signed, verify
from blindsum_rules.spec import Spec, SpecKind
from blindsum_rules.statistics.answered import query_of

CLOCK_SKEW_SECONDS: Final = 300
"""How far two parties' clocks may differ; no rule against differencing depends on a clock."""


def wrap_key_digest(custodian: EnrolledCustodian) -> bytes:
    """The digest of a custodian's wrap key and its suite, as it stands in a spec; 32 bytes."""
    return digest(domains.WRAP_KEY, custodian.wrap_suite.encode(), custodian.wrap_key)


def wrap_key_digests(manifest: Manifest) -> tuple[bytes, ...]:
    """The digests of all custodians' wrap keys in manifest order."""
    return tuple(wrap_key_digest(custodian) for custodian in manifest.custodians)


def check_spec(spec: Signed[Spec], manifest: AmendedManifest, now_unix: int | None) -> None:
    """Check a spec against the manifest in force, and against the clock if one is given.

    A round that was opened while the manifest was valid stays good to its deadline.

    Args:
        spec: The spec as parsed.
        manifest: The manifest as it is amended from this round on (`in_force`).
        now_unix: UTC seconds of the reader's clock; None for specs of the past (a custodian that
            was absent, an auditor).

    Raises:
        Rejected: `unknown-signer` or `bad-signature`, unless the aggregator signed it;
            `sorted-distinct`.
        Refused: `spec-study`, `spec-amendment`, `spec-epoch`, `spec-number`, `spec-version`,
            `spec-seal`, `spec-group`, `spec-codec`, `spec-vector-length`, `spec-min-cohort`,
            `spec-cohort`, `spec-parameters`, `spec-wrap-keys`, `spec-deadline`, `spec-late`,
            `spec-early`,
            `manifest-not-yet-valid`, `manifest-expired`; `end-spec`, when an end spec opens
            something; `query-left`, when a round has no query of the manifest to answer.
    """
    verify(spec, manifest.body.aggregator_key)
    check_study_and_number(spec.body, manifest)
    _check_stand(spec.body, manifest)
    _check_copied(spec.body, manifest.body)
    if spec.body.kind is SpecKind.END:
        _check_end(spec.body, manifest.body, now_unix)
        return
    if manifest.body.kind is StudyKind.STATISTIC:
        query_of(manifest.body, spec.body.model_version)
    _check_cohort(spec.body, manifest.body)
    _check_seal(spec.body, manifest.body)
    _check_deadlines(spec.body, manifest.body)
    if now_unix is not None:
        _check_clock(spec.body, manifest.body, now_unix)


def in_force(spec: Signed[Spec], before: AmendedManifest) -> AmendedManifest:
    """The manifest of a spec's round: that of the round before, and what the spec amends.

    Args:
        spec: A spec whose signature was verified.
        before: The manifest of the round before; of the first round the manifest as it was signed.

    Raises:
        Refused, Rejected: what `AmendedManifest.amended` raises.
    """
    return before.amended(spec.body.amendments)


def check_study_and_number(spec: Spec, manifest: AmendedManifest) -> None:
    """Check of which study a spec is and of which round: what no amendment changes.

    Raises:
        Refused: `spec-study`, `spec-number`.
    """
    study = manifest.body
    if spec.study != study.study:
        raise Refused("spec-study", f"expected {study.study!r}, got {spec.study!r}")
    # An end spec may stand behind the last round, so it may take the number max_rounds itself.
    last = study.schedule.max_rounds - (0 if spec.kind is SpecKind.END else 1)
    if not 0 <= spec.round_number <= last:
        raise Refused("spec-number", f"expected 0 to {last}, got {spec.round_number}")


def _check_stand(spec: Spec, manifest: AmendedManifest) -> None:
    if not hmac.compare_digest(spec.amendment_digest, manifest.amendment_digest):
        raise Refused(
            "spec-amendment",
            f"expected the digest of amendment {manifest.number}"
            if manifest.number
            else "expected the digest of this manifest",
        )
    if spec.epoch != manifest.epoch:
        raise Refused("spec-epoch", f"expected epoch {manifest.epoch}, got {spec.epoch}")
    if not 0 <= spec.model_version <= spec.round_number:
        raise Refused(
            "spec-version", f"expected 0 to {spec.round_number}, got {spec.model_version}"
        )


def _check_copied(spec: Spec, study: Manifest) -> None:
    """Check what a spec repeats from the manifest."""
    if spec.seal not in study.seals:
        raise Refused("spec-seal", f"expected one of {list(study.seals)}, got {spec.seal!r}")
    groups = group_count(study)
    if spec.group >= groups:
        raise Refused("spec-group", f"expected 0 to {groups - 1}, got {spec.group}")
    if spec.codec != study.codec:
        raise Refused("spec-codec", "expected the manifest's codec")
    if spec.vector_length != study.vector_length:
        raise Refused(
            "spec-vector-length", f"expected {study.vector_length}, got {spec.vector_length}"
        )
    if spec.min_cohort < study.min_cohort:
        raise Refused(
            "spec-min-cohort", f"expected at least {study.min_cohort}, got {spec.min_cohort}"
        )


def _check_end(spec: Spec, manifest: Manifest, now_unix: int | None) -> None:
    if spec.cohort or spec.wrap_key_digests or spec.parameters is not None:
        raise Refused("end-spec", "expected no cohort, no wrap keys and no parameters")
    if spec.contribute_deadline_unix != spec.release_deadline_unix:
        raise Refused("end-spec", "expected the time of signing in place of both deadlines")
    if spec.contribute_deadline_unix < manifest.not_before_unix:
        raise Refused("manifest-not-yet-valid", f"expected {manifest.not_before_unix} or later")
    # A study may end after its validity, and be told to an absent client at any later time.
    if now_unix is not None and spec.contribute_deadline_unix > now_unix + CLOCK_SKEW_SECONDS:
        raise Refused("spec-early", f"expected a time of signing up to {now_unix}")


def _check_cohort(spec: Spec, manifest: Manifest) -> None:
    check_sorted_distinct(spec.cohort, "cohort")
    groups = {client.name: client.group for client in manifest.clients}
    strangers = set(spec.cohort) - groups.keys()
    if strangers:
        raise Refused("spec-cohort", f"expected clients of the roster, got {sorted(strangers)}")
    others = sorted(client for client in spec.cohort if groups[client] != spec.group)
    if others:
        raise Refused("spec-cohort", f"expected clients of group {spec.group}, got {others}")
    if len(spec.cohort) < spec.min_cohort:
        raise Refused(
            "spec-cohort", f"expected at least {spec.min_cohort} clients, got {len(spec.cohort)}"
        )
    organisations = len(organisations_of(manifest, spec.cohort))
    if organisations < manifest.min_organisations:
        raise Refused(
            "spec-cohort",
            f"expected at least {manifest.min_organisations} organisations, got {organisations}",
        )


def _check_seal(spec: Spec, manifest: Manifest) -> None:
    expected = seal_parameters(manifest, spec.seal, len(spec.cohort))
    if spec.parameters != expected:
        raise Refused("spec-parameters", f"expected {expected}, got {spec.parameters}")
    if spec.wrap_key_digests != wrap_key_digests(manifest):
        raise Refused("spec-wrap-keys", "expected the digests of the manifest's wrap keys")


def _check_deadlines(spec: Spec, manifest: Manifest) -> None:
    contribute, release = spec.contribute_deadline_unix, spec.release_deadline_unix
    longest = manifest.schedule.release_seconds + CLOCK_SKEW_SECONDS
    if not contribute < release <= contribute + longest:
        raise Refused(
            "spec-deadline",
            f"expected releases to end 1 to {longest} s after contributions, got "
            f"{release - contribute} s",
        )
    if contribute < manifest.not_before_unix:
        raise Refused("manifest-not-yet-valid", f"expected {manifest.not_before_unix} or later")
    if contribute > manifest.not_after_unix + _longest_opening(manifest):
        raise Refused("manifest-expired", f"expected a round opened by {manifest.not_after_unix}")


def _check_clock(spec: Spec, manifest: Manifest, now_unix: int) -> None:
    contribute = spec.contribute_deadline_unix
    if now_unix < manifest.not_before_unix:
        raise Refused("manifest-not-yet-valid", f"expected {manifest.not_before_unix} or later")
    if now_unix > contribute + CLOCK_SKEW_SECONDS:
        raise Refused("spec-late", f"expected a deadline not before {now_unix}, got {contribute}")
    latest = now_unix + _longest_opening(manifest)
    if contribute > latest:
        raise Refused("spec-deadline", f"expected a deadline up to {latest}, got {contribute}")


def _longest_opening(manifest: Manifest) -> int:
    """Seconds from a proposal to its contribution deadline at the most, skew included."""
    schedule = manifest.schedule
    return schedule.accept_seconds + schedule.contribute_seconds + CLOCK_SKEW_SECONDS
