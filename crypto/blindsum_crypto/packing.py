"""Packing: fields of w bits in one word, and words of b bits in bytes.

Fields are symmetric (|f| <= 2^(w-1) - 1, so -2^(w-1) does not exist) and sit in a word as
sum of f_i * 2^(w * i), which keeps its form under addition. Words go to bytes in little-endian bit
order: bit k of the stream is bit k % 8 of byte k // 8.
"""

from math import gcd
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from blindsum_crypto.errors import Refused, Rejected

MIN_WORD_BITS: Final = 8
MAX_WORD_BITS: Final = 64
_BYTE_BITS: Final = 8
_WINDOW_BYTES: Final = 8
_WHOLE_WORDS: Final[dict[int, np.dtype[np.unsignedinteger[Any]]]] = {
    16: np.dtype("<u2"),
    32: np.dtype("<u4"),
    64: np.dtype("<u8"),
}

Unsigned = npt.NDArray[np.unsignedinteger[Any]]


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
    group_words, group_bytes = _group(word_bits)
    if word_bits < 8 * words.itemsize and words.size and int(words.max()) >> word_bits:
        raise Refused("word-overflow", f"expected words of at most {word_bits} bits")
    if word_bits in _WHOLE_WORDS:
        return words.astype(_WHOLE_WORDS[word_bits], copy=False).tobytes()
    words = words.astype(np.uint64, copy=False)
    groups = -(-words.size // group_words)
    padding = np.zeros(groups * group_words - words.size, np.uint64)
    columns = (np.concatenate([words, padding]) if padding.size else words).reshape(
        groups, group_words
    )
    # Every group of words fills whole bytes, so word i stands at the same offset of every group:
    # one strided pass over 8-byte windows for each i, every output byte touched about twice.
    packed = np.zeros(max(groups, 1) * group_bytes + _WINDOW_BYTES, np.uint8)
    for index in range(group_words):
        byte, bit = divmod(index * word_bits, _BYTE_BITS)
        window = _windows(packed, byte, group_bytes, groups)
        window |= columns[:, index] << np.uint64(bit)
        if bit + word_bits > MAX_WORD_BITS:
            over = columns[:, index] >> np.uint64(MAX_WORD_BITS - bit)
            packed[byte + _WINDOW_BYTES :: group_bytes][:groups] |= over.astype(np.uint8)
    return packed[: packed_bytes(words.size, word_bits)].tobytes()


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
    group_words, group_bytes = _group(word_bits)
    expected = packed_bytes(word_count, word_bits)
    if len(packed) != expected:
        raise Rejected("packed-length", f"expected {expected} bytes, got {len(packed)}")
    if word_bits in _WHOLE_WORDS:
        return np.frombuffer(packed, _WHOLE_WORDS[word_bits]).astype(np.uint64)
    groups = -(-word_count // group_words)
    room = np.zeros(max(groups, 1) * group_bytes + _WINDOW_BYTES, np.uint8)
    room[:expected] = np.frombuffer(packed, np.uint8)
    words = np.empty((groups, group_words), np.uint64)
    mask = np.uint64((1 << word_bits) - 1)
    for index in range(group_words):
        byte, bit = divmod(index * word_bits, _BYTE_BITS)
        column = _windows(room, byte, group_bytes, groups) >> np.uint64(bit)
        if bit + word_bits > MAX_WORD_BITS:
            over = room[byte + _WINDOW_BYTES :: group_bytes][:groups].astype(np.uint64)
            column |= over << np.uint64(MAX_WORD_BITS - bit)
        words[:, index] = column & mask
    flat = words.reshape(-1)
    used_bits = word_count * word_bits % _BYTE_BITS
    if flat[word_count:].any() or (used_bits and room[expected - 1] >> used_bits):
        raise Rejected("padding-bits", "expected zero bits behind the last word")
    return flat[:word_count]


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
    whole = _WHOLE_WORDS.get(word_bits)
    if whole is not None and len(packed) == packed_bytes(word_count, word_bits):
        return np.frombuffer(packed, whole).astype(word_type, copy=False)
    return unpack_words(packed, word_count, word_bits).astype(word_type, copy=False)


def _group(word_bits: int) -> tuple[int, int]:
    """The fewest words that fill whole bytes, and at least the 8 bytes of a window."""
    if not MIN_WORD_BITS <= word_bits <= MAX_WORD_BITS:
        raise Refused("word-bits", f"expected 8 to 64 bits a word, got {word_bits}")
    group_words = _BYTE_BITS // gcd(word_bits, _BYTE_BITS)
    while group_words * word_bits < _WINDOW_BYTES * _BYTE_BITS:
        group_words *= 2
    return group_words, group_words * word_bits // _BYTE_BITS


def _windows(
    buffer: npt.NDArray[np.uint8], byte: int, stride: int, count: int
) -> npt.NDArray[np.uint64]:
    """One little-endian uint64 in every group, at the same offset; they do not overlap."""
    return np.ndarray((count,), np.dtype("<u8"), buffer.data, byte, (stride,))
