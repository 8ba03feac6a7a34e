"""A custodian's release: a fixed function of the frozen set U, on as many pages as it takes.

A page holds the same slice of every part that the custodian holds, so how a release is cut follows
from the number of parts and their length alone, and everybody cuts it alike.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Final

from blindsum_crypto import domains
from blindsum_crypto.errors import Rejected
from blindsum_rules.freeze import Freeze
from blindsum_rules.signed import Signed

PAGE_BYTES: Final = 1 << 20
"""Shares on one page at the most; a message has 64 KiB more for what stands around them."""

_SLICE_UNIT: Final = 32


@dataclass(frozen=True, slots=True)
class PartRelease:
    """What a custodian releases for one part T.

    Attributes:
        part: Bitmask of the (t-1)-subset that names the part.
        share: The page's slice of the part. CKKS: the sum over U of the expanded leaves mod q,
            packed; one polynomial. Masking: for every member of U leaf(self), then leaf(pair/j)
            for everybody absent.
    """

    part: int
    share: bytes

    def __repr__(self) -> str:
        """Show the part, never the share."""
        return f"PartRelease(part={self.part:#b})"


@dataclass(frozen=True, slots=True)
class Release:
    """A custodian's parts of the one secret that opens the sum over U.

    Attributes:
        study: Study id.
        round_number: Number of the round.
        round_id: The round's id, 32 bytes.
        freeze_digest: The freeze it is a function of, 32 bytes.
        page: From 0.
        parts: The parts it holds, ascending, each with its slice.
        custodian: Id of the custodian that signs it.
    """

    DOMAIN: ClassVar[str] = domains.RELEASE

    study: str
    round_number: int
    round_id: bytes
    freeze_digest: bytes
    page: int
    parts: tuple[PartRelease, ...]
    custodian: str


def release_pages(part_count: int, part_bytes: int) -> int:
    """How many pages a release takes: parts that the custodian holds, each of this length."""
    return max(1, -(-part_bytes // _slice_bytes(part_count)))


def cut(parts: Mapping[int, bytes]) -> tuple[tuple[PartRelease, ...], ...]:
    """The pages of a release: each part's slices, parts ascending."""
    size = _slice_bytes(len(parts))
    longest = max(map(len, parts.values()))
    return tuple(
        tuple(
            PartRelease(part, share[page * size : (page + 1) * size])
            for part, share in sorted(parts.items())
        )
        for page in range(release_pages(len(parts), longest))
    )


def pages_of_release(
    freeze: Signed[Freeze], custodian: str, parts: Mapping[int, bytes]
) -> list[Release]:
    """What a custodian releases for a frozen set: its whole parts, on their pages."""
    body = freeze.body
    return [
        Release(
            study=body.study,
            round_number=body.round_number,
            round_id=body.round_id,
            freeze_digest=freeze.digest,
            page=page,
            parts=slices,
            custodian=custodian,
        )
        for page, slices in enumerate(cut(parts))
    ]


def check_page(release: Release, held: tuple[int, ...], part_bytes: int) -> None:
    """Check that a page of a release is one of this custodian's, with slices of the right length.

    Args:
        release: The page.
        held: The parts that its signer holds, ascending.
        part_bytes: Length of each part for the frozen set.

    Raises:
        Rejected: `release-parts`, `release-page`, `release-length`.
    """
    if tuple(part.part for part in release.parts) != held:
        raise Rejected("release-parts", f"expected the parts that {release.custodian!r} holds")
    pages = release_pages(len(held), part_bytes)
    if release.page >= pages:
        raise Rejected("release-page", f"expected a page below {pages}, got {release.page}")
    size = _slice_bytes(len(held))
    expected = min(size, part_bytes - release.page * size)
    for part in release.parts:
        if len(part.share) != expected:
            raise Rejected("release-length", f"expected {expected} bytes, got {len(part.share)}")


def joined(pages: Iterable[Release]) -> dict[int, bytes]:
    """The whole parts of one custodian from all its pages, in any order."""
    slices: dict[int, list[bytes]] = {}
    for release in sorted(pages, key=lambda one: one.page):
        for part in release.parts:
            slices.setdefault(part.part, []).append(part.share)
    return {part: b"".join(shares) for part, shares in slices.items()}


def _slice_bytes(part_count: int) -> int:
    return PAGE_BYTES // part_count // _SLICE_UNIT * _SLICE_UNIT
