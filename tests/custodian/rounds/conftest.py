"""A small committee at work: the tests play aggregator, operator and clients, with real keys."""

# `**changes` replaces any field of a frozen value; its type is that field's.
# ruff: noqa: ANN401

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from blindsum_crypto.errors import Unavailable
from blindsum_crypto.keystore import KeyRing
from blindsum_crypto.randomness import SeededRandomness
from blindsum_custodian.accept import AcceptDuty
from blindsum_custodian.admit import AdmitDuty, HeaderEntry
from blindsum_custodian.custodian import Custodian, Duty
from blindsum_custodian.policy import CustodianPolicy
from blindsum_custodian.store.database import Store
from blindsum_protos.convert.signed import signed_from_bytes, signed_to_bytes
from blindsum_rules.admission import HeaderPage
from blindsum_rules.close import Close
from blindsum_rules.endorsement import Endorsement
from blindsum_rules.freeze import Freeze, Member
from blindsum_rules.freeze_checks import freeze_root
from blindsum_rules.manifest import (
    Approval,
    Manifest,
)
from blindsum_rules.refusal import Refusal
from blindsum_rules.seal_parameters import seal_parameters
from blindsum_rules.signed import BodyT, Signed
from blindsum_rules.spec import PreviousRound, Spec, SpecKind
from blindsum_rules.spec_checks import wrap_key_digests

if TYPE_CHECKING:
    from tests.custodian.conftest import People, Submission


