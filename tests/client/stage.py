"""Everybody but the client under test, in memory: the committee's word and the opened sums.

Nothing here is mocked away: messages are real bytes, signed and canonical; contributions are
unwrapped, summed and opened by the real seal.
"""

# ruff: noqa: ANN401

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from tests.client.people import CLIENTS, LAYOUT, NOW, build_manifest, build_people, initial_arrays
from tests.client.stage_calls import StageCalls
from tests.client.uploads import StagedRound, StoredUpload, open_sum

from blindsum_client.client import Client
from blindsum_client.joining import Membership
from blindsum_client.sealing import SealedContribution, Sealer
from blindsum_client.state_folder import StateFolder
from blindsum_crypto.primitives import digest
from blindsum_crypto.randomness import SeededRandomness
from blindsum_protos.convert.signed import signed_to_bytes
from blindsum_rules.acceptance import Acceptance
from blindsum_rules.aggregate import Aggregate
from blindsum_rules.amended_manifest import AmendedManifest
from blindsum_rules.certificate import Abort, Certificate
from blindsum_rules.close import Close
from blindsum_rules.endorsement import Endorsement
from blindsum_rules.freeze import Freeze, LeftOut, Member
from blindsum_rules.freeze_checks import freeze_root
from blindsum_rules.local_policy import ClientPolicy
from blindsum_rules.model import Model, encode_model, model_digest, model_salt
from blindsum_rules.next_model import next_model
from blindsum_rules.seal_parameters import seal_parameters
from blindsum_rules.signed import Signed
from blindsum_rules.spec import PreviousRound, Spec, SpecKind
from blindsum_rules.spec_checks import wrap_key_digests


