"""Pair tables of a masked round: those that the clients signed for, and nobody counted in dispute.

A dispute is a pair whose two ends state different h_ij (threat T30). The file holds the tables of
all filed contributions end to end, ascending by client; a seal without pairs has no such file.
"""

import hmac

from blindsum_auditor.files import read_exactly
from blindsum_auditor.journal import Journal
from blindsum_auditor.records import RoundRecord
from blindsum_auditor.report import Level
from blindsum_crypto.errors import Refused, Rejected
from blindsum_crypto.masking.pairs import pair_table_digest
from blindsum_crypto.seal import SealedMember, SumSeal
from blindsum_rules import transcript

_LEVEL = Level.SEALED
_CHECK = "pair-tables"
_DISPUTE = "pair-dispute"


def sealed_members(record: RoundRecord, seal: SumSeal) -> list[SealedMember]:
    """Every filed contribution with its pair table, ascending by client.

    Raises:
        Rejected: `missing-file`, `file-length`; `pair-table-digest`, when a table is not the one
            that its client signed for.
        Unavailable: `unreadable-file`.
    """
    headers = [one.body.core for one in record.contributions]
    size = seal.pair_table_bytes
    if not size:
        return [SealedMember(core.client) for core in headers]
    if transcript.PAIR_TABLES not in record.names:
        raise Rejected("missing-file", "expected this file under a seal with pairs")
    tables = read_exactly(record.folder / transcript.PAIR_TABLES, size * len(headers))
    members = []
    for place, core in enumerate(headers):
        table = tables[place * size : (place + 1) * size]
        if not hmac.compare_digest(pair_table_digest(table), core.pair_table_digest):
            raise Rejected(
                "pair-table-digest", f"expected the pair table that {core.client!r} sent"
            )
        members.append(SealedMember(core.client, core.self_commitment, table))
    return members


def check_pair_tables(record: RoundRecord, seal: SumSeal, journal: Journal) -> None:
    """Check the pair tables of a round that froze something, and its disputes."""
    if record.freeze is None:
        return
    file = record.file(transcript.PAIR_TABLES)
    if not seal.pair_table_bytes:
        if transcript.PAIR_TABLES in record.names:
            what = "unknown-file: expected no pair tables under a seal without pairs"
            journal.failed("files", file, what, _LEVEL)
        return
    holds = "those that the clients signed for, and whoever is left out for a dispute has to be"
    with journal.checking(_CHECK, file, holds, _LEVEL):
        frozen = record.freeze.body
        left_out = {left.client for left in frozen.left_out if left.rule == _DISPUTE}
        concerned = frozen.clients | left_out
        filed = [one for one in sealed_members(record, seal) if one.client in concerned]
        disputing = seal.disputing(filed)
        if disputing != left_out:
            raise Refused(
                _DISPUTE, f"expected {sorted(disputing)} to be left out, got {sorted(left_out)}"
            )
