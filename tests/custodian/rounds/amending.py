"""A study whose operator amends it while custodians serve it."""

# `**changes` replaces any field of a frozen value; its type is that field's.
# ruff: noqa: ANN401

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from blindsum_crypto.identity import Identity, WrapKey
from blindsum_crypto.keystore import KeyRing
from blindsum_crypto.randomness import SeededRandomness
from blindsum_custodian.custodian import Custodian
from blindsum_custodian.store.database import Store
from blindsum_rules.admission import Admission
from blindsum_rules.amended_manifest import AmendedManifest
from blindsum_rules.amendment import Amendment, NewCommittee, SignedAmendment
from blindsum_rules.close import Close
from blindsum_rules.manifest import Approval, EnrolledCustodian, Manifest
from blindsum_rules.seal_parameters import seal_parameters
from blindsum_rules.signed import Signed
from blindsum_rules.spec import Spec
from blindsum_rules.spec_checks import wrap_key_digests

if TYPE_CHECKING:
    from tests.custodian.rounds.conftest import Play


OLD = tuple(f"custodian-{index}" for index in range(4))
"""The committee that a played study begins with."""


@dataclass
class Amending:
    """The operator of a played study.

    Attributes:
        play: The study; its people follow what is in force in the rounds that are opened now.
        original: The manifest as it was signed.
        in_force: The same with the amendments of every spec so far.
    """

    play: "Play"
    original: Signed[Manifest] = field(init=False)
    in_force: AmendedManifest = field(init=False)
    drawn: SeededRandomness = field(default_factory=lambda: SeededRandomness(b"amending"))

    def __post_init__(self) -> None:
        self.original = self.play.people.manifest
        self.in_force = AmendedManifest(self.original)

    # ---- the operator

    def amendment(self, after: AmendedManifest | None = None, **changes: Any) -> SignedAmendment:
        """The next amendment, as operator and officer signed it."""
        before = after or self.in_force
        named: dict[str, Any] = {
            "study": before.body.study,
            "number": before.number + 1,
            "previous_digest": before.amendment_digest,
            "reason": "to see what follows",
        }
        body = Amendment(**(named | changes))
        people = self.play.people
        return SignedAmendment(people.sign(body, "operator"), people.sign(body, "officer"))

    def committee(self, *names: str, threshold: int = 2, quorum: int = 3) -> NewCommittee:
        """A committee of these custodians; who is new gets keys, and who stays keeps its own."""
        people = self.play.people
        new = [name for name in names if name not in people.identities]
        self.play.people = replace(
            people,
            identities={
                **people.identities,
                **{name: Identity.generate(self.drawn) for name in new},
            },
            wrap_keys={
                **people.wrap_keys,
                **{name: WrapKey.generate("x25519", self.drawn) for name in new},
            },
        )
        return NewCommittee(tuple(self.enrolled(name) for name in sorted(names)), threshold, quorum)

    def enrolled(self, name: str, wrap_key: WrapKey | None = None) -> EnrolledCustodian:
        people = self.play.people
        key = wrap_key or people.wrap_keys[name]
        return EnrolledCustodian(name, people.identities[name].public, key.suite, key.public)

    # ---- the aggregator

    def put_in_force(
        self, *amendments: SignedAmendment, keys: dict[str, WrapKey] | None = None
    ) -> dict[str, Any]:
        """Let the rounds from now on be under amendments; what their first spec says of it."""
        self.in_force = self.in_force.amended(amendments)
        people, body = self.play.people, self.in_force.body
        every_key = {**people.wrap_keys, **(keys or {})}
        self.play.people = replace(
            people,
            manifest=replace(self.original, body=body),
            # In committee order, which is the order of a contribution's wraps.
            wrap_keys={one.name: every_key[one.name] for one in body.custodians},
        )
        return {"amendments": amendments}

    @property
    def stand(self) -> dict[str, Any]:
        """What a spec says of the manifest in force."""
        body = self.in_force.body
        return {
            "amendment_digest": self.in_force.amendment_digest,
            "epoch": self.in_force.epoch,
            "cohort": tuple(client.name for client in body.clients),
            "parameters": seal_parameters(body, body.seals[0], len(body.clients)),
            "wrap_key_digests": wrap_key_digests(body),
        }

    def spec_after(
        self,
        before: Signed[Spec],
        closes: Sequence[Signed[Any]],
        endorsements: Sequence[Signed[Any]] = (),
        **changes: Any,
    ) -> Signed[Spec]:
        """The next spec, under what is in force now."""
        return self.play.spec_after(before, closes, endorsements, **(self.stand | changes))

    # ---- custodians

    def start(self, name: str, told: AmendedManifest | None = None, *keys: WrapKey) -> Custodian:
        """Start a custodian, anew or again, with a STUDY.manifest and its key files."""
        play = self.play
        if name in play.running:
            play.stop(name)
        store_path, instance_path = play.paths(name)
        begin = Store.open if store_path.exists() else Store.create
        store = begin(store_path, instance_path)
        try:
            play.running[name] = self.seat(name, store, told or self.in_force, *keys)
        except BaseException:
            store.close()
            raise
        return play.running[name]

    def seat(self, name: str, store: Store, told: AmendedManifest, *keys: WrapKey) -> Custodian:
        play, identity = self.play, self.play.people.identities[name]
        rings = [KeyRing(identity, key) for key in keys or (play.people.wrap_keys[name],)]
        body = Approval(self.original.body.study, self.original.digest)
        return Custodian(
            manifest=self.original,
            approval=play.people.sign(body, "officer"),
            key_ring=rings[0],
            store=store,
            fetch_signed=play.fetch,
            policy=play.policy,
            clock=lambda: play.now,
            amendments=told.amendments,
            other_keys=tuple(rings[1:]),
        )


def closed(
    amending: Amending, spec: Signed[Spec], but: str = OLD[0], handed_to: bytes = b""
) -> tuple[Signed[Close], ...]:
    """The closes of the three others: what a custodian itself signed it must remember."""
    names = [name for name in OLD if name != but]
    return amending.play.closes_of(spec, None, names, handed_to)


def admitted(play: "Play", name: str, spec: Signed[Spec]) -> Admission:
    submissions = play.submissions(spec, spec.body.cohort)
    page = play.page(spec, submissions)
    (answer,) = play.perform(name, play.admit_duty(name, page, submissions))
    assert isinstance(answer.body, Admission), answer.body
    return answer.body
