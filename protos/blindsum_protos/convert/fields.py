"""The checks of single fields at the wire's door: lengths, ranges, words and order.

Every check returns what it was given, as the value wants it, or raises `Rejected` with the rule
`malformed-message` and the field's name. Bytes and texts are never repeated in the error.
"""

import math
import re
from collections.abc import Callable, Iterable
from enum import StrEnum
from itertools import pairwise
from typing import Final, TypeVar

from google.protobuf.message import Message

from blindsum_crypto.errors import BlindsumError, Rejected
from blindsum_crypto.primitives import DIGEST_BYTES, KEY_BYTES
from blindsum_rules.identifiers import check_identifier, check_sorted_distinct

SIGNATURE_BYTES: Final = 64
NONCE_BYTES: Final = 16

MAX_SENTENCE_BYTES: Final = 2_000
"""Longest sentence (`expected`, `reason`) in UTF-8: a refusal fits into trailing metadata, which
gRPC caps at 8 KiB."""

MAX_WORDS_BYTES: Final = 64 << 10
"""Longest text for people (a study's purpose and permit) in UTF-8: 64 KiB."""

MAX_ROUND_NUMBER: Final = (1 << 32) - 1
"""Round numbers, versions, epochs and pages: `Schedule.max_rounds` has 32 bits."""

MAX_COUNT: Final = (1 << 63) - 1
"""Lengths and counts: what a signed 64-bit column of a store holds."""

MAX_UNIX_SECONDS: Final = 253_402_300_799
"""The last second of the year 9999, the last that calendars of programming languages know."""

_RULE_NAME: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_MAX_RULE_NAME_CHARACTERS: Final = 63
_CONTROLS: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_CONTROLS_IN_LINES: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")

_CUT: Final = "…".encode()
_NOTHING_SAID: Final = b"-"

WordT = TypeVar("WordT", bound=StrEnum)
ResultT = TypeVar("ResultT")
KeyT = TypeVar("KeyT", bytes, int)


def malformed(field: str, expected: str) -> Rejected:
    """The error of this door, for a field by name."""
    return Rejected("malformed-message", f"{field}: expected {expected}")


def built(field: str, build: Callable[[], ResultT]) -> ResultT:
    """Build a value that checks itself, and name the field when it will not have the numbers."""
    try:
        return build()
    except BlindsumError as error:
        raise Rejected("malformed-message", f"{field}: {error.expected}") from error


def identifier(name: str, field: str) -> str:
    """An identifier: 1 to 63 of a-z 0-9 . _ - with a letter or digit first."""
    try:
        return check_identifier(name, field)
    except Rejected as error:
        # The name itself stays out: it may be as long as the message.
        raise malformed(field, "1 to 63 of a-z 0-9 . _ - with a letter or digit first") from error


def ascending_identifiers(names: Iterable[str], field: str) -> tuple[str, ...]:
    """Identifiers in ascending byte order, each once."""
    checked = tuple(identifier(name, field) for name in names)
    try:
        check_sorted_distinct(checked, field)
    except Rejected as error:
        raise malformed(field, "ascending identifiers, each once") from error
    return checked


def ascending_keys(keys: Iterable[KeyT], field: str) -> None:
    """Check that keys (digests, parts) ascend, each once."""
    if any(earlier >= later for earlier, later in pairwise(keys)):
        raise malformed(field, "an ascending list, each item once")


def rule_name(name: str, field: str) -> str:
    """A rule's name in kebab-case, at most 63 characters."""
    if len(name) > _MAX_RULE_NAME_CHARACTERS or _RULE_NAME.fullmatch(name) is None:
        raise malformed(field, "a rule's name in kebab-case, at most 63 characters")
    return name


def sentence(text: str, field: str) -> str:
    """One line of text for people, 1 to 2,000 bytes, without control characters.

    It ends up in terminals and logs: a line break would forge a log line.
    """
    if not 1 <= len(text.encode()) <= MAX_SENTENCE_BYTES or _CONTROLS.search(text):
        raise malformed(field, f"one line of 1 to {MAX_SENTENCE_BYTES} bytes")
    return text


def words(text: str, field: str) -> str:
    """Lines of text for people, at most 64 KiB, tab and line feed the only control characters."""
    if len(text.encode()) > MAX_WORDS_BYTES or _CONTROLS_IN_LINES.search(text):
        raise malformed(field, f"plain text of at most {MAX_WORDS_BYTES} bytes")
    return text


def one_line(text: str) -> str:
    """Make any text fit for `sentence`: control characters become spaces, the end is cut."""
    # A lone surrogate (an undecodable file name) has no UTF-8 form.
    encodable = text.encode(errors="replace").decode()
    clean = _CONTROLS.sub(" ", encodable).encode() or _NOTHING_SAID
    if len(clean) <= MAX_SENTENCE_BYTES:
        return clean.decode()
    return clean[: MAX_SENTENCE_BYTES - len(_CUT)].decode(errors="ignore") + _CUT.decode()


def exact_bytes(data: bytes, byte_count: int, field: str) -> bytes:
    """Bytes of one exact length."""
    if len(data) != byte_count:
        raise malformed(field, f"{byte_count} bytes, got {len(data)}")
    return data


def digest(data: bytes, field: str) -> bytes:
    """A digest or commitment, 32 bytes."""
    return exact_bytes(data, DIGEST_BYTES, field)


def optional_digest(data: bytes, field: str) -> bytes:
    """A digest of 32 bytes, or empty for none."""
    return digest(data, field) if data else b""


def digests(items: Iterable[bytes], field: str) -> tuple[bytes, ...]:
    """Digests in an order that the message's own words fix."""
    return tuple(digest(item, field) for item in items)


def ascending_digests(items: Iterable[bytes], field: str) -> tuple[bytes, ...]:
    """Digests in ascending byte order, each once."""
    checked = digests(items, field)
    ascending_keys(checked, field)
    return checked


def public_key(data: bytes, field: str) -> bytes:
    """An Ed25519 or X25519 public key, 32 bytes."""
    return exact_bytes(data, KEY_BYTES, field)


def number(value: int, field: str, lowest: int, highest: int) -> int:
    """A whole number from `lowest` to `highest`, both included."""
    if not lowest <= value <= highest:
        raise malformed(field, f"{lowest} to {highest}, got {value}")
    return value


def count(value: int, field: str, lowest: int = 0) -> int:
    """A length or count of at least `lowest`, at most 2^63 - 1."""
    return number(value, field, lowest, MAX_COUNT)


def ordinal(value: int, field: str) -> int:
    """A round number, model version, epoch or page: 0 to 2^32 - 1."""
    return number(value, field, 0, MAX_ROUND_NUMBER)


def unix_seconds(value: int, field: str) -> int:
    """UTC seconds since 1970, up to the year 9999."""
    return number(value, field, 0, MAX_UNIX_SECONDS)


def positive(value: float, field: str) -> float:
    """A finite number above 0."""
    if not (math.isfinite(value) and value > 0):
        raise malformed(field, "a finite number above 0")
    return value


def word(kind: type[WordT], value: str, field: str) -> WordT:
    """One of the words of an enumeration."""
    try:
        return kind(value)
    except ValueError as error:
        raise malformed(field, f"one of {', '.join(kind)}") from error


def present(message: Message, *names: str) -> None:
    """Check that messages stand in the named fields of a message."""
    for name in names:
        if not message.HasField(name):
            raise malformed(f"{message.DESCRIPTOR.name}.{name}", "a message, got none")
