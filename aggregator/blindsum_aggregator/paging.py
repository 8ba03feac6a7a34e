"""Step 4, the aggregator's half: page n of the headers, fixed once by a signature."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import Connection

from blindsum_aggregator.store.contributions import ContributionRow, change_contributions, unpaged
from blindsum_aggregator.store.messages import MessageKind, Place, add_message, count_messages
from blindsum_aggregator.store.rounds import RoundRow
from blindsum_aggregator.study import Study
from blindsum_rules.admission import HeaderPage

MAX_PAGE_BYTES: Final = 512 << 10
"""Most bytes of the duty that carries a page."""

_ENTRY_OVERHEAD_BYTES: Final = 64
_PAGE_OVERHEAD_BYTES: Final = 512
_MOST_ENTRIES: Final = MAX_PAGE_BYTES // (_ENTRY_OVERHEAD_BYTES + 64)


def make_page(study: Study, connection: Connection, row: RoundRow, *, flush: bool) -> bool:
    """Sign and remember one more page, if it is time for one.

    The page's number is the number of pages so far and its place is unique, so a second page n
    cannot come to be; custodians would refuse it (threat T31).

    Args:
        study: The study.
        connection: The transaction.
        row: The round.
        flush: Make a page of whatever waits; otherwise wait for a full one, or for
            `page_wait_seconds` since the earliest receipt.

    Returns:
        Whether a page was made.
    """
    waiting = unpaged(connection, study.name, row.number, _MOST_ENTRIES)
    entries = fitting(waiting)
    is_full = len(entries) < len(waiting)
    if not entries or not (flush or is_full or _is_due(study, waiting)):
        return False
    number = count_messages(connection, study.name, row.number, MessageKind.PAGE)
    page = HeaderPage(
        study=study.name,
        round_number=row.number,
        round_id=row.round_id,
        page=number,
        contribution_digests=tuple(entry.digest for entry in entries),
    )
    place = Place(study.name, row.number, MessageKind.PAGE, study.manifest.aggregator.name, number)
    add_message(connection, place, study.sign(page))
    clients = [entry.client for entry in entries]
    change_contributions(connection, study.name, row.number, clients, page=number)
    return True


def fitting(waiting: Sequence[ContributionRow]) -> list[ContributionRow]:
    """As many of the waiting, from the first, as one page message holds."""
    entries: list[ContributionRow] = []
    size = _PAGE_OVERHEAD_BYTES
    for row in waiting:
        size += row.entry_bytes + _ENTRY_OVERHEAD_BYTES
        if size > MAX_PAGE_BYTES:
            break
        entries.append(row)
    return entries


def _is_due(study: Study, waiting: Sequence[ContributionRow]) -> bool:
    earliest = min(row.received_unix or 0.0 for row in waiting)
    return study.clock() - earliest >= study.settings.page_wait_seconds
