"""Pages of headers: fixed once, never too large, made when full, due or flushed."""

from collections.abc import Callable

import pytest
from sqlalchemy.exc import IntegrityError
from tests.aggregator.cast import Cast
from tests.aggregator.stage import Stage

from blindsum_aggregator.paging import MAX_PAGE_BYTES, fitting
from blindsum_aggregator.store.contributions import ContributionRow
from blindsum_aggregator.store.messages import MessageKind, Place, add_message
from blindsum_rules.admission import HeaderPage


def waiting(count: int, entry_bytes: int) -> list[ContributionRow]:
    return [
        ContributionRow(
            study="heart",
            number=0,
            client=f"client-{index:06d}",
            digest=bytes(32),
            payload_digest=bytes(32),
            payload_bytes=1,
            entry_bytes=entry_bytes,
            received_unix=1.0,
            page=None,
            admitted=0,
            admissions=0,
            denied_rule="",
            folded=False,
            damaged=False,
            member=False,
        )
        for index in range(count)
    ]


@pytest.mark.parametrize("entry_bytes", [500, 2_000, 6_000])
def test_a_page_holds_as_many_headers_as_fit(entry_bytes: int) -> None:
    rows = waiting(2_000, entry_bytes)

    entries = fitting(rows)

    used = sum(row.entry_bytes for row in entries)
    assert MAX_PAGE_BYTES * 0.85 < used <= MAX_PAGE_BYTES
    assert entries == rows[: len(entries)]


def test_a_receipted_contribution_waits_for_others_and_not_for_ever(
    cast: Cast, build_stage: Callable[..., Stage]
) -> None:
    stage = build_stage(cast, page_wait_seconds=7)
    stage.settle()
    stage.accept()
    stage.contribute(cast.clients[:2])
    assert stage.messages(MessageKind.PAGE, HeaderPage) == []

    stage.clock.turn(7)
    stage.settle()

    pages = stage.messages(MessageKind.PAGE, HeaderPage)
    assert [len(page.body.contribution_digests) for page in pages] == [2]


def test_the_last_page_is_made_when_the_collection_closes(stage: Stage, cast: Cast) -> None:
    stage.settle()
    stage.accept()
    stage.contribute(cast.clients[:2])
    stage.clock.turn(stage.settings.page_wait_seconds)
    stage.settle()
    stage.contribute(cast.clients[2:])

    pages = stage.messages(MessageKind.PAGE, HeaderPage)

    assert [page.body.page for page in pages] == [0, 1]
    listed = [digest for page in pages for digest in page.body.contribution_digests]
    assert sorted(listed) == sorted(one.contribution.digest for one in stage.sent.values())


def test_a_header_without_its_payload_stands_on_no_page(stage: Stage, cast: Cast) -> None:
    stage.settle()
    stage.accept()
    stage.submit(cast.contribute(stage.spec, cast.clients[0]))
    stage.contribute(cast.clients[1:3])
    stage.clock.turn(stage.settings.page_wait_seconds)
    stage.settle()

    (page,) = stage.messages(MessageKind.PAGE, HeaderPage)
    assert len(page.body.contribution_digests) == 2


def test_a_second_page_of_one_number_cannot_be_kept(stage: Stage, cast: Cast) -> None:
    stage.settle()
    stage.accept()
    stage.contribute()
    (page,) = stage.messages(MessageKind.PAGE, HeaderPage)
    other = HeaderPage("heart", 0, stage.row.round_id, 0, page.body.contribution_digests[:1])

    with pytest.raises(IntegrityError):
        stage.store.write(
            lambda connection: add_message(
                connection,
                Place("heart", 0, MessageKind.PAGE, "aggregator", 0),
                cast.sign(other, "aggregator"),
            )
        )
