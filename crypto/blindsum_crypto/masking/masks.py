"""Masks: keystreams added to and subtracted from words, in pieces that stay in the cache.

PRG(key) is the AES-256-CTR keystream read as little-endian words; since 2^b divides 2^word, a sum
of masks modulo 2^word is right modulo 2^b as well. A chunk is reached by its counter, so stripes of
chunks are made apart, by as many workers as there are.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from blindsum_crypto.execution import ALONE, Course, Execution
from blindsum_crypto.keystream import Keystream, Room
from blindsum_crypto.masking.parameters import CHUNK_VALUES
from blindsum_crypto.primitives import KEY_BYTES
from blindsum_crypto.seal import Accumulator

STREAMS_AT_ONCE: Final = 1 << 14  # about 1 KB each, over all workers
_FEWEST_STREAMS: Final = 1 << 10
_CHECKED_EVERY: Final = 256  # masks of one chunk: about 10 ms
_WORTH_A_WORKER: Final = 1 << 26  # bytes of keystream: 10 ms, beside which a thread costs nothing

Bytes = npt.NDArray[np.uint8]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Masks:
    """Masks to be added and subtracted; the repr shows none.

    Attributes:
        keys: One use each: uint8, shape (masks, 32).
        added: Which are added; the others are subtracted. Shape (masks,).
    """

    keys: Bytes = field(repr=False)
    added: Flags

    @classmethod
    def of(cls, plus: Sequence[bytes], minus: Sequence[bytes]) -> Self:
        """The masks of some keys to be added, and of others to be subtracted; 32 bytes each."""
        keys = np.frombuffer(b"".join([*plus, *minus]), np.uint8).reshape(-1, KEY_BYTES)
        return cls(keys, np.arange(len(keys)) < len(plus))

    def __len__(self) -> int:
        return len(self.keys)

    def worth(self, values: int, word_bytes: int) -> int:
        """How many workers so many values under these masks are worth, 1 or more."""
        return 1 + len(self) * values * word_bytes // _WORTH_A_WORKER

    def batches(self, workers: int) -> list["Masks"]:
        """As many masks as a worker may have open at once; one batch, if perhaps without a mask."""
        most = max(_FEWEST_STREAMS, STREAMS_AT_ONCE // workers)
        starts = range(0, max(len(self), 1), most)
        return [Masks(self.keys[at : at + most], self.added[at : at + most]) for at in starts]


class MaskStreams:
    """The streams of some masks, open at one chunk and read from there on, in order.

    Args:
        masks: The masks.
        word_type: Of the words that are masked.
        first_chunk: Where the streams begin.
        most_values: Of one chunk: there is no room for more.
    """

    def __init__(
        self,
        masks: Masks,
        word_type: np.dtype[np.unsignedinteger[Any]],
        first_chunk: int,
        most_values: int = CHUNK_VALUES,
    ) -> None:
        offset = first_chunk * CHUNK_VALUES * word_type.itemsize
        self._little_endian = word_type.newbyteorder("<")
        self._room = Room(min(most_values, CHUNK_VALUES) * word_type.itemsize)
        self._streams: list[tuple[Keystream, Callable[..., Accumulator]]] = [
            (Keystream(key.tobytes(), offset), np.add if added else np.subtract)
            for key, added in zip(masks.keys, masks.added, strict=True)
        ]

    def apply(self, chunk: Accumulator, course: Course) -> None:
        """Mask the next chunk in place: it stays in the cache, and so does every keystream.

        Raises:
            Cancelled: when the course is ended.
        """
        for place, (stream, combine) in enumerate(self._streams):
            if not place % _CHECKED_EVERY:
                course.check()
            mask = stream.read_into(self._room, chunk.nbytes).view(self._little_endian)
            combine(chunk, mask, out=chunk)


def apply_masks(
    words: Accumulator,
    plus: Sequence[bytes],
    minus: Sequence[bytes],
    execution: Execution = ALONE,
) -> None:
    """Add the masks of some keys to all words and subtract those of others, in place.

    Args:
        words: uint16, uint32 or uint64, shape (n,).
        plus: Keys of 32 bytes, one use each.
        minus: Keys of 32 bytes, one use each.
        execution: How it is carried out.
    """
    batches = Masks.of(plus, minus).batches(execution.workers)
    course = Course(execution, len(batches) * len(chunk_slices(len(words))))
    for masks in batches:
        mask_words(words, masks, course)


def mask_words(words: Accumulator, masks: Masks, course: Course) -> None:
    """Apply one batch of masks to all words in place: the words once in and once out."""
    slices = chunk_slices(len(words))

    def stripe(chunks: range) -> None:
        streams = MaskStreams(masks, words.dtype, chunks.start, len(words))
        for index in chunks:
            streams.apply(words[slices[index]], course)
            course.step_done()

    course.share(len(slices), stripe, masks.worth(len(words), words.itemsize))


def chunk_slices(values: int) -> list[slice]:
    """Where each chunk of so many values lies."""
    starts: Iterator[int] = iter(range(0, values, CHUNK_VALUES))
    return [slice(start, min(start + CHUNK_VALUES, values)) for start in starts]
