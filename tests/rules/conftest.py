"""A small signed study with its people, and builders for everything they sign in a round."""

# `**changes` replaces any field of a frozen value; its type is that field's.
# ruff: noqa: ANN401

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import pytest

from blindsum_crypto.identity import AgreementKey, Identity, WrapKey
from blindsum_crypto.primitives import digest
from blindsum_crypto.randomness import SeededRandomness
from blindsum_rules.acceptance import Acceptance
from blindsum_rules.amended_manifest import AmendedManifest
from blindsum_rules.amendment import handover
from blindsum_rules.close import Close
from blindsum_rules.codec.parameters import Codec
from blindsum_rules.endorsement import Endorsement
from blindsum_rules.freeze import Freeze, LeftOut, Member
from blindsum_rules.freeze_checks import freeze_root
from blindsum_rules.manifest import (
    Approval,
    DifferencingScope,
    EnrolledClient,
    EnrolledCustodian,
    Manifest,
    Party,
    Schedule,
    StudyKind,
)
from blindsum_rules.model import Layout, NamedArray
from blindsum_rules.party import PartyIdentity, Role
from blindsum_rules.seal_parameters import seal_parameters
from blindsum_rules.signed import BodyT, CustodianBody, Signed, signing_input
from blindsum_rules.spec import PreviousRound, Spec, SpecKind
from blindsum_rules.spec_checks import wrap_key_digests

NOW = 1_800_000_000
DAY = 86_400


def mark(*words: object) -> bytes:
    """32 bytes that stand for something that these tests never open."""
    return digest("blindsum/test", *(str(word).encode() for word in words))


@dataclass(frozen=True)
class SmallStudy:
    """A study of a few parties. Bodies are signed over their repr: rules never read the bytes."""

    identities: Mapping[str, Identity]
    parties: Mapping[str, PartyIdentity]
    manifest: Signed[Manifest]
    now: int = NOW

    @property
    def body(self) -> Manifest:
        return self.manifest.body

    @property
    def amended(self) -> AmendedManifest:
        return AmendedManifest(self.manifest)

    @property
    def clients(self) -> list[str]:
        return [client.name for client in self.body.clients]

    @property
    def custodians(self) -> list[str]:
        return [custodian.name for custodian in self.body.custodians]

    @property
    def approval(self) -> Signed[Approval]:
        return self.sign(Approval(self.body.study, self.manifest.digest), "officer")

    def sign(self, body: BodyT, signer: str) -> Signed[BodyT]:
        # What several custodians say is written once and named when it is signed.
        if isinstance(body, CustodianBody) and not body.custodian:
            body = replace(body, custodian=signer)  # type: ignore[type-var] # a dataclass
        body_bytes = repr(body).encode()
        signature = self.identities[signer].sign(signing_input(body.DOMAIN, body_bytes))
        return Signed(body, body_bytes, signer, signature)

    def with_manifest(self, **changes: Any) -> "SmallStudy":
        """The same people under another manifest, signed by the operator."""
        changed = self.sign(replace(self.body, **changes), "operator")
        return replace(self, manifest=changed)

    def spec(self, **changes: Any) -> Signed[Spec]:
        """The spec of round 0, or what the changes make of it."""
        cohort = changes.get("cohort", tuple(self.clients))
        schedule = self.body.schedule
        spec = Spec(
            study=self.body.study,
            kind=SpecKind.ROUND,
            round_number=0,
            amendment_digest=self.manifest.digest,
            epoch=0,
            model_version=0,
            model_digest=self.body.initial_model_digest,
            previous=PreviousRound(self.manifest.digest),
            closes=(),
            endorsements=(),
            vector_length=self.body.vector_length,
            seal=self.body.seals[0],
            parameters=seal_parameters(self.body, self.body.seals[0], len(cohort)),
            codec=self.body.codec,
            cohort=cohort,
            min_cohort=self.body.min_cohort,
            wrap_key_digests=wrap_key_digests(self.body),
            contribute_deadline_unix=self.now + schedule.contribute_seconds,
            release_deadline_unix=self.now + schedule.contribute_seconds + schedule.release_seconds,
        )
        return self.sign(replace(spec, **changes), "aggregator")

    def spec_after(
        self, before: Signed[Spec], freeze: Signed[Freeze] | None = None, **changes: Any
    ) -> Signed[Spec]:
        """The next spec: a new model if a freeze was summed, else the same once more."""
        grown = before.body.model_version + (freeze is not None)
        digests = (freeze.digest, mark("aggregate", freeze.digest)) if freeze else (b"", b"")
        fields: dict[str, Any] = {
            "round_number": before.body.round_number + 1,
            "model_version": grown,
            "model_digest": mark("model", grown) if freeze else before.body.model_digest,
            "previous": PreviousRound(before.digest, *digests),
            "closes": self.closes(
                before, digests[0], handed_to=handover(changes.get("amendments", ()))
            ),
            "endorsements": self.endorsements(before, freeze) if freeze else (),
        }
        return self.spec(**(fields | changes))

    def end_after(
        self, before: Signed[Spec], freeze: Signed[Freeze] | None = None, **changes: Any
    ) -> Signed[Spec]:
        """The end of the study after a round."""
        fields: dict[str, Any] = {
            "kind": SpecKind.END,
            "cohort": (),
            "wrap_key_digests": (),
            "parameters": None,
            "contribute_deadline_unix": self.now,
            "release_deadline_unix": self.now,
        }
        following = self.spec_after(before, freeze)
        return self.sign(replace(following.body, **(fields | changes)), "aggregator")

    def acceptances(
        self, spec: Signed[Spec], who: Iterable[str] | None = None, **changes: Any
    ) -> tuple[Signed[Acceptance], ...]:
        body = Acceptance(spec.body.study, spec.body.round_number, spec.digest, "")
        return tuple(self.sign(replace(body, **changes), name) for name in self._quorum(who))

    def endorsements(
        self,
        spec: Signed[Spec],
        freeze: Signed[Freeze],
        who: Iterable[str] | None = None,
        **changes: Any,
    ) -> tuple[Signed[Endorsement], ...]:
        body = Endorsement(spec.body.study, spec.body.round_number, spec.digest, freeze.digest, "")
        return tuple(self.sign(replace(body, **changes), name) for name in self._quorum(who))

    def closes(
        self,
        spec: Signed[Spec],
        freeze_digest: bytes = b"",
        who: Iterable[str] | None = None,
        **changes: Any,
    ) -> tuple[Signed[Close], ...]:
        body = Close(
            spec.body.study, spec.body.round_number, freeze_digest, "", spec.body.amendment_digest
        )
        return tuple(self.sign(replace(body, **changes), name) for name in self._quorum(who))

    def freeze(
        self,
        spec: Signed[Spec],
        clients: Iterable[str] | None = None,
        left_out: Iterable[str] = (),
        **changes: Any,
    ) -> Signed[Freeze]:
        """A freeze of these clients (all, if none are named); the root fits the final members."""
        names = self.clients if clients is None else clients
        members = tuple(
            Member(name, mark("contribution", spec.body.round_number, name)) for name in names
        )
        out = tuple(
            LeftOut(name, mark("contribution", spec.body.round_number, name), "late")
            for name in left_out
        )
        body = Freeze(
            study=spec.body.study,
            round_number=spec.body.round_number,
            round_id=spec.digest,
            members=members,
            root=freeze_root(changes.get("members", members)),
            left_out=out,
        )
        return self.sign(replace(body, **changes), "aggregator")

    def _quorum(self, who: Iterable[str] | None) -> Iterable[str]:
        return self.custodians[: self.body.quorum] if who is None else who


