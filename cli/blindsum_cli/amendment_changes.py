"""From what an operator wishes to the words of an amendment: names become enrolled keys."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from blindsum_crypto.errors import Refused, Rejected
from blindsum_rules.amended_manifest import AmendedManifest
from blindsum_rules.amendment import Amendment, NewCommittee
from blindsum_rules.manifest import EnrolledClient, EnrolledCustodian, Manifest
from blindsum_rules.party import PartyIdentity, Role
from blindsum_rules.roster import enrolled_client


@dataclass(frozen=True, slots=True)
class Wishes:
    """What is to change, by name.

    Attributes:
        reason: Why, in words.
        join: New clients, id to organisation.
        group: The group of all that join.
        leave: Clients that leave.
        rotate: Clients and custodians with new keys.
        revoke: Clients and custodians whose keys count no longer.
        seat: New custodians.
        unseat: Custodians that give up their seat.
        threshold: t from now on, or None where it stays.
        quorum: The quorum from now on, or None where it stays.
    """

    reason: str
    join: Mapping[str, str]
    group: int
    leave: Collection[str]
    rotate: Collection[str]
    revoke: Collection[str]
    seat: Collection[str]
    unseat: Collection[str]
    threshold: int | None
    quorum: int | None


def amendment_of(
    wishes: Wishes, manifest: AmendedManifest, identities: Mapping[str, PartyIdentity]
) -> Amendment:
    """The amendment that follows on everything in a manifest file.

    Args:
        wishes: What is to change.
        manifest: The study as it is amended so far.
        identities: The verified NAME.identity values by name.

    Raises:
        Refused: `no-identity`, when somebody's new keys are not given; `identity-role`, when they
            are for another role; `identity-party`, when new keys come with another identity.
        Rejected: `unknown-party`, when somebody who rotates or gives up a seat is not enrolled.
    """
    study, find = manifest.body, _Finder(identities)
    custodians = study.custodian_keys
    clients = [name for name in wishes.rotate if name not in custodians]
    return Amendment(
        study=study.study,
        number=manifest.number + 1,
        previous_digest=manifest.amendment_digest,
        reason=wishes.reason,
        joined=tuple(
            find.client(name, organisation, wishes.group)
            for name, organisation in sorted(wishes.join.items())
        ),
        rotated=tuple(find.rotated_client(name, study) for name in sorted(set(clients))),
        left=tuple(sorted(wishes.leave)),
        revoked=tuple(sorted(wishes.revoke)),
        committee=_committee(wishes, study, find),
    )


def _committee(wishes: Wishes, study: Manifest, find: "_Finder") -> NewCommittee | None:
    """The new committee as a whole, or None where nothing of it changes."""
    seated = {one.name: one for one in study.custodians}
    strangers = sorted(set(wishes.unseat) - set(seated))
    if strangers:
        raise Rejected("unknown-party", f"--unseat: expected custodians, got {strangers}")
    gone = {*wishes.unseat, *wishes.revoke}
    staying = {name: one for name, one in seated.items() if name not in gone}
    for name in set(wishes.rotate).intersection(staying):
        staying[name] = find.custodian(name, staying[name].identity)
    staying |= {name: find.custodian(name) for name in wishes.seat}
    new = NewCommittee(
        custodians=tuple(staying[name] for name in sorted(staying)),
        threshold=study.threshold if wishes.threshold is None else wishes.threshold,
        quorum=study.quorum if wishes.quorum is None else wishes.quorum,
    )
    is_same = (new.custodians, new.threshold, new.quorum) == (
        study.custodians,
        study.threshold,
        study.quorum,
    )
    return None if is_same else new


class _Finder:
    """Names turned into enrolments with the keys of their identity files."""

    def __init__(self, identities: Mapping[str, PartyIdentity]) -> None:
        self._identities = identities

    def client(self, name: str, organisation: str, group: int) -> EnrolledClient:
        found = self._find(name, Role.CLIENT)
        return EnrolledClient(name, organisation, found.identity, found.agreement_key, group)

    def rotated_client(self, name: str, study: Manifest) -> EnrolledClient:
        before = enrolled_client(study, name)
        if before is None:
            raise Rejected("unknown-party", f"--rotate: expected who is enrolled, got {name!r}")
        found = self._find(name, Role.CLIENT, before.identity)
        return replace(before, agreement_key=found.agreement_key)

    def custodian(self, name: str, identity: bytes | None = None) -> EnrolledCustodian:
        found = self._find(name, Role.CUSTODIAN, identity)
        return EnrolledCustodian(name, found.identity, found.wrap_suite, found.wrap_key)

    def _find(self, name: str, role: Role, identity: bytes | None = None) -> PartyIdentity:
        found = self._identities.get(name)
        if found is None:
            raise Refused(
                "no-identity", f"expected --identity with the {name}.identity of {name!r}"
            )
        if found.role is not role:
            raise Refused(
                "identity-role",
                f"expected the identity of {role.value} {name!r}, got that of a {found.role.value}",
            )
        if identity is not None and found.identity != identity:
            raise Refused(
                "identity-party",
                f"expected new keys of {name!r} beside the identity that is enrolled",
            )
        return found
