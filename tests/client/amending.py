"""A staged study whose operator amends it while a client follows."""

# `**changes` replaces any field of a frozen value; its type is that field's.
# ruff: noqa: ANN401

from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.client.people import build_manifest
from tests.client.stage import Stage
from tests.client.uploads import StagedRound

from blindsum_client.client import Client
from blindsum_client.joining import Membership
from blindsum_client.state_folder import StateFolder
from blindsum_crypto.identity import AgreementKey, Identity, WrapKey
from blindsum_crypto.randomness import SeededRandomness
from blindsum_rules.amended_manifest import AmendedManifest
from blindsum_rules.amendment import Amendment, NewCommittee, SignedAmendment, handover
from blindsum_rules.local_policy import ClientPolicy
from blindsum_rules.manifest import EnrolledClient, EnrolledCustodian
from blindsum_rules.seal_parameters import seal_parameters


class Amending:
    """The operator of a staged study; the stage follows what is in force now."""

    def __init__(self, seal: str = "ckks", stage: Stage | None = None) -> None:
        self.stage = stage or Stage()
        if stage is None:
            body = build_manifest(self.stage.people, 2, 3, seals=(seal,))
            self.stage.manifest = self.stage.people.sign(body, "operator")
        self.original = self.stage.manifest
        self.in_force = AmendedManifest(self.original)
        self.drawn = SeededRandomness(b"amending")
        self._news: tuple[SignedAmendment, ...] = ()

    # ---- the operator

    def amendment(self, after: AmendedManifest | None = None, **changes: Any) -> SignedAmendment:
        before = after or self.in_force
        named: dict[str, Any] = {
            "study": before.body.study,
            "number": before.number + 1,
            "previous_digest": before.amendment_digest,
            "reason": "to see what follows",
        }
        body = Amendment(**(named | changes))
        return SignedAmendment(self.stage.people.sign(body, "operator"))

    def newcomer(self, name: str) -> EnrolledClient:
        """A client that joins, with new keys."""
        identity, agreement = Identity.generate(self.drawn), AgreementKey.generate(self.drawn)
        people = self.stage.people
        self.stage.people = replace(
            people,
            identities={**people.identities, name: identity},
            agreements={**people.agreements, name: agreement},
        )
        return EnrolledClient(name, f"hospital-{name}", identity.public, agreement.public)

    def rotated(self, name: str, key: AgreementKey) -> EnrolledClient:
        enrolled = {client.name: client for client in self.in_force.body.clients}
        return replace(enrolled[name], agreement_key=key.public)

    def committee(self, *names: str, threshold: int = 2, quorum: int = 3) -> NewCommittee:
        """A committee of these; who is new gets keys."""
        people = self.stage.people
        identities, wraps = dict(people.identities), dict(people.wraps)
        for name in names:
            identities.setdefault(name, Identity.generate(self.drawn))
            wraps.setdefault(name, WrapKey.generate("x25519", self.drawn))
        self.stage.people = replace(people, identities=identities, wraps=wraps)
        seated = tuple(
            EnrolledCustodian(name, identities[name].public, wraps[name].suite, wraps[name].public)
            for name in sorted(names)
        )
        return NewCommittee(seated, threshold, quorum)

    # ---- the aggregator

    def put_in_force(
        self, *amendments: SignedAmendment, keys: dict[str, AgreementKey] | None = None
    ) -> None:
        """Let the next spec put amendments in force."""
        self.in_force = self.in_force.amended(amendments)
        self._news = (*self._news, *amendments)
        people = self.stage.people
        self.stage.people = replace(people, agreements={**people.agreements, **(keys or {})})
        self.stage.manifest = replace(self.original, body=self.in_force.body)

    def open_round(self, **changes: Any) -> StagedRound:
        """The next round, under what is in force now."""
        body, news, self._news = self.in_force.body, self._news, ()
        self._hand_over(news)
        cohort = changes.get("cohort", tuple(client.name for client in body.clients))
        stand = {
            "cohort": cohort,
            "parameters": seal_parameters(body, body.seals[0], len(cohort)),
            "amendments": news,
            "amendment_digest": self.in_force.amendment_digest,
            "epoch": self.in_force.epoch,
        }
        return self.stage.open_round(**(stand | changes))

    def _hand_over(self, news: tuple[SignedAmendment, ...]) -> None:
        """Let whoever closed the round before leave it to the committee of the next one."""
        if not self.stage.rounds or not handover(news):
            return
        left, people = self.stage.rounds[-1], self.stage.people
        left.closes = tuple(
            people.sign(replace(close.body, handed_to=handover(news)), close.signer)
            for close in left.closes
        )

    def end_study(self) -> StagedRound:
        return self.stage.end_study(
            amendment_digest=self.in_force.amendment_digest, epoch=self.in_force.epoch
        )

    # ---- the client under test

    def client(
        self,
        folder: Path,
        told: AmendedManifest | None = None,
        keys: tuple[AgreementKey, ...] = (),
        name: str = "cleveland",
        policy: ClientPolicy | None = None,
    ) -> Client:
        people = self.stage.people
        membership = Membership(
            told or AmendedManifest(self.original),
            name,
            people.identities[name],
            keys or (people.agreements[name],),
            policy or ClientPolicy(),
        )
        folders = StateFolder.at(folder)
        return Client(membership, self.stage.calls, folders, clock=lambda: self.stage.now)
