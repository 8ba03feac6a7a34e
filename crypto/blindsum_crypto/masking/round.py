"""What client and aggregator of one masked round have in common."""

from dataclasses import dataclass

from blindsum_crypto.custody import Committee
from blindsum_crypto.errors import Refused
from blindsum_crypto.masking.parameters import MaskingParameters, check_cohort


@dataclass(frozen=True, slots=True)
class MaskingRound:
    """One round under the seal masking.

    Attributes:
        parameters: The round's parameters.
        committee: Who holds which part.
        round_id: 32 bytes.
        vector_length: Values of the vector.
        coordinate_bound: The largest |value| of one client.
        round_bound: The largest |sum| of the cohort where that is less than clients times
            coordinate bound (`blindsum_crypto.seal.sum_bound`), or None.
        cohort: Everybody invited, ascending and distinct: each two of them share a mask.

    Raises:
        Refused: `vector-length`, `coordinate-bound`, `field-overflow`, `masking-cohort`, `cohort`.
    """

    parameters: MaskingParameters
    committee: Committee
    round_id: bytes
    vector_length: int
    coordinate_bound: int
    cohort: tuple[str, ...]
    round_bound: int | None = None

    def __post_init__(self) -> None:
        if not self.cohort or list(self.cohort) != sorted(set(self.cohort)):
            raise Refused("cohort", "expected one or more clients, ascending, each once")
        check_cohort(len(self.cohort))
        self.parameters.check_sum(1, self.coordinate_bound)
        self.parameters.sent_values(self.vector_length)

    def peers(self, client: str) -> tuple[str, ...]:
        """Everybody of the cohort but this client, ascending.

        Raises:
            Refused: `not-invited`.
        """
        if client not in self.cohort:
            raise Refused("not-invited", f"expected a client of the cohort, got {client!r}")
        return tuple(peer for peer in self.cohort if peer != client)
