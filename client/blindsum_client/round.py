"""A round as its trainer sees it: verified, accepted by a quorum, with the model to train from."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from blindsum_rules.acceptance import Acceptance
from blindsum_rules.privacy.guarantee import Unit
from blindsum_rules.signed import Signed
from blindsum_rules.spec import Spec


@dataclass(frozen=True, slots=True, eq=False)
class Round:
    """One round that invites this client.

    Attributes:
        spec: The round's verified spec.
        acceptances: At least a quorum of verified acceptances of it.
        model: The arrays of the model to train from, float32; copies, free to be changed. An
            adaptive clip norm is a value of the model and none of these.
        unit: Of what the round takes units, record or patient (`Client.encode_units`); None where
            it takes an update (`Client.encode`).
        clip_norm: C of the round where the study adapts it; None elsewhere. The codec clips.
    """

    spec: Signed[Spec]
    acceptances: tuple[Signed[Acceptance], ...]
    model: dict[str, npt.NDArray[np.float32]]
    unit: Unit | None = None
    clip_norm: float | None = None

    @property
    def number(self) -> int:
        """The round's number: 0, 1, 2, ..."""
        return self.spec.body.round_number

    @property
    def round_id(self) -> bytes:
        """Digest of the spec, 32 bytes."""
        return self.spec.digest

    @property
    def model_version(self) -> int:
        """How often the model has been updated."""
        return self.spec.body.model_version

    @property
    def contribute_deadline_unix(self) -> int:
        """UTC seconds at which the aggregator freezes at the latest."""
        return self.spec.body.contribute_deadline_unix

    def __repr__(self) -> str:
        """Show which round it is, never a value of its model."""
        return f"Round(number={self.number}, model_version={self.model_version})"
