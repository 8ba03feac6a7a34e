"""The sealed sum recomputed from sealed bytes that nobody here can open (threats T16)."""

import hmac
from collections.abc import Iterator
from pathlib import Path

from blindsum_auditor.files import read_chunks
from blindsum_auditor.journal import Journal
from blindsum_auditor.records import RoundRecord
from blindsum_auditor.report import Level
from blindsum_crypto import domains
from blindsum_crypto.errors import BlindsumError, Refused, Rejected
from blindsum_crypto.log.merkle import root
from blindsum_crypto.primitives import DigestStream
from blindsum_crypto.seal import Accumulator, SumSeal
from blindsum_rules import transcript
from blindsum_rules.certificate import Certificate
from blindsum_rules.header import CoreHeader

_LEVEL = Level.SEALED
_SUM = "sealed-sum"
_RECOMPUTED = "sealed-sum-recomputed"
_DAMAGED = "spool-damaged"


class SealedCheck:
    """The checks of one round's sealed bytes.

    Memory: one accumulator of the vector's size; payloads are read once, chunk by chunk.

    Args:
        record: The round, its signatures verified.
        seal: The sums of the round's seal.
        journal: Where the findings are written.
    """

    def __init__(self, record: RoundRecord, seal: SumSeal, journal: Journal) -> None:
        self._record = record
        self._seal = seal
        self._journal = journal

    def check(self) -> None:
        """Check every payload that is kept, and the sealed sum of a published round."""
        recomputed = self._sum_of_payloads()
        if not self._record.is_published:
            return
        self._check_sum()
        self._check_recomputed(recomputed)

    def _check_sum(self) -> None:
        record, certificate = self._record, self._record.certificate
        file = record.file(transcript.SEALED_SUM)
        if transcript.SEALED_SUM not in record.names:
            self._journal.failed("files", file, "missing-file: expected this file", _LEVEL)
            return
        if certificate is None:
            why = f"rests on {record.file(transcript.CERTIFICATE)}, which is not believed"
            self._journal.not_checkable(_SUM, file, why, _LEVEL)
            return
        holds = "the sum whose Merkle root the certificate names"
        with self._journal.checking(_SUM, file, holds, _LEVEL):
            self._check_root(certificate.body)

    def _check_root(self, certificate: Certificate) -> None:
        chunks = list(self._chunks_of(self._record.folder / transcript.SEALED_SUM))
        if not hmac.compare_digest(root(chunks), certificate.sealed_sum_root):
            raise Rejected("sealed-sum-root", "expected the chunks that the certificate names")

    def _sum_of_payloads(self) -> Accumulator | None:
        """The sum of the members' payloads, or None unless each of them is here and whole."""
        record = self._record
        if not record.payloads:
            return None
        headers = {one.body.core.client: one.body.core for one in record.contributions}
        members = frozenset() if record.freeze is None else record.freeze.body.clients
        accumulator = self._seal.zero()
        whole = record.freeze is not None
        clients = sorted((record.payloads.keys() | headers.keys()) - self._damaged())
        for client in clients:
            into = accumulator if client in members else None
            whole = self._check_payload(client, headers.get(client), into) and whole
        if whole:
            place = f"{transcript.round_folder(record.number)}/{transcript.PAYLOADS}"
            what = (
                f"{len(clients)} of {len(clients)} are the sealed bytes that their clients signed"
            )
            self._journal.holds("payloads", place, what, _LEVEL)
        return accumulator if whole else None

    def _damaged(self) -> frozenset[str]:
        """Clients who were left out because the aggregator's disk lost bytes of theirs."""
        freeze = self._record.freeze
        left_out = () if freeze is None else freeze.body.left_out
        damaged = frozenset(one.client for one in left_out if one.rule == _DAMAGED)
        for client in sorted(damaged):
            file = transcript.payload_file(self._record.number, client)
            why = "left out of the set because its bytes were damaged: they are not compared"
            self._journal.not_checkable("payloads", file, why, _LEVEL)
        return damaged

    def _check_payload(
        self, client: str, header: CoreHeader | None, accumulator: Accumulator | None
    ) -> bool:
        file = transcript.payload_file(self._record.number, client)
        path = self._record.payloads.get(client)
        if path is None:
            what = "missing-file: expected this file, as other payloads of the round are kept"
            self._journal.failed("files", file, what, _LEVEL)
            return False
        try:
            if header is None:
                raise Rejected("unknown-file", "expected payloads of filed contributions only")
            self._add_payload(path, header, accumulator)
        except BlindsumError as error:
            self._journal.failed("payloads", file, str(error), _LEVEL)
            return False
        return True

    def _add_payload(self, path: Path, header: CoreHeader, accumulator: Accumulator | None) -> None:
        """Check a payload against its header, and add it where it belongs to the set."""
        stream = DigestStream(domains.PAYLOAD)
        for index, chunk in enumerate(self._chunks_of(path)):
            stream.update(chunk)
            if accumulator is None:
                self._seal.check_chunk(index, chunk)
            else:
                self._seal.add(accumulator, index, chunk)
        if not hmac.compare_digest(stream.digest(), header.payload_digest):
            raise Rejected("payload-digest", "expected the sealed bytes that the client signed")

    def _check_recomputed(self, recomputed: Accumulator | None) -> None:
        record = self._record
        file = record.file(transcript.SEALED_SUM)
        if recomputed is None:
            why = "not every member's payload is kept here and whole: only the root was compared"
            self._journal.not_checkable(_RECOMPUTED, file, why, _LEVEL)
            return
        if transcript.SEALED_SUM not in record.names:
            return
        chunks = -(-self._seal.payload_bytes // self._seal.chunk_bytes)
        holds = f"all {chunks} of {chunks} chunks are the sums of the members' payloads"
        with self._journal.checking(_RECOMPUTED, file, holds, _LEVEL):
            self._check_equal(recomputed)

    def _check_equal(self, recomputed: Accumulator) -> None:
        held = self._chunks_of(self._record.folder / transcript.SEALED_SUM)
        expected = self._seal.sealed_chunks(recomputed)
        for index, (chunk, sum_of_chunks) in enumerate(zip(held, expected, strict=True)):
            if not hmac.compare_digest(chunk, sum_of_chunks):
                raise Refused(
                    "sealed-sum-recomputed",
                    f"expected chunk {index} to be the sum of the members' payloads",
                )

    def _chunks_of(self, path: Path) -> Iterator[bytes]:
        return read_chunks(path, self._seal.payload_bytes, self._seal.chunk_bytes)
