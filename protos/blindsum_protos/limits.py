"""The sizes that every door on the wire holds to."""

from typing import Final

CHUNK_BYTES: Final = 1 << 20
"""Most bytes of a payload, blob or signed message that one message carries: 1 MiB."""

MAX_MESSAGE_BYTES: Final = CHUNK_BYTES + (64 << 10)
"""Largest message on the wire, 1 MiB + 64 KiB: one chunk and what travels beside it."""
