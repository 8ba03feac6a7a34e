"""Packing: fields of w bits in one word, and words of b bits in bytes.

Fields are symmetric (|f| <= 2^(w-1) - 1, so -2^(w-1) does not exist) and sit in a word as
sum of f_i * 2^(w * i), which keeps its form under addition. Words go to bytes in little-endian bit
order: bit k of the stream is bit k % 8 of byte k // 8. The inner loops are in `lanes.py`.
"""

from io import BytesIO
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from blindsum_crypto.errors import Refused, Rejected
from blindsum_crypto.lanes import CHUNK_WORDS, Bytes, Shape, Unsigned, pack_rows, unpack_rows

MIN_WORD_BITS: Final = 8
MAX_WORD_BITS: Final = 64
_BYTE_BITS: Final = 8
_WHOLE_WORDS: Final[dict[int, np.dtype[np.unsignedinteger[Any]]]] = {
    8: np.dtype("u1"),
    16: np.dtype("<u2"),
    32: np.dtype("<u4"),
    64: np.dtype("<u8"),
}


def largest_field(field_bits: int) -> int:
    """The largest |f| of a symmetric field: 2^(w-1) - 1."""
    return (1 << (field_bits - 1)) - 1


def pack_fields(fields: npt.NDArray[np.int64], field_bits: int) -> npt.NDArray[np.int64]:
    """Put p fields into one word each.

    Args:
        fields: int64, shape (p, ...); field i of word k stands at [i, k].
        field_bits: w; p * w at most 63.

    Returns:
        int64, shape (...): sum over i of fields[i] * 2^(w * i).

    Raises:
        Refused: `word-overflow` when p * w exceeds 63, `field-range` when a field is out of range.
    """
    if fields.shape[0] * field_bits >= MAX_WORD_BITS:
        raise Refused("word-overflow", "expected fields that fill at most 63 bits")
    largest = largest_field(field_bits)
    if fields.size and (int(fields.max()) > largest or int(fields.min()) < -largest):
        raise Refused("field-range", f"expected every |field| to be at most {largest}")
    # One multiply-add a field over n words, from the highest field down (Horner).
    words: npt.NDArray[np.int64] = fields[-1].copy()
    for row in fields[-2::-1]:
        words <<= field_bits
        words += row
    return words


