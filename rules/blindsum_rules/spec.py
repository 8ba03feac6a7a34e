"""The spec of a round: what the aggregator opens, and what everybody is bound to."""

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from blindsum_crypto import domains
from blindsum_crypto.ckks.parameters import CkksParameters
from blindsum_crypto.masking.parameters import MaskingParameters
from blindsum_rules.amendment import SignedAmendment, handover
from blindsum_rules.close import Close
from blindsum_rules.codec.parameters import Codec
from blindsum_rules.endorsement import Endorsement
from blindsum_rules.signed import Signed

SealParameters = CkksParameters | MaskingParameters
"""What a spec fixes for its seal."""


class SpecKind(StrEnum):
    """A spec opens a round, or ends the study after its last round."""

    ROUND = "round"
    END = "end"


@dataclass(frozen=True, slots=True)
class PreviousRound:
    """The record of the round before.

    Attributes:
        round_id: That round's id; for round 0 the manifest's digest; 32 bytes.
        freeze_digest: Digest of its freeze, 32 bytes, or empty if it froze nothing.
        aggregate_commitment: Commitment of its aggregate, 32 bytes, or empty if none was opened.
    """

    round_id: bytes
    freeze_digest: bytes = b""
    aggregate_commitment: bytes = b""


@dataclass(frozen=True, slots=True)
class Spec:
    """One round, fixed before anybody contributes. Its digest (`Signed.digest`) is the round id.

    Attributes:
        study: Study id.
        kind: `round`, or `end`, which binds the last aggregate and opens nothing.
        round_number: 0, 1, 2, ... without gaps; an end spec takes the next number.
        amendment_digest: Digest of the last amendment in force, or of the manifest, 32 bytes.
        epoch: Number of the amendment that last changed keys; 0 is the manifest.
        model_version: Grows by one when the previous round's aggregate made a new model.
        model_digest: Digest of the model to train from, 32 bytes (`model.model_digest`).
        previous: Record of the round before.
        closes: At least a quorum of closes of the round before; none in round 0.
        endorsements: If the version grew, at least a quorum of endorsements of its freeze.
        vector_length: Values in a contribution (`Manifest.vector_length`).
        seal: `ckks` or `masking`.
        parameters: The seal's parameters, derived from the manifest and the cohort's size.
        codec: The manifest's codec; None in a private study, whose numbers stand in the manifest.
        cohort: Ids of the invited clients, ascending.
        min_cohort: Fewest contributions that may be released.
        wrap_key_digests: Digest of each custodian's wrap key, in manifest order.
        contribute_deadline_unix: UTC seconds; the aggregator freezes then at the latest.
        release_deadline_unix: UTC seconds; a round that has not come to a freeze is aborted then,
            and one whose gate failed waits for no further release. A freeze that was sent for
            endorsement waits on: only the operator gives it up.
        amendments: What is in force from this round on, and was not in the round before; in order.
        group: Whose round it is, from 0; 0 in a study without groups.

    In an end spec `cohort`, `wrap_key_digests` and `parameters` are empty and both deadlines are
    the time of signing.
    """

    DOMAIN: ClassVar[str] = domains.SPEC

    study: str
    kind: SpecKind
    round_number: int
    amendment_digest: bytes
    epoch: int
    model_version: int
    model_digest: bytes
    previous: PreviousRound
    closes: tuple[Signed[Close], ...]
    endorsements: tuple[Signed[Endorsement], ...]
    vector_length: int
    seal: str
    parameters: SealParameters | None
    codec: Codec | None
    cohort: tuple[str, ...]
    min_cohort: int
    wrap_key_digests: tuple[bytes, ...]
    contribute_deadline_unix: int
    release_deadline_unix: int
    amendments: tuple[SignedAmendment, ...] = ()
    group: int = 0

    @property
    def handed_to(self) -> bytes:
        """What the closes in it must name: the last amendment that seats another committee."""
        return handover(self.amendments)