@dataclass(repr=False)
class Play:
    """One study: what the aggregator would serve, and custodians with stores of their own."""

    people: "People"
    folder: Path
    policy: CustodianPolicy = field(default_factory=CustodianPolicy)
    now: float = 1_800_000_000
    published: dict[bytes, bytes] = field(default_factory=dict)
    running: dict[str, Custodian] = field(default_factory=dict)
    drawn: SeededRandomness = field(default_factory=lambda: SeededRandomness(b"play"))

    @property
    def study(self) -> Manifest:
        return self.people.manifest.body

    @property
    def clients(self) -> list[str]:
        return [client.name for client in self.study.clients]

    @property
    def names(self) -> list[str]:
        return [custodian.name for custodian in self.study.custodians]

    # ---- Custodians

    def paths(self, name: str) -> tuple[Path, Path]:
        return self.folder / name / "store" / "custodian.sqlite", self.folder / name / "instance"

    def custodian(self, name: str) -> Custodian:
        """The running custodian of that name, started for the first time if need be."""
        if name not in self.running:
            store_path, instance_path = self.paths(name)
            begin = Store.open if store_path.exists() else Store.create
            self.running[name] = self.seat(name, begin(store_path, instance_path))
        return self.running[name]

    def seat(self, name: str, store: Store) -> Custodian:
        officer = self.study.officer
        approval = None
        if officer is not None:
            body = Approval(self.study.study, self.people.manifest.digest)
            approval = self.people.sign(body, officer.name)
        return Custodian(
            manifest=self.people.manifest,
            approval=approval,
            key_ring=KeyRing(self.people.identities[name], self.people.wrap_keys[name]),
            store=store,
            fetch_signed=self.fetch,
            policy=self.policy,
            clock=lambda: self.now,
        )

    def stop(self, name: str) -> None:
        self.running.pop(name).store.close()

    def restart(self, name: str) -> Custodian:
        self.stop(name)
        return self.custodian(name)

    def perform(self, name: str, duty: Duty) -> tuple[Signed[Any], ...]:
        return self.custodian(name).perform(duty)

    def refused(self, name: str, duty: Duty) -> str:
        """The rule of the one refusal that comes instead of an answer."""
        (answer,) = self.perform(name, duty)
        assert isinstance(answer.body, Refusal), f"answered with {type(answer.body).__name__}"
        return answer.body.rule

    # ---- The aggregator

    def fetch(self, wanted: bytes) -> bytes:
        if wanted not in self.published:
            raise Unavailable("aggregator-unreachable", "expected an answer of the aggregator")
        return self.published[wanted]

    def publish(self, body: BodyT, signer: str = "aggregator") -> Signed[BodyT]:
        """Sign a body and serve it by its digest."""
        signed = self.people.sign(body, signer)
        self.published[signed.digest] = signed_to_bytes(signed)
        return signed

    def spec(self, **changes: Any) -> Signed[Spec]:
        """The spec of round 0, or what the changes make of it."""
        cohort = changes.get("cohort", tuple(self.clients))
        schedule = self.study.schedule
        deadline = int(self.now) + schedule.contribute_seconds
        spec = Spec(
            study=self.study.study,
            kind=SpecKind.ROUND,
            round_number=0,
            amendment_digest=self.people.manifest.digest,
            epoch=0,
            model_version=0,
            model_digest=self.study.initial_model_digest,
            previous=PreviousRound(self.people.manifest.digest),
            closes=(),
            endorsements=(),
            vector_length=self.study.vector_length,
            seal="ckks",
            parameters=seal_parameters(self.study, self.study.seals[0], len(cohort))
            if cohort
            else None,
            codec=self.study.codec,
            cohort=cohort,
            min_cohort=self.study.min_cohort,
            wrap_key_digests=wrap_key_digests(self.study),
            contribute_deadline_unix=deadline,
            release_deadline_unix=deadline + schedule.release_seconds,
        )
        return self.publish(replace(spec, **changes))

    def spec_after(
        self,
        before: Signed[Spec],
        closes: Sequence[Signed[Any]],
        endorsements: Sequence[Signed[Any]] = (),
        **changes: Any,
    ) -> Signed[Spec]:
        """The next spec; with endorsements it has a new model."""
        frozen = next((one.body.freeze_digest for one in closes if one.body.freeze_digest), b"")
        grown = before.body.model_version + bool(endorsements)
        commitment_of = self.people.mark("aggregate", frozen) if endorsements else b""
        fields: dict[str, Any] = {
            "round_number": before.body.round_number + 1,
            "model_version": grown,
            "model_digest": self.people.mark("model", grown)
            if endorsements
            else before.body.model_digest,
            "previous": PreviousRound(before.digest, frozen, commitment_of),
            "closes": tuple(sorted(closes, key=lambda one: one.signer)),
            "endorsements": tuple(sorted(endorsements, key=lambda one: one.signer)),
        }
        if endorsements:
            fields["model_digest"] = self.people.mark("model", grown)
        return self.spec(**(fields | changes))

    def end_after(
        self, before: Signed[Spec], closes: Sequence[Signed[Any]], **changes: Any
    ) -> Signed[Spec]:
        ending: dict[str, Any] = {
            "kind": SpecKind.END,
            "cohort": (),
            "wrap_key_digests": (),
            "contribute_deadline_unix": int(self.now),
            "release_deadline_unix": int(self.now),
        }
        return self.spec_after(before, closes, **(ending | changes))

    def page(
        self, spec: Signed[Spec], submissions: Iterable["Submission"], page: int = 0, **changes: Any
    ) -> Signed[HeaderPage]:
        body = HeaderPage(
            study=spec.body.study,
            round_number=spec.body.round_number,
            round_id=spec.digest,
            page=page,
            contribution_digests=tuple(one.contribution.digest for one in submissions),
        )
        return self.people.sign(replace(body, **changes), "aggregator")

    def admit_duty(
        self, name: str, page: Signed[HeaderPage], submissions: Iterable["Submission"]
    ) -> AdmitDuty:
        """What the custodian of that name gets: each header, and its own wrap."""
        index = self.study.custodian_index(name)
        entries = (HeaderEntry(one.contribution, one.wraps[index]) for one in submissions)
        return AdmitDuty(page, tuple(entries))

    def freeze(
        self, spec: Signed[Spec], submissions: Iterable["Submission"], **changes: Any
    ) -> Signed[Freeze]:
        members = tuple(
            Member(one.client, one.contribution.digest)
            for one in sorted(submissions, key=lambda one: one.client)
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

    def read_freeze(self, freeze_digest: bytes) -> Signed[Freeze]:
        return signed_from_bytes(Freeze, self.published[freeze_digest])

    # ---- Clients

    def submission(
        self, spec: Signed[Spec], client: str, signer: str | None = None, **changes: Any
    ) -> "Submission":
        return self.people.submission(spec, client, self.drawn, signer, **changes)

    def submissions(self, spec: Signed[Spec], clients: Iterable[str]) -> list["Submission"]:
        return [self.submission(spec, client) for client in clients]

    # ---- Steps of everybody

    def opened(self, name: str, spec: Signed[Spec], clients: Iterable[str]) -> list["Submission"]:
        """Let one custodian accept a spec and admit one page of these clients."""
        self.perform(name, AcceptDuty(spec))
        submissions = self.submissions(spec, clients)
        self.perform(name, self.admit_duty(name, self.page(spec, submissions), submissions))
        return submissions

    def endorsements_of(
        self, spec: Signed[Spec], freeze: Signed[Freeze], names: Iterable[str]
    ) -> tuple[Signed[Endorsement], ...]:
        """Endorsements that other custodians might have signed."""
        body = Endorsement(spec.body.study, spec.body.round_number, spec.digest, freeze.digest, "")
        return tuple(self.people.sign(body, name) for name in names)

    def closes_of(
        self,
        spec: Signed[Spec],
        freeze: Signed[Freeze] | None,
        names: Iterable[str],
        handed_to: bytes = b"",
    ) -> tuple[Signed[Close], ...]:
        """Closes that other custodians might have signed."""
        named = b"" if freeze is None else freeze.digest
        manifest_digest = self.people.manifest.digest
        body = Close(spec.body.study, spec.body.round_number, named, "", manifest_digest, handed_to)
        return tuple(self.people.sign(body, name) for name in names)


@pytest.fixture
def make_play(
    found: Callable[[int, int, int, int], "People"], tmp_path: Path
) -> Iterator[Callable[..., Play]]:
    """A study by (custodians, threshold, quorum, clients) and changes of its manifest."""
    made: list[Play] = []

    def make(
        custodians: int = 4, threshold: int = 2, quorum: int = 3, clients: int = 6, **changes: Any
    ) -> Play:
        people = found(custodians, threshold, quorum, clients)
        made.append(Play(people.with_manifest(**changes), tmp_path / f"play-{len(made)}"))
        return made[-1]

    yield make
    for play in made:
        for name in list(play.running):
            play.stop(name)


@pytest.fixture
def play(make_play: Callable[..., Play]) -> Play:
    """Four custodians, two open, three sign; six clients of six organisations."""
    return make_play()
