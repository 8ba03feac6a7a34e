"""Unmasking: masks taken off a sum chunk by chunk, each chunk through the gates while it is there.

What is under its last masks stays in the cache. Memory beside the sum and the integers: one chunk a
worker, 16 MB of open streams, and one vector more where there are more masks than that.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from blindsum_crypto.execution import Course, Execution
from blindsum_crypto.masking.masks import Masks, MaskStreams, chunk_slices, mask_words
from blindsum_crypto.masking.parameters import CHUNK_VALUES
from blindsum_crypto.masking.values import Gates
from blindsum_crypto.seal import Accumulator

Load = Callable[[slice, Accumulator], None]
"""Writes the masked words of one chunk, by where it lies."""


def unmask(
    load: Load,
    word_type: np.dtype[np.unsignedinteger[Any]],
    masks: Masks,
    gates: Gates,
    execution: Execution,
) -> None:
    """Apply masks to every chunk and give it to the gates.

    Args:
        load: Where the words come from; called for every chunk once, from any worker.
        word_type: Their type.
        masks: With the signs that take them off.
        gates: Take the chunks.
        execution: How it is carried out; a step is one chunk under one batch of masks.

    Raises:
        Cancelled: when it was ended; nothing came of it.
    """
    batches = masks.batches(execution.workers)
    slices = chunk_slices(gates.sent_values)
    most_values = min(CHUNK_VALUES, gates.sent_values)
    course = Course(execution, len(batches) * len(slices))
    if len(batches) > 1:
        load = _under_the_last(load, word_type, batches, gates.sent_values, course)

    def stripe(chunks: range) -> None:
        room = np.empty(most_values, word_type)
        streams = MaskStreams(batches[-1], word_type, chunks.start, most_values)
        for index in chunks:
            where = slices[index]
            words = room[: where.stop - where.start]
            load(where, words)
            streams.apply(words, course)
            gates.take(where.start, words)
            course.step_done()

    course.share(len(slices), stripe, masks.worth(gates.sent_values, word_type.itemsize))


def _under_the_last(
    load: Load,
    word_type: np.dtype[np.unsignedinteger[Any]],
    batches: list[Masks],
    values: int,
    course: Course,
) -> Load:
    """All words with all but the last batch of masks applied, in memory of their own."""
    words = np.empty(values, word_type)
    for where in chunk_slices(values):
        load(where, words[where])
    for masks in batches[:-1]:
        mask_words(words, masks, course)

    def copied(where: slice, chunk: Accumulator) -> None:
        chunk[:] = words[where]

    return copied
