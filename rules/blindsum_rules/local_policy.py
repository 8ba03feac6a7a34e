"""A client's own policy: what it refuses although the study would allow it."""

import hmac
from dataclasses import dataclass

from blindsum_crypto.errors import Refused
from blindsum_rules.manifest import Manifest
from blindsum_rules.privacy.own_limits import ANY_PROMISE, PromiseLimits
from blindsum_rules.seal_parameters import KNOWN_SEALS
from blindsum_rules.spec import Spec, SpecKind


@dataclass(frozen=True, slots=True)
class ClientPolicy:
    """The floors that a client sets for itself; they beat the study's.

    Attributes:
        min_cohort_floor: Fewest contributions that it lets its own be summed with; >= 2.
        min_organisations_floor: Fewest organisations among those contributions; >= 1.
        threshold_floor: Fewest custodians that a study may need to open; 2 refuses studies that
            rest on one key authority.
        allowed_seals: Seals that it puts its vectors in.
        expected_initial_model_digest: `model_digest` of the model that it was told of, 32 bytes,
            or None to take the manifest's.
        max_rounds: Most rounds of a study that it joins, or None for the manifest's number.
        trust_model_blob: Whether a client that joins late may start from a model that it did not
            compute, as long as an accepted spec pins it.
        promise: The weakest promise of privacy that it joins a study under.
    """

    min_cohort_floor: int = 3
    min_organisations_floor: int = 1
    threshold_floor: int = 1
    allowed_seals: frozenset[str] = KNOWN_SEALS
    expected_initial_model_digest: bytes | None = None
    max_rounds: int | None = None
    trust_model_blob: bool = False
    promise: PromiseLimits = ANY_PROMISE


def check_manifest_against(policy: ClientPolicy, manifest: Manifest) -> None:
    """Check a study before joining it.

    Raises:
        Refused: `own-min-cohort` and `own-min-organisations`, when the study may release less;
            `own-threshold`, when fewer custodians open; `own-seal`, when none or only some of its
            seals are allowed; `own-initial-model`; `own-max-rounds`; `own-epsilon` and `own-delta`,
            when the study promises less.
    """
    _check_floor("own-min-cohort", policy.min_cohort_floor, manifest.min_cohort)
    _check_floor(
        "own-min-organisations", policy.min_organisations_floor, manifest.min_organisations
    )
    _check_floor("own-threshold", policy.threshold_floor, manifest.threshold)
    policy.promise.check(manifest)
    for seal in manifest.seals:
        _check_seal(policy, seal)
    expected = policy.expected_initial_model_digest
    if expected is not None and not hmac.compare_digest(expected, manifest.initial_model_digest):
        raise Refused("own-initial-model", "expected the initial model that this client knows")
    if policy.max_rounds is not None and manifest.schedule.max_rounds > policy.max_rounds:
        raise Refused(
            "own-max-rounds",
            f"expected at most {policy.max_rounds}, got {manifest.schedule.max_rounds}",
        )


def check_spec_against(policy: ClientPolicy, spec: Spec) -> None:
    """Check a round before contributing to it; an end spec asks for nothing.

    Raises:
        Refused: `own-min-cohort`, `own-seal`, `own-max-rounds`.
    """
    if spec.kind is SpecKind.END:
        return
    _check_floor("own-min-cohort", policy.min_cohort_floor, spec.min_cohort)
    _check_seal(policy, spec.seal)
    if policy.max_rounds is not None and spec.round_number >= policy.max_rounds:
        raise Refused(
            "own-max-rounds", f"expected a round below {policy.max_rounds}, got {spec.round_number}"
        )


def _check_floor(rule: str, floor: int, offered: int) -> None:
    if offered < floor:
        raise Refused(rule, f"expected at least {floor}, got {offered}")


def _check_seal(policy: ClientPolicy, seal: str) -> None:
    if seal not in policy.allowed_seals:
        raise Refused("own-seal", f"expected one of {sorted(policy.allowed_seals)}, got {seal!r}")
