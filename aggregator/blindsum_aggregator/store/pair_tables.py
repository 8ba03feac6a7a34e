"""Pair tables on disk, and what an opening needs of each member; no rows without pairs."""

from collections.abc import Iterable, Iterator

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


def pair_table_of(connection: Connection, study: str, number: int, client: str) -> bytes:
    """The pair table of one client; empty where there is none.

    A thousand tables are 64 MB: whoever wants them all reads one after the other.
    """
    of_client = (_T.study == study) & (_T.number == number) & (_T.client == client)
    row = connection.execute(select(_T.pair_table).where(of_client)).first()
    return b"" if row is None else bytes(row.pair_table)


def sealed_members(
    connection: Connection, study: str, number: int, clients: Iterable[str], *, with_pairs: bool
) -> Iterator[SealedMember]:
    """What an opening needs of these clients beside their payloads, ascending, one by one.

    A seal without pairs needs their names alone, and no header is read again for it.
    """
    commitments = _self_commitments(connection, study, number) if with_pairs else {}
    for client in sorted(clients):
        if with_pairs:
            table = pair_table_of(connection, study, number, client)
            yield SealedMember(client, commitments[client], table)
        else:
            yield SealedMember(client)


def _self_commitments(connection: Connection, study: str, number: int) -> dict[str, bytes]:
    kind = MessageKind.CONTRIBUTION
    return {
        one.signer: one.body.core.self_commitment
        for one in messages_of(connection, study, number, kind, Contribution)
    }


def forget_pair_tables(connection: Connection, study: str, number: int) -> None:
    """Delete the pair tables of a round that is filed."""
    connection.execute(delete(PAIR_TABLES).where(_T.study == study, _T.number == number))