class Stage:
    """The rest of a study: it plays honestly unless a test tells it otherwise."""

    def __init__(self, custodians: int = 4, threshold: int = 2, quorum: int = 3) -> None:
        self.people = build_people(custodians)
        self.manifest = self.people.sign(build_manifest(self.people, threshold, quorum), "operator")
        self.now = float(NOW)
        self.rounds: list[StagedRound] = []
        self.model: Model = LAYOUT.flatten(initial_arrays()).astype(np.float32)
        self.salt = b""
        self.signed: dict[bytes, bytes] = {}
        self.blobs: dict[bytes, bytes] = {
            self.manifest.body.initial_model_digest: encode_model(self.model)
        }
        self.calls = StageCalls(self)

    # ---- what the aggregator and the custodians say

    def spec(self, **changes: Any) -> Signed[Spec]:
        """The next spec as the rules want it, with a test's changes; not announced yet."""
        study = self.manifest.body
        cohort = changes.get("cohort", CLIENTS)
        now = int(self.now)
        body = Spec(
            study=study.study,
            kind=SpecKind.ROUND,
            round_number=len(self.rounds),
            amendment_digest=self.manifest.digest,
            epoch=0,
            model_version=self._version(),
            model_digest=model_digest(self.model, self.salt),
            previous=self._record(),
            closes=self.rounds[-1].closes if self.rounds else (),
            endorsements=self._earning_endorsements(),
            vector_length=study.vector_length,
            seal=study.seals[0],
            parameters=seal_parameters(study, study.seals[0], len(cohort)) if cohort else None,
            codec=study.codec,
            cohort=cohort,
            min_cohort=study.min_cohort,
            wrap_key_digests=wrap_key_digests(study),
            contribute_deadline_unix=now + study.schedule.contribute_seconds,
            release_deadline_unix=now
            + study.schedule.contribute_seconds
            + study.schedule.release_seconds,
        )
        return self.people.sign(replace(body, **changes), "aggregator")

    def accept(
        self, spec: Signed[Spec], count: int | None = None
    ) -> tuple[Signed[Acceptance], ...]:
        body = Acceptance(spec.body.study, spec.body.round_number, spec.digest, "")
        return tuple(self.people.sign(body, name) for name in self.custodians(count))

    def announce(
        self, spec: Signed[Spec], acceptances: Sequence[Signed[Acceptance]] | None = None
    ) -> StagedRound:
        accepted = self.accept(spec) if acceptances is None else tuple(acceptances)
        staged = StagedRound(spec, accepted, model=self.model)
        self.rounds.append(staged)
        self.keep(spec)
        return staged

    def open_round(self, **changes: Any) -> StagedRound:
        return self.announce(self.spec(**changes))

    def end_study(self, **changes: Any) -> StagedRound:
        now = int(self.now)
        fields: dict[str, Any] = {
            "kind": SpecKind.END,
            "cohort": (),
            "wrap_key_digests": (),
            "parameters": None,
            "contribute_deadline_unix": now,
            "release_deadline_unix": now,
        }
        return self.open_round(**(fields | changes))

    def publish(
        self,
        contributions: Mapping[str, npt.NDArray[np.int64]] | None = None,
        left_out: Mapping[str, str] | None = None,
    ) -> StagedRound:
        """Freeze what was uploaded, less the left out, open it, publish it, close the round."""
        staged = self.rounds[-1]
        for name, integers in (contributions or {}).items():
            self.upload_as(name, integers)
        reasons = left_out or {}
        members = {name: staged.uploads[name] for name in sorted(staged.uploads)}
        members = {name: one for name, one in members.items() if name not in reasons}
        self.freeze(members, reasons)
        total = open_sum(staged.spec, members, self.manifest.body, self.people)
        staged.aggregate = Aggregate(digest("test/salt", staged.spec.digest), total)
        self.certify()
        self.close_round(staged.freeze.digest if staged.freeze else b"")
        self._step_model(staged)
        return staged

    def freeze(self, members: Mapping[str, StoredUpload], left_out: Mapping[str, str]) -> None:
        staged = self.rounds[-1]
        staged.collecting = False
        entries = tuple(Member(name, one.contribution.digest) for name, one in members.items())
        body = Freeze(
            study=staged.spec.body.study,
            round_number=staged.number,
            round_id=staged.spec.digest,
            members=entries,
            root=freeze_root(entries),
            left_out=tuple(
                LeftOut(name, staged.uploads[name].contribution.digest, rule)
                for name, rule in sorted(left_out.items())
            ),
        )
        staged.freeze = self.people.sign(body, "aggregator")
        self.keep(staged.freeze)
        endorsement = Endorsement(
            body.study, body.round_number, body.round_id, staged.freeze.digest, ""
        )
        staged.endorsements = tuple(
            self.people.sign(endorsement, name) for name in self.custodians(None)
        )

    def certify(self, **changes: Any) -> None:
        staged = self.rounds[-1]
        assert staged.freeze is not None
        assert staged.aggregate is not None
        freeze = staged.freeze.body
        entries = sorted(
            [(one.client, one.contribution_digest) for one in freeze.members]
            + [(one.client, one.contribution_digest) for one in freeze.left_out]
        )
        body = Certificate(
            study=staged.spec.body.study,
            round_number=staged.number,
            round_id=staged.spec.digest,
            acceptance_digests=tuple(sorted({one.digest for one in staged.acceptances})),
            contribution_digests=tuple(one for _, one in entries),
            page_digests=(digest("test/page"),),
            admission_digests=(digest("test/admission"),),
            freeze_digest=staged.freeze.digest,
            endorsement_digests=tuple(sorted({one.digest for one in staged.endorsements})),
            exception_digest=b"",
            release_digests=(digest("test/release"),),
            sealed_sum_root=digest("test/sealed-sum"),
            aggregate_commitment=staged.aggregate.commitment,
            opened_by=self.custodians(self.manifest.body.threshold),
            disagreeing=(),
        )
        staged.certificate = self.people.sign(replace(body, **changes), "aggregator")
        self.blobs[staged.aggregate.commitment] = staged.aggregate.encode()

    def abort(self, rule: str = "min-cohort") -> StagedRound:
        staged = self.rounds[-1]
        staged.collecting = False
        body = Abort(
            study=staged.spec.body.study,
            round_number=staged.number,
            round_id=staged.spec.digest,
            freeze_digest=b"",
            rule=rule,
            expected="expected more",
        )
        staged.abort = self.people.sign(body, "aggregator")
        self.close_round(b"")
        return staged

    def close_round(self, freeze_digest: bytes, count: int | None = None) -> None:
        staged = self.rounds[-1]
        staged.collecting = False
        body = Close(staged.spec.body.study, staged.number, freeze_digest, "", self.manifest.digest)
        staged.closes = tuple(self.people.sign(body, name) for name in self.custodians(count))

    def custodians(self, count: int | None) -> tuple[str, ...]:
        names = [custodian.name for custodian in self.manifest.body.custodians]
        return tuple(names[: self.manifest.body.quorum if count is None else count])

    # ---- what clients and custodians do

    def upload_as(self, name: str, integers: npt.NDArray[np.int64]) -> SealedContribution:
        """Another client contributes to the newest round."""
        staged = self.rounds[-1]
        sealer = Sealer(
            self.manifest.body,
            name,
            self.people.identities[name],
            SeededRandomness(f"{name} seals round {staged.number}".encode()),
            self.people.agreements_of(name),
        )
        sealed = sealer.seal(staged.spec, integers)
        upload = StoredUpload(
            sealed.contribution, sealed.wraps, bytearray(sealed.payload), sealed.pair_table
        )
        staged.uploads[name] = upload
        self.keep(sealed.contribution)
        return sealed

    def client(
        self,
        folder: Path,
        name: str = "cleveland",
        policy: ClientPolicy | None = None,
        anchor: Path | None = None,
        initial_model: Any = None,
    ) -> Client:
        """The client under test."""
        membership = Membership(
            AmendedManifest(self.manifest),
            name,
            self.people.identities[name],
            (self.people.agreements[name],),
            policy or ClientPolicy(),
        )
        return Client(
            membership,
            self.calls,
            StateFolder.at(folder, anchor),
            initial_model,
            clock=lambda: self.now,
        )

    def keep(self, signed: Signed[Any]) -> None:
        self.signed[signed.digest] = signed_to_bytes(signed)

    # ---- the model chain

    def _version(self) -> int:
        if not self.rounds:
            return 0
        last = self.rounds[-1]
        return last.spec.body.model_version + (last.aggregate is not None)

    def _record(self) -> PreviousRound:
        if not self.rounds:
            return PreviousRound(self.manifest.digest)
        last = self.rounds[-1]
        return PreviousRound(
            last.spec.digest,
            last.freeze.digest if last.freeze else b"",
            last.aggregate.commitment if last.aggregate else b"",
        )

    def _earning_endorsements(self) -> tuple[Signed[Endorsement], ...]:
        if not self.rounds or self.rounds[-1].aggregate is None:
            return ()
        return self.rounds[-1].endorsements

    def _step_model(self, staged: StagedRound) -> None:
        assert staged.aggregate is not None
        self.model = next_model(
            self.manifest.body, self.model, staged.aggregate.values, staged.spec.digest
        )
        self.salt = model_salt(staged.aggregate.salt, staged.spec.digest)
        self.blobs[model_digest(self.model, self.salt)] = encode_model(self.model)
