"""Step 3, the aggregator's half: header, resumable payload, durable commit, receipt.

Freeze and receipts are serialised: a receipt is given in a transaction of the one writer, and only
while the collection is open. Afterwards an upload gets a signed refusal.
"""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection

from blindsum_aggregator.store.contributions import (
    ContributionRow,
    add_contribution,
    change_contributions,
    count_received,
    find_by_digest,
    find_contribution,
)
from blindsum_aggregator.store.messages import MessageKind, add_message, one_message
from blindsum_aggregator.store.pair_tables import add_pair_table
from blindsum_aggregator.store.rounds import RoundRow, change_round, find_round
from blindsum_aggregator.study import Study
from blindsum_crypto.errors import Refused, Rejected
from blindsum_crypto.masking.pairs import pair_table_digest
from blindsum_rules.header import Contribution, CoreHeader, wrap_digest
from blindsum_rules.header_checks import check_core_header
from blindsum_rules.receipt import Receipt
from blindsum_rules.signed import Signed
from blindsum_rules.transitions import AggregatorState

MAX_WRAP_BYTES: Final = 4_096
"""Longest wrap; at (7,4) with the hybrid suite one has 1,776 bytes."""


@dataclass(frozen=True, slots=True)
class UploadState:
    """How far a contribution is.

    Attributes:
        committed_bytes: From here its client goes on.
        receipt: Once the whole payload is durable.
    """

    committed_bytes: int
    receipt: Signed[Receipt] | None = None


def take_header(
    study: Study,
    connection: Connection,
    signed: Signed[Contribution],
    wraps: Sequence[bytes],
    pair_table: bytes = b"",
) -> UploadState:
    """Check a header, its wraps and its pair table and remember them; again succeeds again.

    Raises:
        Refused: `stranger`; `revoked`; `unknown-round`; `second-contribution`, when the client sent
            another header in this round; `collection-closed`, `round-not-open`.
        Rejected: what `check_core_header` rejects; `wraps`, `wrap-length`, `wrap-digest`;
            `pair-table-length`, `pair-table-digest`.
    """
    core = signed.body.core
    spec = study.spec(connection, core.round_number)
    manifest = study.manifest_of(connection, core.round_number)
    check_core_header(signed, spec, manifest)
    _refuse_revoked(study, connection, core.client)
    _check_wraps(signed.body, wraps)
    _check_pair_table(core, pair_table, study.seal(spec).pair_table_bytes)
    known = find_contribution(connection, study.name, core.round_number, core.client)
    if known is not None:
        if not hmac.compare_digest(known.digest, signed.digest):
            raise Refused(
                "second-contribution",
                f"expected the one contribution of {core.client!r} to round {core.round_number}",
            )
        if known.received_unix is not None:
            return UploadState(known.payload_bytes, _receipt(study, connection, known))
    require_open(study, connection, core.round_number)
    if known is None:
        add_contribution(connection, signed, wraps)
        add_pair_table(connection, core, pair_table)
        place = study.place(core.round_number, MessageKind.CONTRIBUTION, core.client)
        add_message(connection, place, signed)
    return UploadState(study.spool.committed_bytes(core.round_number, core.client))


def find_upload(
    study: Study, connection: Connection, client: str, contribution_digest: bytes
) -> tuple[ContributionRow, Signed[Receipt] | None]:
    """The contribution that a payload stream belongs to, with its receipt if it has one.

    Raises:
        Refused: `unknown-contribution`, when this client sent no such header; `collection-closed`,
            `round-not-open`, unless it is receipted already.
    """
    row = find_by_digest(connection, study.name, contribution_digest)
    if row is None or row.client != client:
        raise Refused("unknown-contribution", "expected a header of this client first")
    if row.received_unix is not None:
        return row, _receipt(study, connection, row)
    require_open(study, connection, row.number)
    return row, None


def give_receipt(study: Study, connection: Connection, row: ContributionRow) -> Signed[Receipt]:
    """Receipt a payload that is whole, checked and durable; the quota closes the collection.

    Raises:
        Refused: `collection-closed`, `round-not-open`, when the freeze came first; `revoked`.
    """
    _refuse_revoked(study, connection, row.client)
    current = find_contribution(connection, row.study, row.number, row.client)
    if current is not None and current.received_unix is not None:
        return _receipt(study, connection, current)
    round_row = require_open(study, connection, row.number)
    now = study.clock()
    receipt = study.sign(
        Receipt(
            study=study.name,
            round_number=row.number,
            round_id=round_row.round_id,
            client=row.client,
            contribution_digest=row.digest,
            received_unix=int(now),
        )
    )
    add_message(connection, study.place(row.number, MessageKind.RECEIPT, row.client), receipt)
    change_contributions(connection, study.name, row.number, [row.client], received_unix=now)
    quota = study.manifest_of(connection, row.number).schedule.quota or round_row.invited
    if count_received(connection, study.name, row.number) >= min(quota, round_row.invited):
        change_round(connection, round_row, collection_closed_unix=now)
    return receipt


def require_open(study: Study, connection: Connection, number: int) -> RoundRow:
    """The round, if it still takes contributions.

    Raises:
        Refused: `round-not-open`, before a quorum accepted it; `collection-closed`, afterwards.
    """
    row = find_round(connection, study.name, number)
    if row is None or row.state is AggregatorState.PROPOSED:
        raise Refused("round-not-open", f"expected a round that a quorum accepted, got {number}")
    if row.state is not AggregatorState.OPEN or row.collection_closed_unix is not None:
        raise Refused("collection-closed", f"expected contributions to round {number} in time")
    return row


def _refuse_revoked(study: Study, connection: Connection, client: str) -> None:
    """Heed a revocation at once, also while it waits for the next spec."""
    if client in study.eras(connection).known.revoked:
        raise Refused("revoked", f"expected a client whose keys count, got {client!r}")


def _receipt(study: Study, connection: Connection, row: ContributionRow) -> Signed[Receipt]:
    place = study.place(row.number, MessageKind.RECEIPT, row.client)
    receipt = one_message(connection, place, Receipt)
    if receipt is None:
        raise Refused("unknown-contribution", f"expected a receipt of {row.client!r}")
    return receipt


def _check_wraps(contribution: Contribution, wraps: Sequence[bytes]) -> None:
    """Check the wraps against what the client signed, so that no custodian is blamed for them."""
    if len(wraps) != len(contribution.wrap_digests):
        raise Rejected("wraps", f"expected {len(contribution.wrap_digests)}, got {len(wraps)}")
    for wrap, signed_digest in zip(wraps, contribution.wrap_digests, strict=True):
        if len(wrap) > MAX_WRAP_BYTES:
            raise Rejected("wrap-length", f"expected at most {MAX_WRAP_BYTES} bytes")
        if not hmac.compare_digest(wrap_digest(wrap), signed_digest):
            raise Rejected("wrap-digest", "expected the wraps whose digests the client signed")


def _check_pair_table(core: CoreHeader, pair_table: bytes, expected_bytes: int) -> None:
    """Check the pair table against the header; under a seal without pairs there is none."""
    if len(pair_table) != expected_bytes:
        raise Rejected(
            "pair-table-length", f"expected {expected_bytes} bytes, got {len(pair_table)}"
        )
    if pair_table and not hmac.compare_digest(
        pair_table_digest(pair_table), core.pair_table_digest
    ):
        raise Rejected("pair-table-digest", "expected the pair table that the client signed for")
