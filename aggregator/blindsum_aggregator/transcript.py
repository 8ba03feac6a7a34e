"""The transcript: every ended round as a folder of signed files, for whoever audits.

Written after the transaction that ended the round and before its payloads and sums are deleted; a
column says how far it is, so a killed aggregator files again. A file is there whole or not at all.
"""

from collections.abc import Iterable

from sqlalchemy import Connection

from blindsum_aggregator.durable import write_atomically
from blindsum_aggregator.filed_messages import outcome_files
from blindsum_aggregator.retention import keep_payloads, sweep_round
from blindsum_aggregator.store.contributions import members_of, receipted
from blindsum_aggregator.store.entries import forget_wraps
from blindsum_aggregator.store.messages import MessageKind, find_message, messages_of
from blindsum_aggregator.store.pair_tables import forget_pair_tables, pair_table_of
from blindsum_aggregator.store.rounds import (
    CLOSES_FILED,
    ENDED,
    NOTHING_FILED,
    OUTCOME_FILED,
    RoundRow,
    change_round,
    unfiled_rounds,
)
from blindsum_aggregator.study import Study
from blindsum_protos.convert.manifest import manifest_file_to_bytes
from blindsum_protos.convert.signed import signed_list_to_bytes
from blindsum_rules import transcript
from blindsum_rules.acceptance import Acceptance
from blindsum_rules.close import Close
from blindsum_rules.spec import SpecKind
from blindsum_rules.transitions import AggregatorState


class Filing:
    """Writes one study's transcript; its methods block, one at a time."""

    def __init__(self, study: Study) -> None:
        self._study = study

    def write_manifest(self) -> None:
        """Write manifest.pb."""
        data = manifest_file_to_bytes(self._study.signed_manifest, self._study.approval)
        self._write(transcript.MANIFEST, [data])

    def file_next(self) -> bool:
        """Write the earliest thing that is due.

        Returns:
            Whether something was written.
        """
        study = self._study
        for row in study.store.read(lambda connection: unfiled_rounds(connection, study.name)):
            filed = self._file(row)
            if filed is not None:
                self._mark(row, filed)
                return True
        return False

    def _file(self, row: RoundRow) -> int | None:
        """Write what is due of one round; how far the transcript then is, or None."""
        if row.kind is SpecKind.END:
            if row.state is not AggregatorState.OPEN:
                return None
            self._write_end(row)
            return CLOSES_FILED
        if row.filed == NOTHING_FILED and row.state in ENDED:
            self._write_outcome(row)
            return OUTCOME_FILED
        if row.filed == OUTCOME_FILED and row.state is AggregatorState.CLOSED:
            self._write_closes(row)
            return CLOSES_FILED
        return None

    def _mark(self, row: RoundRow, filed: int) -> None:
        def change(connection: Connection) -> None:
            change_round(connection, row, filed=filed)
            if filed == OUTCOME_FILED:
                forget_wraps(connection, row.study, row.number)
                forget_pair_tables(connection, row.study, row.number)

        self._study.store.write(change)
        if filed == OUTCOME_FILED:
            sweep_round(self._study, row.number)

    def _write_outcome(self, row: RoundRow) -> None:
        study, number = self._study, row.number
        files = study.store.read(lambda connection: outcome_files(study, connection, row))
        for name, data in files.items():
            self._write(transcript.round_file(number, name), [data])
        self._write(
            transcript.round_file(number, transcript.MODEL),
            [study.blobs.require(row.model_digest)],
        )
        self._write_pair_tables(row)
        if row.is_published:
            aggregate = study.blobs.require(row.commitment)
            self._write(transcript.round_file(number, transcript.AGGREGATE), [aggregate])
            self._write_sealed_sum(row)
        if study.settings.keep_payloads:
            keep_payloads(study, number)

    def _write_pair_tables(self, row: RoundRow) -> None:
        study = self._study
        if not row.freeze_digest:
            return
        spec = study.store.read(lambda connection: study.spec(connection, row.number))
        if not study.seal(spec).pair_table_bytes:
            return
        rows = study.store.read(lambda connection: receipted(connection, study.name, row.number))
        name = transcript.round_file(row.number, transcript.PAIR_TABLES)
        # One after the other: together they would be the largest thing in memory.
        self._write(name, (self._pair_table(row.number, one.client) for one in rows))

    def _pair_table(self, number: int, client: str) -> bytes:
        study = self._study
        return study.store.read(lambda c: pair_table_of(c, study.name, number, client))

    def _write_sealed_sum(self, row: RoundRow) -> None:
        study = self._study
        spec = study.store.read(lambda connection: study.spec(connection, row.number))
        members = study.store.read(lambda c: members_of(c, study.name, row.number))
        seal = study.seal(spec)
        sealed = study.engine.close(row.number, [study.upload(one) for one in members])
        name = transcript.round_file(row.number, transcript.SEALED_SUM)
        self._write(name, seal.sealed_chunks(sealed))

    def _write_closes(self, row: RoundRow) -> None:
        closes = self._study.store.read(
            lambda c: messages_of(c, row.study, row.number, MessageKind.CLOSE, Close)
        )
        name = transcript.round_file(row.number, transcript.CLOSES)
        self._write(name, [signed_list_to_bytes(closes)])

    def _write_end(self, row: RoundRow) -> None:
        study, kind = self._study, MessageKind.ACCEPTANCE
        acceptances = study.store.read(
            lambda c: messages_of(c, study.name, row.number, kind, Acceptance)
        )
        place = study.place(row.number, MessageKind.SPEC)
        spec = study.store.read(lambda connection: find_message(connection, place))
        self._write(transcript.end_file(transcript.SPEC), [spec or b""])
        self._write(
            transcript.end_file(transcript.ACCEPTANCES), [signed_list_to_bytes(acceptances)]
        )

    def _write(self, name: str, pieces: Iterable[bytes]) -> None:
        write_atomically(self._study.transcript / name, pieces)
