"""Words of b bits end to end, chunk by chunk: the inner loops of `packing.py`.

Neighbours are merged two by two, by whole vectors, until 64-bit *lanes* hold w bits each; a *row*
is the fewest lanes that fill whole bytes. A row's lanes are shifted together and its bytes copied
to where they belong. Everything but that copy works on one chunk in the cache, in words as narrow
as they can be; all views are little-endian, whatever the machine is.
"""

from dataclasses import dataclass
from math import gcd
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

CHUNK_WORDS: Final = 1 << 16  # 128 to 512 KiB of words: in the cache, and a multiple of every row

_LANE_BITS: Final = 64
_LANE_BYTES: Final = 8
_BYTE_BITS: Final = 8
_WORD_TYPES: Final = tuple(np.dtype(f"<u{size}") for size in (2, 4, 8))

Unsigned = npt.NDArray[np.unsignedinteger[Any]]
Lanes = npt.NDArray[np.uint64]
Bytes = npt.NDArray[np.uint8]


def narrowest(word_bits: int) -> np.dtype[np.unsignedinteger[Any]]:
    """The narrowest little-endian word that holds b bits: uint16, uint32 or uint64."""
    return next(one for one in _WORD_TYPES if 8 * one.itemsize >= word_bits)


@dataclass(frozen=True, slots=True)
class Shape:
    """How words of b bits lie in lanes, rows and bytes.

    Attributes:
        word_bits: b, 8 to 64.
        word_type: The narrowest word that holds them.
        lane_bits: w, bits of one lane that are used: b, 2b or 4b.
        row_lanes: Lanes of one row: 1, 2, 4 or 8.
        row_bytes: Bytes of one row on the wire.
    """

    word_bits: int
    word_type: np.dtype[np.unsignedinteger[Any]]
    lane_bits: int
    row_lanes: int
    row_bytes: int

    @classmethod
    def of(cls, word_bits: int) -> Self:
        """The shape of words of b bits."""
        word_type = narrowest(word_bits)
        lane_bits = word_bits * (_LANE_BYTES // word_type.itemsize)
        row_lanes = _BYTE_BITS // gcd(lane_bits, _BYTE_BITS)
        row_bytes = row_lanes * lane_bits // _BYTE_BITS
        return cls(word_bits, word_type, lane_bits, row_lanes, row_bytes)

    @property
    def row_words(self) -> int:
        """Words of one row."""
        return self.row_lanes * _LANE_BYTES // self.word_type.itemsize

    @property
    def columns(self) -> int:
        """Whole lanes that the bytes of one row take, the last one perhaps in part."""
        return -(-self.row_bytes // _LANE_BYTES)

    def room(self, words: int) -> Unsigned:
        """Memory for so many words, zero, filled up to a whole row."""
        return np.zeros(-(-words // self.row_words) * self.row_words, self.word_type)

    def trimmed(self, rows: Lanes) -> npt.NDArray[np.void]:
        """The bytes of every row as they go to the wire: a view, shape (rows,).

        One item a row, so that numpy copies it in one piece.
        """
        step = (_LANE_BYTES * self.columns,)
        return np.ndarray(len(rows), f"V{self.row_bytes}", rows.data, 0, step)


def pack_rows(words: Unsigned, shape: Shape, packed: Bytes) -> None:
    """Reduce whole rows of words modulo 2^b and pack them.

    Args:
        words: Of the shape's word type, whole rows; what they were is lost.
        shape: The shape.
        packed: Where they go: uint8, row_bytes for every row.
    """
    rows = _rows(_merged(words, shape), shape)
    if shape.row_bytes < _LANE_BYTES and len(rows):
        _pack_short_rows(rows[:, 0], shape.row_bytes, packed)
    else:
        packed.view(f"V{shape.row_bytes}")[:] = shape.trimmed(rows)


def unpack_rows(packed: memoryview, shape: Shape, words: Unsigned) -> None:
    """Read whole rows of words.

    Args:
        packed: row_bytes for every row.
        shape: The shape.
        words: Where they go: the shape's word type, whole rows.
    """
    lanes = words.view("<u8")
    rows = np.zeros((len(lanes) // shape.row_lanes, shape.columns), "<u8")
    shape.trimmed(rows)[:] = np.frombuffer(packed, f"V{shape.row_bytes}")
    _spread(rows, lanes.reshape(-1, shape.row_lanes), shape.lane_bits)
    _split(lanes, shape)


def _merged(words: Unsigned, shape: Shape) -> Lanes:
    """Words reduced modulo 2^b, in lanes of w bits: 4 passes for each doubling, in place."""
    bits = shape.word_bits
    while words.itemsize < _LANE_BYTES:
        width = _BYTE_BITS * words.itemsize
        words = words.view(f"<u{2 * words.itemsize}")
        kind = words.dtype.type
        low = (1 << bits) - 1
        high = words >> kind(width - bits)
        high &= kind(low << bits)
        words &= kind(low)
        words |= high
        bits *= 2
    if bits == shape.word_bits < _LANE_BITS:
        words &= np.uint64((1 << bits) - 1)
    return words.view("<u8")


def _split(lanes: Lanes, shape: Shape) -> None:
    """Lanes of w bits, to words of b bits, in place: what `_merged` did, backwards."""
    bits, size = shape.lane_bits, _LANE_BYTES
    while size > shape.word_type.itemsize:
        words = lanes.view(f"<u{size}")
        kind, bits, width = words.dtype.type, bits // 2, _BYTE_BITS * size // 2
        low = (1 << bits) - 1
        high = words << kind(width - bits)
        high &= kind(low << width)
        words &= kind(low)
        words |= high
        size //= 2


def _rows(lanes: Lanes, shape: Shape) -> Lanes:
    """The lanes of every row shifted together: shape (rows, columns)."""
    if shape.row_lanes == 1:
        return lanes.reshape(-1, 1)
    columns = lanes.reshape(-1, shape.row_lanes)
    rows = np.empty((len(columns), shape.columns), "<u8")
    for index in range(shape.row_lanes):
        lane = columns[:, index]
        column, bit = divmod(index * shape.lane_bits, _LANE_BITS)
        # A column begins with the lane that starts it or runs over into it: nothing is cleared.
        if bit:
            rows[:, column] |= lane << np.uint64(bit)
        else:
            rows[:, column] = lane
        if bit + shape.lane_bits > _LANE_BITS:
            np.right_shift(lane, np.uint64(_LANE_BITS - bit), out=rows[:, column + 1])
    return rows


def _pack_short_rows(rows: Lanes, row_bytes: int, packed: Bytes) -> None:
    """Rows of 5 to 7 bytes, as whole lanes: all of packing takes a third less than by odd items.

    A lane is written over the first bytes of the next row, with what belongs there: bytes that are
    written twice are written alike, in whatever order.
    """
    rows[:-1] |= rows[1:] << np.uint64(_BYTE_BITS * row_bytes)
    np.ndarray(len(rows) - 1, "<u8", packed, 0, (row_bytes,))[:] = rows[:-1]
    packed[-row_bytes:] = rows[-1:].view(np.uint8)[:row_bytes]


def _spread(rows: Lanes, lanes: Lanes, lane_bits: int) -> None:
    """Take the lanes of every row apart: what `_rows` did, backwards."""
    low = np.uint64((1 << lane_bits) - 1)
    for index in range(lanes.shape[1]):
        lane = lanes[:, index]
        column, bit = divmod(index * lane_bits, _LANE_BITS)
        np.right_shift(rows[:, column], np.uint64(bit), out=lane)
        if bit + lane_bits > _LANE_BITS:
            lane |= rows[:, column + 1] << np.uint64(_LANE_BITS - bit)
        lane &= low
