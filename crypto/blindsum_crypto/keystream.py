"""AES-256-CTR keystreams: masks, expanded keys, common references and errors are cut from them.

The counter starts at zero, so a key has one use; a chunk is addressed by its counter. Beside
`primitives.py`, `at_rest.py` and `tls.py` this is the only file that names a crypto library.

Measured (one core of a Xeon, process time): 8.6 GB/s in pieces of 32 KiB to 1 MiB, 3.2 GB/s at
16 KiB; opening a stream costs 3 us.
"""

from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from blindsum_crypto.errors import Refused
from blindsum_crypto.primitives import KEY_BYTES

AES_BLOCK_BYTES: Final = 16


class Keystream:
    """One key's keystream, read in order from a chosen offset; its repr shows nothing.

    Args:
        key: 32 bytes; one key has one use.
        byte_offset: Where to begin, a multiple of 16, so that chunks can be made apart.

    Raises:
        Refused: `keystream-key-length`, `keystream-offset`.
    """

    __slots__ = ("_encryptor",)

    def __init__(self, key: bytes, byte_offset: int = 0) -> None:
        if len(key) != KEY_BYTES:
            raise Refused("keystream-key-length", f"expected {KEY_BYTES} bytes, got {len(key)}")
        if byte_offset % AES_BLOCK_BYTES or byte_offset < 0:
            raise Refused("keystream-offset", f"expected a multiple of 16, got {byte_offset}")
        self._encryptor = Cipher(algorithms.AES256(key), _counting_from(byte_offset)).encryptor()

    def read_into(self, room: "Room", byte_count: int) -> npt.NDArray[np.uint8]:
        """The next bytes, written into a room that many streams share.

        Args:
            room: Where they go; what stood there before is gone.
            byte_count: How many, at most the room's.

        Returns:
            uint8, shape (byte_count,), a view of the room.

        Raises:
            Refused: `keystream-room`.
        """
        if byte_count > room.byte_count:
            raise Refused("keystream-room", f"expected at most {room.byte_count} bytes at once")
        self._encryptor.update_into(room.zeros[:byte_count], room.stream)
        return room.view[:byte_count]


class Room:
    """Memory that keystreams are written into: read zeros, write the stream, stay in the cache.

    Args:
        byte_count: The most bytes that are read at once.
    """

    __slots__ = ("byte_count", "stream", "view", "zeros")

    def __init__(self, byte_count: int) -> None:
        self.byte_count = byte_count
        self.zeros = memoryview(bytes(byte_count))
        # The binding wants almost a block of room behind what it writes.
        self.stream = bytearray(byte_count + AES_BLOCK_BYTES - 1)
        self.view = np.frombuffer(self.stream, np.uint8)[:byte_count]


@lru_cache(maxsize=256)
def _counting_from(byte_offset: int) -> modes.CTR:
    """The counter of an offset, made once for all keys: it costs as much as the cipher does."""
    return modes.CTR((byte_offset // AES_BLOCK_BYTES).to_bytes(AES_BLOCK_BYTES, "big"))


def keystream(key: bytes, byte_count: int, byte_offset: int = 0) -> npt.NDArray[np.uint8]:
    """Bytes [offset, offset + count) of a key's keystream, in fresh, writable memory.

    Args:
        key: 32 bytes; one key has one use, since the counter always starts at zero.
        byte_count: How many bytes, 0 or more.
        byte_offset: Where to begin, a multiple of 16.

    Raises:
        Refused: `keystream-key-length`, `keystream-offset`.
    """
    return Keystream(key, byte_offset).read_into(Room(byte_count), byte_count)
