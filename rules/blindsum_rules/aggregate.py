"""The aggregate: the opened sum of a round's contributions, its salt and its commitment."""

import hmac
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from blindsum_crypto import domains
from blindsum_crypto.errors import Rejected
from blindsum_crypto.primitives import digest

SALT_BYTES = 32


@dataclass(frozen=True, slots=True)
class Aggregate:
    """An opened sum with the salt of its commitment.

    Attributes:
        salt: 32 random bytes; kept with the aggregate, because a bare digest of a small sum could
            be searched (threat T29).
        values: int64, shape (vector_length,): the sum over the frozen set.
    """

    salt: bytes
    values: npt.NDArray[np.int64]

    def __repr__(self) -> str:
        """Show the length, never a value or the salt."""
        return f"Aggregate(vector_length={self.values.size})"

    @property
    def commitment(self) -> bytes:
        """SHA-256(domain, salt, values), 32 bytes."""
        return digest(domains.AGGREGATE_COMMITMENT, self.salt, _value_bytes(self.values))

    def encode(self) -> bytes:
        """The blob that clients fetch: the salt, then int64 little-endian values."""
        return self.salt + _value_bytes(self.values)

    def check_commitment(self, commitment: bytes) -> None:
        """Check that this is the aggregate that a certificate or a spec commits to.

        Raises:
            Rejected: `aggregate-commitment`, when it is another one.
        """
        if not hmac.compare_digest(self.commitment, commitment):
            raise Rejected(
                "aggregate-commitment", "expected the aggregate that the commitment stands for"
            )


def decode_aggregate(blob: bytes, vector_length: int) -> Aggregate:
    """Read an aggregate's blob.

    Raises:
        Rejected: `aggregate-length`, when the blob does not hold the salt and exactly
            `vector_length` values.
    """
    expected = SALT_BYTES + 8 * vector_length
    if len(blob) != expected:
        raise Rejected("aggregate-length", f"expected {expected} bytes, got {len(blob)}")
    values = np.frombuffer(blob, dtype="<i8", offset=SALT_BYTES).astype(np.int64)
    return Aggregate(salt=blob[:SALT_BYTES], values=values)


def _value_bytes(values: npt.NDArray[np.int64]) -> bytes:
    return values.astype("<i8").tobytes()