def unpack_fields(
    words: npt.NDArray[np.int64], field_bits: int, fields: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Take p fields out of each word again.

    Args:
        words: int64, any shape.
        field_bits: w, 2 to 63.
        fields: p.

    Returns:
        The fields, int64, shape (p, ...), each in -2^(w-1)..2^(w-1)-1, and what is left of each
        word above them, int64, shape (...): zero for every word that `pack_fields` can have made.
        The value -2^(w-1) is not refused here, since a caller names its own gate.
    """
    rest = words.copy()
    shift = np.int64(MAX_WORD_BITS - field_bits)
    unpacked = np.empty((fields, *words.shape), np.int64)
    for row in unpacked:
        np.right_shift(rest << shift, shift, out=row)  # sign extension of the lowest w bits
        rest -= row
        rest >>= np.int64(field_bits)
    return unpacked, rest


def packed_bytes(word_count: int, word_bits: int) -> int:
    """How many bytes so many words of b bits take, the last one filled up with zero bits."""
    return -(-word_count * word_bits // _BYTE_BITS)


def pack_words(words: Unsigned, word_bits: int) -> bytes:
    """Put words of b bits end to end, in little-endian bit order.

    Args:
        words: Any unsigned type, shape (n,), every word below 2^b.
        word_bits: b, 8 to 64.

    Returns:
        ceil(n * b / 8) bytes.

    Raises:
        Refused: `word-bits` outside 8..64, `word-overflow` when a word has more than b bits.
    """
    _check_bits(word_bits)
    if word_bits < _BYTE_BITS * words.itemsize and words.size and int(words.max()) >> word_bits:
        raise Refused("word-overflow", f"expected words of at most {word_bits} bits")
    room = PackedRoom(packed_bytes(words.size, word_bits))
    for start in range(0, words.size, CHUNK_WORDS):
        chunk = words[start : start + CHUNK_WORDS].copy()
        pack_chunk(chunk, word_bits, room.at(packed_bytes(start, word_bits)))
    return room.filled()


def pack_chunk(words: Unsigned, word_bits: int, packed: Bytes) -> None:
    """Reduce words modulo 2^b and put them end to end, as `pack_words` does.

    Memory traffic: the words three times for each doubling of their width, and what is packed
    once; so give it what is in the cache.

    Args:
        words: Any unsigned type, shape (n,); what they were is lost.
        word_bits: b, 8 to 64.
        packed: Where they go: uint8, the first ceil(n * b / 8) of it.

    Raises:
        Refused: `word-bits` outside 8..64.
    """
    _check_bits(word_bits)
    packed = packed[: packed_bytes(words.size, word_bits)]
    whole = _WHOLE_WORDS.get(word_bits)
    if whole is not None:
        np.copyto(packed.view(whole), words, casting="unsafe")
        return
    shape = Shape.of(word_bits)
    if words.dtype != shape.word_type:
        words = words.astype(shape.word_type)
    rows = words.size // shape.row_words
    inside, behind = rows * shape.row_words, rows * shape.row_bytes
    pack_rows(words[:inside], shape, packed[:behind])
    if inside < words.size:
        row = shape.room(words.size - inside)
        row[: words.size - inside] = words[inside:]
        last = np.empty(shape.row_bytes, np.uint8)
        pack_rows(row, shape, last)
        packed[behind:] = last[: packed.size - behind]


class PackedRoom:
    """Bytes of a known length, filled chunk by chunk from any thread, and copied nowhere.

    Args:
        byte_count: How many.
    """

    def __init__(self, byte_count: int) -> None:
        # A stream's value is its own memory: an array's bytes would be a second vector.
        self._stream = BytesIO()
        if byte_count:
            self._stream.seek(byte_count - 1)
            self._stream.write(b"\0")
        self._bytes = np.frombuffer(self._stream.getbuffer(), np.uint8)

    def at(self, start: int) -> Bytes:
        """Everything from a byte on, to be written: uint8. Let go of it before `filled`."""
        return self._bytes[start:]

    def filled(self) -> bytes:
        """The bytes; there is no room any more."""
        self._bytes = np.empty(0, np.uint8)
        return self._stream.getvalue()


def unpack_words(
    packed: bytes | memoryview, word_count: int, word_bits: int
) -> npt.NDArray[np.uint64]:
    """Read words of b bits from bytes that hold exactly so many.

    Args:
        packed: ceil(n * b / 8) bytes.
        word_count: n.
        word_bits: b, 8 to 64.

    Returns:
        uint64, shape (n,), each below 2^b.

    Raises:
        Refused: `word-bits` outside 8..64.
        Rejected: `packed-length`, `padding-bits` when bits behind the last word are not zero.
    """
    words = unpack_narrow(packed, word_count, word_bits, np.dtype(np.uint64))
    return words.astype(np.uint64, copy=False)


def unpack_narrow(
    packed: bytes | memoryview,
    word_count: int,
    word_bits: int,
    word_type: np.dtype[np.unsignedinteger[Any]],
) -> Unsigned:
    """As `unpack_words`, in words of a type that holds b bits; a view of `packed` where it can be.

    Raises:
        Refused: `word-bits` outside 8..64.
        Rejected: `packed-length`, `padding-bits`.
    """
    _check_bits(word_bits)
    expected = packed_bytes(word_count, word_bits)
    if len(packed) != expected:
        raise Rejected("packed-length", f"expected {expected} bytes, got {len(packed)}")
    whole = _WHOLE_WORDS.get(word_bits)
    if whole is not None:
        return np.frombuffer(packed, whole).astype(word_type, copy=False)
    shape = Shape.of(word_bits)
    if word_count <= CHUNK_WORDS:
        return _unpack_chunk(memoryview(packed), word_count, shape).astype(word_type, copy=False)
    words = np.empty(word_count, word_type)
    chunk_bytes = packed_bytes(CHUNK_WORDS, word_bits)
    for index, start in enumerate(range(0, word_count, CHUNK_WORDS)):
        chunk = memoryview(packed)[index * chunk_bytes : (index + 1) * chunk_bytes]
        within = words[start : start + CHUNK_WORDS]
        np.copyto(within, _unpack_chunk(chunk, within.size, shape), casting="unsafe")
    return words


def _unpack_chunk(packed: memoryview, word_count: int, shape: Shape) -> Unsigned:
    words = shape.room(word_count)
    missing = -len(packed) % shape.row_bytes
    unpack_rows(memoryview(bytes(packed) + bytes(missing)) if missing else packed, shape, words)
    if words[word_count:].any():
        raise Rejected("padding-bits", "expected zero bits behind the last word")
    return words[:word_count]


def _check_bits(word_bits: int) -> None:
    if not MIN_WORD_BITS <= word_bits <= MAX_WORD_BITS:
        raise Refused("word-bits", f"expected 8 to 64 bits a word, got {word_bits}")
