"""Answering: a client's part in a statistic study, and what the answers of all came to.

A result is read from an aggregate only when its commitment stands in a next spec that this client
followed, like the model of a study that trains (threat T32).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from blindsum_client.following import Follower
from blindsum_client.memory import Memory
from blindsum_client.records import Records
from blindsum_client.round import Round
from blindsum_client.statistics import check_records, encode_statistic
from blindsum_client.transport import Transport
from blindsum_crypto.errors import Refused
from blindsum_crypto.randomness import Randomness
from blindsum_rules.freeze import Freeze
from blindsum_rules.manifest import Manifest, StudyKind
from blindsum_rules.signed import Signed
from blindsum_rules.spec import Spec
from blindsum_rules.statistics.answered import query_of
from blindsum_rules.statistics.query import Query
from blindsum_rules.statistics.result import StatisticResult, read_result


@dataclass(frozen=True, slots=True)
class Answering:
    """Answers the queries of the manifest, and reads what they came to.

    Attributes:
        manifest: The verified manifest.
        follower: Knows which round this client stands on.
        memory: Knows the specs that it followed.
        transport: Where specs and freezes come from, by digest.
        randomness: For rounding and noise.
    """

    manifest: Manifest
    follower: Follower
    memory: Memory
    transport: Transport
    randomness: Randomness

    def query(self, round_: Round) -> Query:
        """What the manifest asks in this round.

        Raises:
            Refused: `study-kind`, when the study trains a model; `stale-round`, when another round
                has been followed since.
        """
        self._check_kind()
        version = self.follower.standing_on(round_).spec.body.model_version
        return query_of(self.manifest, version)

    def check_records(self, records: Records) -> None:
        """Check, before any round, that a private study sums all records of this site's table.

        Raises:
            Refused: `units-per-client`, when the table has more, whatever their windows.
            Rejected: `records-column`, `records-length`.
        """
        check_records(records, self.manifest)

    def answer(self, round_: Round, records: Records) -> npt.NDArray[np.int64]:
        """Make the integers that `Client.contribute` seals; they stay with the caller.

        Args:
            round_: The round.
            records: The site's records; where the query names no date column, those of its window.

        Returns:
            int64, shape (the manifest's vector_length,): exact sums; in a private study, with
            noise, and of the records that the query permits.

        Raises:
            Refused: `study-kind`, `stale-round`; without noise `query-range` and
                `query-max-records`.
            Rejected: `records-column`, `records-length`.
        """
        self._check_kind()
        version = self.follower.standing_on(round_).spec.body.model_version
        return encode_statistic(version, records, self.manifest, self.randomness)

    def results(self) -> tuple[StatisticResult, ...]:
        """The answers that the specs followed so far bind, in the order of the queries.

        The last one comes once `Client.rounds` has seen the end of the study.

        Raises:
            Refused: `study-kind`.
            Rejected: `fetched-digest`, `aggregate-length`, `aggregate-commitment`, when the
                aggregator serves something else than what the specs bind.
            Unavailable: when the network gave no answer.
        """
        self._check_kind()
        return tuple(self._read(spec) for spec in self._binding())

    def _check_kind(self) -> None:
        if self.manifest.kind is not StudyKind.STATISTIC:
            raise Refused("study-kind", "expected a statistic study, got one that trains a model")

    def _binding(self) -> Iterator[Signed[Spec]]:
        """The specs whose version is one more than the one before: each binds an answer."""
        version = 0
        for number in range(1, self.follower.round_number + 1):
            round_id = self.memory.round_id(number)
            if round_id is None:
                continue  # None of its specs was followed, so none of its answers is believed.
            spec = self.transport.signed(Spec, round_id)
            if spec.body.model_version > version:
                yield spec
            version = spec.body.model_version

    def _read(self, spec: Signed[Spec]) -> StatisticResult:
        aggregate = self.follower.chain.aggregate_before(spec)
        # A quorum endorsed the freeze of this digest: the version would not have grown without it.
        freeze = self.transport.signed(Freeze, spec.body.previous.freeze_digest)
        members = tuple(member.client for member in freeze.body.members)
        version = spec.body.model_version - 1
        manifest = self.follower.manifests.at(spec.body.round_number - 1).body
        return read_result(manifest, version, aggregate.values, members)
