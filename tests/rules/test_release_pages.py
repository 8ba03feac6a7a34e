"""Releases on pages: cut alike by everybody, whole again from all pages, and no page too many."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blindsum_crypto.custody import Committee
from blindsum_crypto.errors import Rejected
from blindsum_crypto.identity import Identity
from blindsum_protos.convert.signed import sign, signed_to_bytes
from blindsum_protos.limits import MAX_MESSAGE_BYTES
from blindsum_rules.release import (
    PAGE_BYTES,
    PartRelease,
    Release,
    check_page,
    cut,
    joined,
    release_pages,
)


def release(page: int, parts: tuple[PartRelease, ...]) -> Release:
    return Release("small-study", 0, bytes(32), bytes(32), page, parts, "custodian-0")


def pages_of(parts: dict[int, bytes]) -> list[Release]:
    return [release(page, slices) for page, slices in enumerate(cut(parts))]


@given(
    st.integers(1, 20),
    st.one_of(st.integers(1, 100_000), st.integers(1_000_000, 2_200_000)),
    st.integers(0, 100),
)
def test_pages_in_any_order_give_the_parts_again(count: int, length: int, first: int) -> None:
    parts = {1 << part: bytes([part]) * length for part in range(count)}
    pages = pages_of(parts)
    assert len(pages) == release_pages(count, length)
    for page in pages:
        check_page(page, tuple(parts), length)
        assert sum(len(part.share) for part in page.parts) <= PAGE_BYTES
    # Beginning anywhere and going backwards: they may arrive in any order.
    turned = [pages[(first - place) % len(pages)] for place in range(len(pages))]
    assert joined(turned) == parts


@pytest.mark.parametrize(("custodians", "threshold"), [(1, 1), (4, 2), (7, 3), (7, 4)])
@pytest.mark.parametrize("length", [30_720, 53_248, 32 * 700 * 301])
def test_every_page_fits_into_a_message(custodians: int, threshold: int, length: int) -> None:
    held = Committee(custodians, threshold).parts_of(0)
    identity = Identity(bytes(range(32)))
    for page in pages_of({part: bytes(length) for part in held}):
        assert len(signed_to_bytes(sign(page, "custodian-0", identity))) <= MAX_MESSAGE_BYTES


def test_the_release_of_ckks_is_one_page_at_the_recommended_committees() -> None:
    for custodians, threshold in ((1, 1), (4, 2), (7, 3)):
        held = Committee(custodians, threshold).parts_of(0)
        assert release_pages(len(held), 53_248) == 1


def test_a_page_that_is_none_of_the_custodians_is_rejected() -> None:
    length = PAGE_BYTES + 64
    held = (1, 2)
    first, second, third = pages_of({1: bytes(length), 2: bytes(length)})
    for page in (first, second, third):
        check_page(page, held, length)
    shorter = tuple(PartRelease(part.part, part.share[:-1]) for part in first.parts)
    for wrong, rule in (
        (replace(first, parts=first.parts[:1]), "release-parts"),
        (replace(first, parts=first.parts[::-1]), "release-parts"),
        (replace(first, page=3), "release-page"),
        (replace(first, page=2), "release-length"),
        (replace(third, page=0), "release-length"),
        (replace(first, parts=shorter), "release-length"),
    ):
        with pytest.raises(Rejected) as caught:
            check_page(wrong, held, length)
        assert caught.value.rule == rule