@cache
def build_study(custodians: int, threshold: int, quorum: int, clients: int) -> SmallStudy:
    """A valid study; its keys are the same in every run."""
    drawn = SeededRandomness(b"the small study")
    roles = {"operator": Role.OPERATOR, "officer": Role.OFFICER, "aggregator": Role.AGGREGATOR}
    roles |= {f"client-{index:02}": Role.CLIENT for index in range(clients)}
    roles |= {f"custodian-{index}": Role.CUSTODIAN for index in range(custodians)}
    identities = {name: Identity.generate(drawn) for name in roles}
    parties = {}
    for name, role in roles.items():
        public = identities[name].public
        if role is Role.CLIENT:
            agreement = AgreementKey.generate(drawn).public
            parties[name] = PartyIdentity(name, role, public, agreement_key=agreement)
        elif role is Role.CUSTODIAN:
            wrap = WrapKey.generate("x25519", drawn).public
            parties[name] = PartyIdentity(name, role, public, wrap_suite="x25519", wrap_key=wrap)
        else:
            parties[name] = PartyIdentity(name, role, public)
    return _sign_study(identities, parties, threshold, quorum)


def _sign_study(
    identities: Mapping[str, Identity],
    parties: Mapping[str, PartyIdentity],
    threshold: int,
    quorum: int,
) -> SmallStudy:
    manifest = Manifest(
        study="small-study",
        purpose="to hold the rules against",
        permit="none is needed for invented numbers",
        kind=StudyKind.MODEL,
        seals=("ckks",),
        operator=Party("operator", identities["operator"].public),
        officer=Party("officer", identities["officer"].public),
        aggregator=Party("aggregator", identities["aggregator"].public),
        clients=tuple(
            EnrolledClient(name, f"organisation-{name[-2:]}", one.identity, one.agreement_key)
            for name, one in parties.items()
            if one.role is Role.CLIENT
        ),
        custodians=tuple(
            EnrolledCustodian(name, one.identity, one.wrap_suite, one.wrap_key)
            for name, one in parties.items()
            if one.role is Role.CUSTODIAN
        ),
        threshold=threshold,
        quorum=quorum,
        min_cohort=3,
        min_organisations=2,
        codec=Codec(clip_norm=1.0, levels=4096, weight_cap=100, weight_scale=0.5),
        layout=Layout((NamedArray("weight", (3, 2)), NamedArray("bias", ()))),
        initial_model_digest=mark("model", 0),
        update_rule="fedavg",
        server_learning_rate=1.0,
        schedule=Schedule(
            max_rounds=5,
            accept_seconds=60,
            contribute_seconds=600,
            release_seconds=300,
            pause_seconds=0,
            quota=0,
        ),
        no_differencing=DifferencingScope.VERSION,
        not_before_unix=NOW - DAY,
        not_after_unix=NOW + 30 * DAY,
    )
    unsigned = SmallStudy(identities, parties, Signed(manifest, b"", "operator", b""))
    return unsigned.with_manifest()


@pytest.fixture(scope="session")
def make_study() -> Callable[[int, int, int, int], SmallStudy]:
    """A study by (custodians, threshold, quorum, clients)."""
    return build_study


@pytest.fixture(scope="session")
def study() -> SmallStudy:
    """Four custodians, two open, three sign; five clients of five organisations."""
    return build_study(4, 2, 3, 5)
