"""A world under attack whose operator amends its study."""

# `**changes` replaces any field of a frozen value; its type is that field's.
# ruff: noqa: ANN401

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from tests.adversarial.people import Keys
from tests.adversarial.world import World

from blindsum_crypto.identity import Identity, WrapKey
from blindsum_crypto.randomness import SeededRandomness
from blindsum_custodian.custodian import Custodian
from blindsum_custodian.policy import CustodianPolicy
from blindsum_custodian.store.database import Store
from blindsum_rules.amended_manifest import AmendedManifest
from blindsum_rules.amendment import Amendment, NewCommittee, SignedAmendment
from blindsum_rules.close import Close
from blindsum_rules.manifest import Approval, EnrolledCustodian, Manifest
from blindsum_rules.seal_parameters import seal_parameters
from blindsum_rules.signed import Signed
from blindsum_rules.spec import Spec
from blindsum_rules.spec_checks import wrap_key_digests


@dataclass
class AmendedWorld:
    """Operator and aggregator of a world; what is in force now, its people follow."""

    world: World
    original: Signed[Manifest] = field(init=False)
    in_force: AmendedManifest = field(init=False)

    def __post_init__(self) -> None:
        self.original = self.world.people.manifest
        self.in_force = AmendedManifest(self.original)

    # ---- the operator

    def body(self, **changes: Any) -> Amendment:
        """The next amendment's words."""
        named: dict[str, Any] = {
            "study": self.original.body.study,
            "number": self.in_force.number + 1,
            "previous_digest": self.in_force.amendment_digest,
            "reason": "to see what follows",
        }
        return Amendment(**(named | changes))

    def amendment(self, **changes: Any) -> SignedAmendment:
        """The next amendment, by every hand that it needs."""
        return self.signed(self.body(**changes))

    def signed(self, body: Amendment) -> SignedAmendment:
        people, officer = self.world.people, self.original.body.officer
        approval = None if officer is None else people.sign(body, officer.name)
        return SignedAmendment(people.sign(body, "operator"), approval)

    def committee(self, *names: str) -> NewCommittee:
        """A committee of these, two to open and three to sign; who is new gets keys."""
        keys, drawn = self.world.people.keys, SeededRandomness(b"a changed committee")
        identities, wraps = dict(keys.identities), dict(keys.wraps)
        for name in names:
            identities.setdefault(name, Identity.generate(drawn))
            wraps.setdefault(name, WrapKey.generate("x25519", drawn))
        self._set_people(keys=Keys(identities, keys.agreements, wraps))
        seated = (
            EnrolledCustodian(name, identities[name].public, wraps[name].suite, wraps[name].public)
            for name in sorted(names)
        )
        return NewCommittee(tuple(seated), 2, 3)

    # ---- the aggregator

    def put_in_force(self, *amendments: SignedAmendment) -> dict[str, Any]:
        """Let the rounds from now on be under amendments; what their first spec says of it."""
        self.in_force = self.in_force.amended(amendments)
        self._set_people(manifest=replace(self.original, body=self.in_force.body))
        return {"amendments": amendments}

    def spec_after(
        self, before: Signed[Spec], closes: Sequence[Signed[Close]], **changes: Any
    ) -> Signed[Spec]:
        """The next spec, of the same model, under what is in force now."""
        body = self.in_force.body
        cohort = tuple(client.name for client in body.clients)
        stand: dict[str, Any] = {
            "amendment_digest": self.in_force.amendment_digest,
            "epoch": self.in_force.epoch,
            "cohort": cohort,
            "parameters": seal_parameters(body, body.seals[0], len(cohort)),
            "wrap_key_digests": wrap_key_digests(body),
        }
        return self.world.aggregator.spec_after(before, closes, **(stand | changes))

    # ---- custodians

    def start(self, names: Sequence[str], told: AmendedManifest | None = None) -> None:
        """Start custodians with a STUDY.manifest, of what is in force unless a test says."""
        for name in names:
            if name in self.world.running:
                self.world.stop(name)
            self.world.running[name] = self._custodian(name, told or self.in_force)

    def _custodian(self, name: str, told: AmendedManifest) -> Custodian:
        world, officer = self.world, self.original.body.officer
        store_path, instance_path = world.memory_of(name)
        begin = Store.open if store_path.exists() else Store.create
        approval = Approval(self.original.body.study, self.original.digest)
        return Custodian(
            manifest=self.original,
            approval=None if officer is None else world.people.sign(approval, officer.name),
            key_ring=world.people.key_ring(name),
            store=begin(store_path, instance_path),
            fetch_signed=world.aggregator.fetch,
            policy=CustodianPolicy(allowed_seals=frozenset(self.original.body.seals)),
            clock=lambda: world.aggregator.now,
            amendments=told.amendments,
        )

    def _set_people(self, **changes: Any) -> None:
        self.world.people = replace(self.world.people, **changes)
        self.world.aggregator.people = self.world.people
