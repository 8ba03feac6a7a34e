"""A custodian's own policy: what it refuses although the study would allow it."""

from dataclasses import dataclass
from typing import Final

from blindsum_crypto.errors import Refused
from blindsum_rules.freeze import Freeze
from blindsum_rules.manifest import Manifest
from blindsum_rules.privacy.own_limits import ANY_PROMISE, PromiseLimits
from blindsum_rules.roster import organisations_of
from blindsum_rules.seal_parameters import KNOWN_SEALS
from blindsum_rules.spec import Spec, SpecKind

DEFAULT_MIN_COHORT: Final = 3
"""With two, each of the two knows the other's update from the sum."""


@dataclass(frozen=True, slots=True)
class CustodianPolicy:
    """The floors that a custodian sets for itself; they beat the study's.

    Attributes:
        min_cohort_floor: Fewest contributions whose sum it helps to open; >= 2.
        min_organisations_floor: Fewest organisations among them; >= 1.
        threshold_floor: Fewest custodians that a study may need to open; >= 1.
        allowed_seals: Seals that it holds seeds for.
        promise: The weakest promise of privacy that it serves a study under.
    """

    min_cohort_floor: int = DEFAULT_MIN_COHORT
    min_organisations_floor: int = 1
    threshold_floor: int = 1
    allowed_seals: frozenset[str] = KNOWN_SEALS
    promise: PromiseLimits = ANY_PROMISE

    def check_manifest(self, manifest: Manifest) -> None:
        """Check a study before serving it.

        Raises:
            Refused: `own-min-cohort`, `own-min-organisations`, `own-threshold`, `own-seal`,
                `own-epsilon`, `own-delta`.
        """
        _check_floor("own-min-cohort", self.min_cohort_floor, manifest.min_cohort)
        _check_floor(
            "own-min-organisations", self.min_organisations_floor, manifest.min_organisations
        )
        _check_floor("own-threshold", self.threshold_floor, manifest.threshold)
        self.promise.check(manifest)
        for seal in manifest.seals:
            self._check_seal(seal)

    def check_spec(self, spec: Spec) -> None:
        """Check a round before accepting it; an end spec asks for nothing.

        Raises:
            Refused: `own-min-cohort`, `own-seal`.
        """
        if spec.kind is SpecKind.END:
            return
        _check_floor("own-min-cohort", self.min_cohort_floor, spec.min_cohort)
        self._check_seal(spec.seal)

    def check_freeze(self, freeze: Freeze, manifest: Manifest) -> None:
        """Check a set before endorsing it.

        Raises:
            Refused: `own-min-cohort`, `own-min-organisations`.
        """
        _check_floor("own-min-cohort", self.min_cohort_floor, len(freeze.members))
        organisations = len(organisations_of(manifest, freeze.clients))
        _check_floor("own-min-organisations", self.min_organisations_floor, organisations)

    def _check_seal(self, seal: str) -> None:
        if seal not in self.allowed_seals:
            raise Refused("own-seal", f"expected one of {sorted(self.allowed_seals)}, got {seal!r}")


def _check_floor(rule: str, floor: int, offered: int) -> None:
    if offered < floor:
        raise Refused(rule, f"expected at least {floor}, got {offered}")
