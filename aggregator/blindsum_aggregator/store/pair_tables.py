"""Pair tables on disk, and what an opening needs of each member; no rows without pairs."""

from collections.abc import Iterable

from sqlalchemy import Connection, delete, insert, select

from blindsum_aggregator.store.messages import MessageKind, messages_of
from blindsum_aggregator.store.tables import PAIR_TABLES
from blindsum_crypto.seal import SealedMember
from blindsum_rules.header import Contribution, CoreHeader

_T = PAIR_TABLES.c


def add_pair_table(connection: Connection, core: CoreHeader, pair_table: bytes) -> None:
    """Remember a checked pair table; an empty one leaves no row."""
    if pair_table:
        connection.execute(
            insert(PAIR_TABLES).values(
                study=core.study,
                number=core.round_number,
                client=core.client,
                pair_table=pair_table,
            )
        )


def pair_tables_of(connection: Connection, study: str, number: int) -> dict[str, bytes]:
    """The pair tables of a round, by client."""
    query = select(_T.client, _T.pair_table).where(_T.study == study, _T.number == number)
    return {row.client: bytes(row.pair_table) for row in connection.execute(query)}


def sealed_members(
    connection: Connection, study: str, number: int, clients: Iterable[str], *, with_pairs: bool
) -> list[SealedMember]:
    """What an opening needs of these clients beside their payloads, ascending.

    A seal without pairs needs their names alone, and no header is read again for it.
    """
    if not with_pairs:
        return [SealedMember(client) for client in sorted(clients)]
    tables = pair_tables_of(connection, study, number)
    kind = MessageKind.CONTRIBUTION
    headers = {
        one.signer: one.body.core
        for one in messages_of(connection, study, number, kind, Contribution)
    }
    return [
        SealedMember(client, headers[client].self_commitment, tables[client])
        for client in sorted(clients)
    ]


def forget_pair_tables(connection: Connection, study: str, number: int) -> None:
    """Delete the pair tables of a round that is filed."""
    connection.execute(delete(PAIR_TABLES).where(_T.study == study, _T.number == number))
