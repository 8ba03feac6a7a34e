"""The bare limits: what a machine needs at least, by the same libraries and without any protocol.

Masking cannot be faster than its keystreams and additions, and nothing that is summed faster than
it can be copied.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext, algorithms, modes

from problem import Problem

_KEY_BYTES: Final = 32
_BLOCK_BYTES: Final = 16
_CHUNK_BYTES: Final = 1 << 18  # sum, keystream and zeros together stay in a core's own cache

Words = npt.NDArray[np.unsignedinteger[Any]]


@dataclass(slots=True, eq=False)
class BareLimits:
    """Keystream and addition of one client's masks, and a copy of one client's bytes.

    Attributes:
        problem: The vectors.
        copied_bytes: How many bytes the copy moves.
    """

    problem: Problem
    copied_bytes: int
    _words: Words = field(init=False, repr=False)
    _source: npt.NDArray[np.uint8] = field(init=False, repr=False)
    _target: npt.NDArray[np.uint8] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Lay the vectors out."""
        self._words = self.problem.levels[0].astype(np.uint16)
        self._source = np.ones(self.copied_bytes, np.uint8)
        self._target = np.zeros(self.copied_bytes, np.uint8)

    def tasks(self) -> dict[str, Callable[[], object]]:
        """What is timed, by row."""
        return {"bare_keystream_add": self.keystream_add, "bare_copy": self._copy}

    def keystream_add(self) -> Words:
        """One vector under a self mask and a mask for every other client, in words of 16 bits."""
        return keystream_add(self._words, self.problem.clients)

    def _copy(self) -> None:
        np.copyto(self._target, self._source)


def keystream_add(words: Words, masks: int) -> Words:
    """So many keystreams over a vector, the later half of them taken away: a fresh vector.

    Memory traffic: the vector is read and written once; every keystream lives in the cache.

    Args:
        words: uint16, uint32 or uint64, shape (n,).
        masks: How many, each under a key of its own.
    """
    streams = [_stream(mask) for mask in range(masks)]
    masked = np.empty_like(words)
    zeros = bytes(_CHUNK_BYTES)
    room = bytearray(_CHUNK_BYTES + _BLOCK_BYTES - 1)
    keystream = np.frombuffer(room, words.dtype, _CHUNK_BYTES // words.itemsize)
    for start in range(0, masked.size, keystream.size):
        chunk = masked[start : start + keystream.size]
        chunk[:] = words[start : start + keystream.size]
        # A vector shorter than a chunk needs no whole chunk of keystream.
        needed = memoryview(zeros)[: chunk.nbytes]
        for mask, stream in enumerate(streams):
            stream.update_into(needed, room)
            # Masks towards the first half of the others are added, the rest are taken away.
            combine = np.subtract if 2 * mask > masks else np.add
            combine(chunk, keystream[: chunk.size], out=chunk)
    return masked


def _stream(mask: int) -> CipherContext:
    """An AES-256-CTR keystream under the zero IV and a key of its own."""
    key = mask.to_bytes(_KEY_BYTES, "big")
    return Cipher(algorithms.AES256(key), modes.CTR(bytes(_BLOCK_BYTES))).encryptor()
