"""The opening repeated, for those who may see the sum: releases, twins, aggregate, commitment."""

import hmac

import numpy as np

from blindsum_auditor.bound import bodies_of, check_bound
from blindsum_auditor.files import read_exactly
from blindsum_auditor.journal import Journal
from blindsum_auditor.pair_tables import sealed_members
from blindsum_auditor.records import RoundRecord
from blindsum_auditor.report import Level
from blindsum_auditor.seals import opening_seal
from blindsum_crypto.errors import BlindsumError, Refused, Rejected
from blindsum_rules import transcript
from blindsum_rules.aggregate import SALT_BYTES, Aggregate, decode_aggregate
from blindsum_rules.certificate import Certificate
from blindsum_rules.freeze import Freeze
from blindsum_rules.manifest import Manifest
from blindsum_rules.release import check_page, joined, release_pages
from blindsum_rules.signed import Signed
from blindsum_rules.spec import Spec

_LEVEL = Level.ENTITLED


class OpeningCheck:
    """The checks of one round's releases and aggregate.

    Args:
        record: The round, its signatures verified.
        spec: The round's spec.
        manifest: The verified manifest.
        journal: Where the findings are written.
    """

    def __init__(
        self, record: RoundRecord, spec: Signed[Spec], manifest: Manifest, journal: Journal
    ) -> None:
        self._record = record
        self._spec = spec
        self._manifest = manifest
        self._journal = journal

    def check(self) -> Aggregate | None:
        """Check the releases, and open a published round's sum once more.

        Returns:
            The aggregate that the certificate commits to, or None.
        """
        record = self._record
        self._check_releases()
        if not record.is_published:
            return None
        certificate, freeze = record.certificate, record.freeze
        file = record.file(transcript.AGGREGATE)
        if certificate is None or freeze is None:
            why = "rests on a certificate and a freeze, which are not believed"
            self._journal.not_checkable("aggregate", file, why, _LEVEL)
            return None
        aggregate = self._committed(certificate.body)
        self._check_twins(certificate.body)
        if aggregate is not None:
            with self._journal.checking(
                "opening", file, "the sealed sum opens to it under the released parts", _LEVEL
            ):
                self._check_opened(aggregate, certificate.body, freeze.body)
        return aggregate

    def _check_releases(self) -> None:
        record = self._record
        file = record.file(transcript.RELEASES)
        if transcript.RELEASES not in record.names:
            if record.is_published:
                self._journal.failed("files", file, "missing-file: expected this file", _LEVEL)
            return
        holds = (
            f"{len(record.releases)}, each for this freeze and for the parts that its signer holds"
        )
        with self._journal.checking("releases", file, holds, _LEVEL):
            check_bound(bodies_of(record.releases), self._spec)
            self._check_pages()
            if record.certificate is not None:
                self._check_listed(record.certificate.body)

    def _check_listed(self, certificate: Certificate) -> None:
        compared = [one for one in self._record.releases if one.signer in _compared(certificate)]
        absent = _compared(certificate) - {one.signer for one in compared}
        if absent:
            raise Rejected("certificate-lists", f"expected releases of {sorted(absent)} too")
        if tuple(sorted({one.digest for one in compared})) != certificate.release_digests:
            raise Rejected("certificate-lists", "expected the releases that the certificate lists")

    def _check_pages(self) -> None:
        """Check that every signer's pages are here, each once, with its parts of U's length."""
        record, committee = self._record, self._manifest.committee
        if record.freeze is None:
            raise Refused("wrong-freeze", "expected releases for the round's freeze")
        seal = opening_seal(self._spec, self._manifest)
        part_bytes = seal.part_bytes(len(record.freeze.body.members))
        seen: dict[str, list[int]] = {}
        for release in record.releases:
            if not hmac.compare_digest(release.body.freeze_digest, record.freeze.digest):
                raise Refused("wrong-freeze", "expected releases for the round's freeze")
            held = committee.parts_of(self._manifest.custodian_index(release.signer))
            check_page(release.body, held, part_bytes)
            pages = seen.setdefault(release.signer, [])
            if release.body.page in pages:
                raise Rejected("repeated-signer", f"expected each page of {release.signer!r} once")
            pages.append(release.body.page)
            # In the file by page, then signer: each signer's pages ascend from 0.
            if pages != list(range(len(pages))):
                raise Rejected("release-page", f"expected the pages of {release.signer!r} in order")
        for signer, pages in seen.items():
            held = committee.parts_of(self._manifest.custodian_index(signer))
            if len(pages) != release_pages(len(held), part_bytes):
                raise Rejected("release-page", f"expected every page of {signer!r}")

    def _committed(self, certificate: Certificate) -> Aggregate | None:
        """The aggregate of the folder, if it is the one that was committed to."""
        file = self._record.file(transcript.AGGREGATE)
        if transcript.AGGREGATE not in self._record.names:
            self._journal.failed("files", file, "missing-file: expected this file", _LEVEL)
            return None
        length = self._spec.body.vector_length
        path = self._record.folder / transcript.AGGREGATE
        try:
            aggregate = decode_aggregate(read_exactly(path, SALT_BYTES + 8 * length), length)
            aggregate.check_commitment(certificate.aggregate_commitment)
        except BlindsumError as error:
            self._journal.failed("aggregate", file, str(error), _LEVEL)
            return None
        self._journal.holds("aggregate", file, "what the certificate commits to", _LEVEL)
        return aggregate

    def _released(self, signer: str) -> dict[int, bytes]:
        """The whole parts that one custodian released."""
        return joined(one.body for one in self._record.releases if one.signer == signer)

    def _parts(self, certificate: Certificate) -> dict[int, bytes]:
        """The parts of the custodians that opened the sum; of twins, the first."""
        parts: dict[int, bytes] = {}
        for signer in certificate.opened_by:
            parts = self._released(signer) | parts
        return parts

    def _check_twins(self, certificate: Certificate) -> None:
        file = self._record.file(transcript.RELEASES)
        holds = "twins gave equal bytes, save those whom the certificate names"
        with self._journal.checking("twins", file, holds, _LEVEL):
            parts = self._parts(certificate)
            differing = tuple(
                signer
                for signer in sorted(_compared(certificate))
                if any(
                    not hmac.compare_digest(parts.get(part, b""), share)
                    for part, share in self._released(signer).items()
                )
            )
            if differing != certificate.disagreeing:
                raise Refused(
                    "twins-differ",
                    f"expected {list(certificate.disagreeing)} to differ, got {list(differing)}",
                )

    def _check_opened(self, aggregate: Aggregate, certificate: Certificate, freeze: Freeze) -> None:
        seal = opening_seal(self._spec, self._manifest)
        path = self._record.folder / transcript.SEALED_SUM
        accumulator = seal.load_sum(read_exactly(path, seal.payload_bytes))
        filed = sealed_members(self._record, seal)
        members = [one for one in filed if one.client in freeze.clients]
        opened = seal.open(accumulator, members, self._parts(certificate))
        if not np.array_equal(opened, aggregate.values):
            raise Refused("opening", "expected the sum that the sealed bytes open to")


def _compared(certificate: Certificate) -> frozenset[str]:
    """Whose releases were compared; one that came during the opening was compared with nothing."""
    return frozenset(certificate.opened_by) | frozenset(certificate.disagreeing)
