"""What stands behind a page's digests: signed headers, and each custodian's wraps."""

from typing import Final

from sqlalchemy import Connection, and_, delete, select

from blindsum_aggregator.store.messages import MessageKind
from blindsum_aggregator.store.tables import CONTRIBUTIONS, MESSAGES, WRAPS

_C: Final = CONTRIBUTIONS.c


def headers_on_page(connection: Connection, study: str, number: int, page: int) -> dict[str, bytes]:
    """The signed headers of a page as their bytes, by client."""
    query = (
        select(_C.client, MESSAGES.c.signed)
        .join(
            MESSAGES,
            and_(
                MESSAGES.c.study == _C.study,
                MESSAGES.c.number == _C.number,
                MESSAGES.c.kind == MessageKind.CONTRIBUTION,
                MESSAGES.c.subject == _C.client,
            ),
        )
        .where(_C.study == study, _C.number == number, _C.page == page)
    )
    return {row.client: bytes(row.signed) for row in connection.execute(query)}


def wraps_on_page(
    connection: Connection, study: str, number: int, page: int, custodian: int
) -> dict[str, bytes]:
    """One custodian's wraps of a page, by client."""
    query = (
        select(WRAPS.c.client, WRAPS.c.wrap)
        .join(
            CONTRIBUTIONS,
            and_(
                _C.study == WRAPS.c.study,
                _C.number == WRAPS.c.number,
                _C.client == WRAPS.c.client,
            ),
        )
        .where(
            _C.study == study,
            _C.number == number,
            _C.page == page,
            WRAPS.c.custodian == custodian,
        )
    )
    return {row.client: bytes(row.wrap) for row in connection.execute(query)}


def forget_wraps(connection: Connection, study: str, number: int) -> None:
    """Delete the wraps of a round that has ended: nobody needs them any more."""
    connection.execute(delete(WRAPS).where(WRAPS.c.study == study, WRAPS.c.number == number))
