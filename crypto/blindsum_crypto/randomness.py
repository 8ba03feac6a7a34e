"""The one source of randomness: handed in as an argument, never reached for.

Production has one constructor, `SystemRandomness()`. Custody seeds, errors of the seals and keys
all come through this door, fresh for every use and never derived from a vector.
"""

import secrets
from typing import Protocol

from blindsum_crypto import domains
from blindsum_crypto.errors import Refused
from blindsum_crypto.keystream import AES_BLOCK_BYTES, Keystream, Room, keystream
from blindsum_crypto.primitives import KEY_BYTES, digest


class Randomness(Protocol):
    """Whoever hands out secret random bytes."""

    def bytes(self, count: int) -> bytes:
        """The next `count` bytes (0 or more), uniform and never handed out before."""
        ...


class SystemRandomness:
    """The operating system's generator; the only one that a service may use."""

    def bytes(self, count: int) -> bytes:
        """The next `count` bytes (0 or more) of the operating system.

        Raises:
            Refused: `random-byte-count` when count is negative.
        """
        _check_count(count)
        return secrets.token_bytes(count)


class ExpandedRandomness:
    """The AES-256-CTR keystream under one fresh key, for whoever needs megabytes of random bits.

    As the draws of noise have theirs: the key is drawn at once, has this one use and is kept
    nowhere else. Measured (one core of a Xeon): 6 GB/s, the operating system's generator 0.6.

    Args:
        randomness: Where the key's 32 bytes come from.
    """

    def __init__(self, randomness: Randomness) -> None:
        self._stream = Keystream(randomness.bytes(KEY_BYTES))
        self._room = Room(0)

    def bytes(self, count: int) -> bytes:
        """The next `count` bytes (0 or more) of the stream; how it is cut does not change it.

        Raises:
            Refused: `random-byte-count` when count is negative.
        """
        _check_count(count)
        if count > self._room.byte_count:
            self._room = Room(count)
        return self._stream.read_into(self._room, count).tobytes()

    def __repr__(self) -> str:
        return "ExpandedRandomness()"


class SeededRandomness:
    """A reproducible stream: for tests and known answers only, never in a service.

    It is the AES-256-CTR keystream under SHA-256(domain, seed). Whoever knows the seed knows
    everything that was drawn.
    """

    def __init__(self, seed: bytes) -> None:
        self._key = digest(domains.SEEDED_RANDOMNESS, seed)
        self._position = 0

    def bytes(self, count: int) -> bytes:
        """The next `count` bytes (0 or more) of the stream; how it is cut does not change it.

        Raises:
            Refused: `random-byte-count` when count is negative.
        """
        _check_count(count)
        skip = self._position % AES_BLOCK_BYTES
        stream = keystream(self._key, skip + count, self._position - skip)
        self._position += count
        return stream[skip:].tobytes()

    def __repr__(self) -> str:
        return "SeededRandomness()"


def _check_count(count: int) -> None:
    if count < 0:
        raise Refused("random-byte-count", f"expected 0 or more bytes, got {count}")
