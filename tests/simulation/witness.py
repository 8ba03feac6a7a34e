"""What is seen in a simulated study after every step, held against the invariants."""

import hmac
from collections.abc import Mapping

import numpy as np
from sqlalchemy import select
from tests.simulation.hearing import Hearing
from tests.simulation.invariants import ROUND_ENDS, BrokenError, require
from tests.simulation.sites import Site
from tests.simulation.world import World

from blindsum_aggregator.store.messages import MessageKind
from blindsum_aggregator.store.rounds import RoundRow
from blindsum_aggregator.store.tables import EVIDENCE
from blindsum_auditor.report import Status
from blindsum_auditor.verify import verify
from blindsum_rules.aggregate import decode_aggregate
from blindsum_rules.certificate import Certificate
from blindsum_rules.freeze import Freeze
from blindsum_rules.signed import Signed
from blindsum_rules.transitions import AggregatorState, ClientState


class Witness(Hearing):
    """Sees and hears everything in a world, and holds it against the invariants."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._freezes: dict[int, Signed[Freeze]] = {}
        self._ends: dict[int, bytes] = {}
        self.published: set[int] = set()

    def check(self) -> None:
        """Look at everything that may have changed."""
        rows = self._world.aggregator.rows
        for row in rows:
            self._check_freeze(row)
            if row.commitment and row.number not in self.published:
                self._check_published(row)
                self.published.add(row.number)
            self._check_end(row)
        self._check_versions(rows)
        self._check_no_difference(rows)
        self._check_no_evidence()
        for site in self._world.sites.values():
            if site.has_acted:
                self._check_queue(site, rows)
                site.has_acted = False

    def _check_freeze(self, row: RoundRow) -> None:
        known = self._freezes.get(row.number)
        if known is not None:
            same = hmac.compare_digest(known.digest, row.freeze_digest)
            require(same, "ONE WORD", f"round {row.number} is frozen again")
            return
        if not row.freeze_digest:
            return
        (freeze,) = self._world.aggregator.messages(row.number, MessageKind.FREEZE, Freeze)
        self._freezes[row.number] = freeze
        names = [member.client for member in freeze.body.members]
        require(names == sorted(set(names)), "COUNTED ONCE", f"U of {row.number}: {names}")
        least = self._world.people.study.min_cohort
        require(len(names) >= least, "COUNTED ONCE", f"U of {row.number} has {len(names)} members")
        for member in freeze.body.members:
            sent = self._digests.get((row.number, member.client), b"")
            same = sent == member.contribution_digest
            require(same, "COUNTED ONCE", f"{member.client} did not contribute what is in U")
        told = set(names) | {one.client for one in freeze.body.left_out}
        for number, client in self._receipts:
            stands = number != row.number or client in told
            require(stands, "RECEIPTS", f"{client}'s receipt of {number} is not honoured")

    def _check_published(self, row: RoundRow) -> None:
        aggregator, people = self._world.aggregator, self._world.people
        (certificate,) = aggregator.messages(row.number, MessageKind.CERTIFICATE, Certificate)
        freeze = self._freezes[row.number]
        same = certificate.body.freeze_digest == freeze.digest
        require(same, "COUNTED ONCE", f"the certificate of {row.number} names another freeze")
        blob = aggregator.study.blobs.require(row.commitment)
        values = decode_aggregate(blob, people.study.vector_length).values
        expected = np.sum([people.one_hot(name) for name in freeze.body.clients], axis=0)
        if not np.array_equal(values, expected):
            counted = dict(zip(people.clients, values.tolist(), strict=False))
            what = f"round {row.number} counted {counted}, U is {sorted(freeze.body.clients)}"
            raise BrokenError("COUNTED ONCE", what)

    def _check_end(self, row: RoundRow) -> None:
        if row.state is AggregatorState.ABORTED or (row.rule and not row.commitment):
            require(row.rule in ROUND_ENDS, "NO GATE", f"round {row.number} ends by {row.rule}")
        end = row.commitment or row.rule.encode()
        if end:
            same = self._ends.setdefault(row.number, end) == end
            require(same, "ONE WORD", f"round {row.number} ends again")
        both = bool(row.commitment) and bool(row.rule)
        require(not both, "ONE WORD", f"round {row.number} is published and aborted")

    def _check_versions(self, rows: list[RoundRow]) -> None:
        version = 0
        for row in rows:
            same = row.model_version == version
            require(same, "NO DIFFERENCE", f"round {row.number} is of version {row.model_version}")
            version += bool(row.commitment) and self._world.shape.moves

    def _check_no_difference(self, rows: list[RoundRow]) -> None:
        versions = {row.number: row.model_version for row in rows}
        sets = [
            (versions[number], self._freezes[number].body.clients)
            for number in sorted(self._released)
        ]
        for index, (version, clients) in enumerate(sets):
            for other_version, others in sets[:index]:
                apart = clients == others or clients.isdisjoint(others)
                what = f"released in version {version}: {sorted(clients)} and {sorted(others)}"
                require(version != other_version or apart, "NO DIFFERENCE", what)

    def _check_no_evidence(self) -> None:
        query = select(EVIDENCE.c.subject, EVIDENCE.c.rule)
        found = self._world.aggregator.store.read(lambda c: c.execute(query).all())
        require(not found, "NO GATE", f"kept as evidence: {found}")

    def _check_queue(self, site: Site, rows: list[RoundRow]) -> None:
        for number in site.sealed:
            entry = site.entry(number)
            if entry is None:
                raise BrokenError("QUEUES", f"{site.name} has forgotten round {number}")
            holds = self._reasons(site.name, rows[number])[entry.state]
            if entry.state is ClientState.SEALED:
                holds = entry.payload_file.exists()
            require(holds, "QUEUES", f"{site.name}'s of {number} is {entry.state.value}")

    def _reasons(self, client: str, row: RoundRow) -> Mapping[ClientState, bool]:
        is_member = client in self._members(row.number)
        return {
            ClientState.SEALED: True,
            ClientState.SENT: (row.number, client) in self._receipts,
            ClientState.SETTLED: bool(row.commitment) and is_member,
            ClientState.FREED: row.state is AggregatorState.CLOSED,
        }

    def _members(self, number: int) -> frozenset[str]:
        freeze = self._freezes.get(number)
        return frozenset() if freeze is None else freeze.body.clients

    def check_heard(self) -> None:
        """Hold what clients believe against what happened."""
        rows = self._world.aggregator.rows
        for site in self._world.sites.values():
            for number, outcome in site.outcomes.items():
                happened = bool(rows[number].commitment) and site.name in self._members(number)
                what = f"{site.name} believes of round {number}: included is {outcome.included}"
                require(outcome.included == happened, "HEARD", what)

    def check_calm(self, begun: int) -> None:
        """What must have come of a study some time after the faults ceased.

        Args:
            begun: The newest round's number when they ceased.
        """
        require(max(self.published, default=-1) > begun, "GOES ON", f"nothing after {begun}")
        for site in self._world.sites.values():
            newest = site.client.standing.round_number
            for number in site.sealed:
                entry = site.entry(number)
                ended = entry is not None and entry.state in (
                    ClientState.SETTLED,
                    ClientState.FREED,
                )
                require(ended or number >= newest, "GOES ON", f"{site.name} queues {number} still")
        self._check_audit()

    def _check_audit(self) -> None:
        study = self._world.aggregator.study
        report = verify(study.transcript, study.signed_manifest.digest)
        failed = [finding for finding in report.findings if finding.status is Status.FAILED]
        told = "; ".join(f"{one.file}: {one.sentence}" for one in failed)
        require(report.rounds > 0 and not failed, "GOES ON", f"the audit finds {told}")
