"""A hostile aggregator: it holds the aggregator's key, signs what it likes and keeps every upload.

What it does not have is the custodians' and the clients' keys. It opens sums with the code of the
honest aggregator, because nothing else is needed once it has the parts.
"""

# `**changes` replaces any field of a frozen value; its type is that field's.
# ruff: noqa: ANN401

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from tests.adversarial.people import NOW, People

from blindsum_aggregator.combining import Opened, Sealed, open_sum
from blindsum_aggregator.seals import aggregator_seal
from blindsum_client.sealing import SealedContribution
from blindsum_crypto import domains
from blindsum_crypto.errors import Unavailable
from blindsum_crypto.primitives import digest
from blindsum_crypto.seal import SealedMember
from blindsum_custodian.admit import AdmitDuty, HeaderEntry
from blindsum_protos.convert.signed import signed_to_bytes
from blindsum_rules.admission import HeaderPage
from blindsum_rules.close import Close
from blindsum_rules.endorsement import Endorsement
from blindsum_rules.freeze import Freeze, Member
from blindsum_rules.freeze_checks import freeze_root
from blindsum_rules.header import Contribution
from blindsum_rules.manifest import Manifest
from blindsum_rules.release import Release, joined
from blindsum_rules.seal_parameters import seal_parameters
from blindsum_rules.signed import BodyT, Signed
from blindsum_rules.spec import PreviousRound, Spec, SpecKind
from blindsum_rules.spec_checks import wrap_key_digests

Integers = npt.NDArray[np.int64]
GATES = frozenset(
    {"residual-gate", "range-gate", "padding-gate", "self-commitment", "pair-commitment"}
)
"""The rules by which a sum does not open, because parts and payloads do not belong together."""


@dataclass(frozen=True, eq=False)
class Sent:
    """What one client sent, and the integers that only the test may know."""

    sealed: SealedContribution
    values: Integers

    @property
    def contribution(self) -> Signed[Contribution]:
        return self.sealed.contribution

    @property
    def client(self) -> str:
        return self.contribution.body.core.client


@dataclass
class HostileAggregator:
    """The aggregator's key, and everything that it would serve by digest."""

    people: People
    now: float = float(NOW)
    published: dict[bytes, bytes] = field(default_factory=dict)

    @property
    def study(self) -> Manifest:
        return self.people.study

    def publish(self, body: BodyT) -> Signed[BodyT]:
        """Sign a body in the aggregator's name and serve it by its digest."""
        signed = self.people.sign(body, "aggregator")
        self.published[signed.digest] = signed_to_bytes(signed)
        return signed

    def fetch(self, wanted: bytes) -> bytes:
        """What a custodian gets that asks for a digest."""
        if wanted not in self.published:
            raise Unavailable("aggregator-unreachable", "expected an answer of the aggregator")
        return self.published[wanted]

    # ---- specs

    def spec(self, **changes: Any) -> Signed[Spec]:
        """The spec of round 0, or what the changes make of it."""
        study = self.study
        cohort = changes.get("cohort", self.people.clients)
        deadline = int(self.now) + study.schedule.contribute_seconds
        spec = Spec(
            study=study.study,
            kind=SpecKind.ROUND,
            round_number=0,
            amendment_digest=self.people.manifest.digest,
            epoch=0,
            model_version=0,
            model_digest=study.initial_model_digest,
            previous=PreviousRound(self.people.manifest.digest),
            closes=(),
            endorsements=(),
            vector_length=study.vector_length,
            seal=study.seals[0],
            parameters=seal_parameters(study, study.seals[0], len(cohort)) if cohort else None,
            codec=study.codec,
            cohort=cohort,
            min_cohort=study.min_cohort,
            wrap_key_digests=wrap_key_digests(study),
            contribute_deadline_unix=deadline,
            release_deadline_unix=deadline + study.schedule.release_seconds,
        )
        return self.publish(replace(spec, **changes))

    def spec_after(
        self,
        before: Signed[Spec],
        closes: Sequence[Signed[Close]],
        endorsements: Sequence[Signed[Endorsement]] = (),
        **changes: Any,
    ) -> Signed[Spec]:
        """The next spec: of the same model, or, with endorsements, of a new one."""
        frozen = next((one.body.freeze_digest for one in closes if one.body.freeze_digest), b"")
        grown = bool(endorsements)
        version = before.body.model_version + grown
        made_up = digest(domains.MODEL, b"made up", before.digest)
        fields: dict[str, Any] = {
            "round_number": before.body.round_number + 1,
            "model_version": version,
            "model_digest": made_up if grown else before.body.model_digest,
            "previous": PreviousRound(before.digest, frozen, made_up if grown else b""),
            "closes": tuple(sorted(closes, key=lambda one: one.signer)),
            "endorsements": tuple(sorted(endorsements, key=lambda one: one.signer)),
        }
        return self.spec(**(fields | changes))

    # ---- pages and freezes

    def page(
        self, spec: Signed[Spec], sent: Iterable[Sent], page: int = 0, **changes: Any
    ) -> Signed[HeaderPage]:
        body = HeaderPage(
            study=spec.body.study,
            round_number=spec.body.round_number,
            round_id=spec.digest,
            page=page,
            contribution_digests=tuple(one.contribution.digest for one in sent),
        )
        return self.publish(replace(body, **changes))

    def admit_duty(
        self, custodian: str, page: Signed[HeaderPage], sent: Iterable[Sent]
    ) -> AdmitDuty:
        """What the custodian of that name gets: each header, and its own wrap."""
        index = self.study.custodian_index(custodian)
        entries = (HeaderEntry(one.contribution, one.sealed.wraps[index]) for one in sent)
        return AdmitDuty(page, tuple(entries))

    def freeze(self, spec: Signed[Spec], sent: Iterable[Sent], **changes: Any) -> Signed[Freeze]:
        members = tuple(
            Member(one.client, one.contribution.digest)
            for one in sorted(sent, key=lambda one: one.client)
        )
        body = Freeze(
            study=spec.body.study,
            round_number=spec.body.round_number,
            round_id=spec.digest,
            members=members,
            root=freeze_root(changes.get("members", members)),
            left_out=(),
        )
        return self.publish(replace(body, **changes))

    # ---- opening: the one place that knows the aggregator's half of a seal

    def open(
        self, spec: Signed[Spec], sent: Iterable[Sent], releases: Iterable[Signed[Release]]
    ) -> Integers:
        """Add the payloads of some clients, and open the sum with what custodians released.

        Raises:
            Refused, Rejected, Aborted: as the honest aggregator's opener.
        """
        return self.opening(spec, sent, releases).values

    def opening(
        self, spec: Signed[Spec], sent: Iterable[Sent], releases: Iterable[Signed[Release]]
    ) -> Opened:
        """The same, with what it says of the custodians whose parts differ."""
        members = list(sent)
        seal = aggregator_seal(spec, self.study)
        accumulator = seal.zero()
        for one in members:
            payload = one.sealed.payload
            for chunk in range(-(-len(payload) // seal.chunk_bytes)):
                start = chunk * seal.chunk_bytes
                seal.add(accumulator, chunk, payload[start : start + seal.chunk_bytes])
        pages = list(releases)
        released = {
            self.study.custodian_index(name): joined(
                one.body for one in pages if one.signer == name
            )
            for name in {one.signer for one in pages}
        }
        frozen = [
            SealedMember(
                one.client,
                one.contribution.body.core.self_commitment,
                one.sealed.pair_table,
            )
            for one in sorted(members, key=lambda one: one.client)
        ]
        return open_sum(Sealed(seal, accumulator, frozen), self.study.committee, released)
