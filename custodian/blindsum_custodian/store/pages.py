"""Pages of headers and the wraps that came with them, until their round is closed."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects.sqlite import insert

from blindsum_custodian.store.tables import HEADERS, PAGES
from blindsum_rules.admission import HeaderPage
from blindsum_rules.signed import Signed


@dataclass(frozen=True, slots=True)
class KeptHeader:
    """What is remembered of one contribution's header.

    Attributes:
        client: Who signed it.
        contribution_digest: Digest of the signed contribution, 32 bytes.
        core_digest: Digest of the core header that the wrap is bound to, 32 bytes.
        wrap: The wrap as it came, or None when the client was denied.
    """

    client: str
    contribution_digest: bytes
    core_digest: bytes
    wrap: bytes | None = field(repr=False)


def fixed_page(connection: Connection, study: str, round_number: int, page: int) -> bytes | None:
    """The digest by which page n of a round was fixed, or None."""
    return connection.scalar(
        select(PAGES.c.page_digest).where(
            PAGES.c.study == study, PAGES.c.round_number == round_number, PAGES.c.page == page
        )
    )


def fix_page(connection: Connection, page: Signed[HeaderPage]) -> None:
    """Fix page n by the first digest that comes for it."""
    connection.execute(
        insert(PAGES)
        .values(
            study=page.body.study,
            round_number=page.body.round_number,
            page=page.body.page,
            page_digest=page.digest,
        )
        .on_conflict_do_nothing()
    )


def keep_headers(
    connection: Connection, study: str, round_number: int, headers: Iterable[KeptHeader]
) -> None:
    """Remember the headers of a page; each client once in a round."""
    rows = [
        {
            "study": study,
            "round_number": round_number,
            "client": header.client,
            "contribution_digest": header.contribution_digest,
            "core_digest": header.core_digest,
            "wrap": header.wrap,
        }
        for header in headers
    ]
    if rows:
        connection.execute(insert(HEADERS), rows)


def kept_clients(
    connection: Connection, study: str, round_number: int, clients: Iterable[str]
) -> frozenset[str]:
    """Those of the clients that a header is remembered of in this round, denied ones too."""
    query = select(HEADERS.c.client).where(
        HEADERS.c.study == study,
        HEADERS.c.round_number == round_number,
        HEADERS.c.client.in_(list(clients)),
    )
    return frozenset(connection.scalars(query))


def admitted(connection: Connection, study: str, round_number: int) -> Mapping[str, bytes]:
    """Client id to contribution digest of everybody who was admitted to a round."""
    query = select(HEADERS.c.client, HEADERS.c.contribution_digest).where(
        HEADERS.c.study == study,
        HEADERS.c.round_number == round_number,
        HEADERS.c.wrap.is_not(None),
    )
    return {row.client: row.contribution_digest for row in connection.execute(query)}


def admitted_after(
    connection: Connection, study: str, round_number: int, client: str, limit: int
) -> Sequence[KeptHeader]:
    """The next admitted headers behind a client id (empty: from the start), ascending by id."""
    query = (
        select(HEADERS)
        .where(
            HEADERS.c.study == study,
            HEADERS.c.round_number == round_number,
            HEADERS.c.client > client,
            HEADERS.c.wrap.is_not(None),
        )
        .order_by(HEADERS.c.client)
        .limit(limit)
    )
    return [
        KeptHeader(row.client, row.contribution_digest, row.core_digest, row.wrap)
        for row in connection.execute(query)
    ]


def erase_headers(connection: Connection, study: str, round_number: int) -> None:
    """Delete a round's headers and wraps; the store overwrites them and then empties its log."""
    connection.execute(
        delete(HEADERS).where(HEADERS.c.study == study, HEADERS.c.round_number == round_number)
    )
