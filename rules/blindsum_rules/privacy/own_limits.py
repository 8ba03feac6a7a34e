"""A party's own limits on what a study may promise: privacy that is too weak is not joined."""

from dataclasses import dataclass
from typing import Final

from blindsum_crypto.errors import Refused
from blindsum_rules.manifest import Manifest
from blindsum_rules.privacy.study_plan import study_plan


@dataclass(frozen=True, slots=True)
class PromiseLimits:
    """The weakest promise that a party takes part under; both None take any study.

    Attributes:
        max_epsilon: Largest epsilon of the whole study; above 0.
        max_delta: Largest delta beside it; above 0.
    """

    max_epsilon: float | None = None
    max_delta: float | None = None

    def check(self, manifest: Manifest) -> None:
        """Check what a study promises. One without differential privacy promises nothing.

        Raises:
            Refused: `own-epsilon`, when there is a limit and the study has no differential privacy,
                or a larger epsilon; `own-delta`, when its delta is larger; what `study_plan`
                refuses.
        """
        if self.max_epsilon is None and self.max_delta is None:
            return
        if manifest.privacy is None:
            raise Refused(
                "own-epsilon", "expected a study with differential privacy, got one without"
            )
        promise = study_plan(manifest).guarantee
        if self.max_epsilon is not None and promise.epsilon > self.max_epsilon:
            raise Refused("own-epsilon", f"expected at most {self.max_epsilon:g}, got {promise}")
        if self.max_delta is not None and promise.delta > self.max_delta:
            raise Refused("own-delta", f"expected at most {self.max_delta:g}, got {promise}")


ANY_PROMISE: Final = PromiseLimits()
"""No limits: studies without differential privacy are taken as well."""
