"""The manifest with its amendments: who is enrolled, and with which keys, in one round.

A round keeps the manifest that was in force when it was opened. The next spec carries what was
amended since, so a spec's chain is the amendments' chain: whoever follows specs follows them, and
a committee that replays a study replays them as well.
"""

import hmac
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from blindsum_crypto.errors import BlindsumError, Refused, Rejected
from blindsum_rules.amendment import Amendment, SignedAmendment
from blindsum_rules.amendment_checks import check_amendment
from blindsum_rules.groups import group_count
from blindsum_rules.manifest import EnrolledClient, Manifest
from blindsum_rules.manifest_checks import check_manifest
from blindsum_rules.privacy.amended_study import check_same_promise
from blindsum_rules.signed import Signed, verify


@dataclass(frozen=True, slots=True)
class AmendedManifest:
    """A study's manifest and the amendments that are in force, in order.

    Attributes:
        signed: The verified manifest, whose digest names the study for ever.
        amendments: What was amended since, each one verified by `amended`.
        body: What both say together: roster, committee and rules of the rounds opened now.
        epoch: Number of the amendment that last changed keys; 0 is the manifest's own.
        former: Everybody who was enrolled once and is no more, or had other keys then: their ids
            and keys are not given out again.
    """

    signed: Signed[Manifest]
    amendments: tuple[SignedAmendment, ...] = field(init=False, default=())
    body: Manifest = field(init=False, repr=False)
    epoch: int = field(init=False, default=0)
    former: tuple[tuple[str, tuple[bytes, ...]], ...] = field(init=False, repr=False, default=())

    def __post_init__(self) -> None:
        """Begin with the manifest's own words."""
        object.__setattr__(self, "body", self.signed.body)

    @property
    def digest(self) -> bytes:
        """Digest of the manifest, 32 bytes: closes, exceptions and requests name it."""
        return self.signed.digest

    @property
    def amendment_digest(self) -> bytes:
        """Digest of the last amendment in force, or the manifest's; 32 bytes. A spec names it."""
        return self.amendments[-1].digest if self.amendments else self.digest

    @property
    def number(self) -> int:
        """Number of the last amendment in force; 0 is the manifest."""
        return len(self.amendments)

    @property
    def revoked(self) -> frozenset[str]:
        """Ids of everybody whose keys count no longer."""
        return frozenset(name for one in self.amendments for name in one.body.revoked)

    def amended(self, following: Sequence[SignedAmendment]) -> "AmendedManifest":
        """Put further amendments in force.

        Args:
            following: As parsed, in order.

        Raises:
            Refused: `amendment-number`, `amendment-chain`; `officer-approval`, when a named
                officer did not sign the very words, or one signs where none is named; what
                `check_amendment` and `check_manifest` refuse; `amendment-groups`;
                `amendment-privacy`.
            Rejected: `amendment-study`; `unknown-signer`, `bad-signature`; what `check_amendment`
                and `check_manifest` reject.
        """
        manifest = self
        for amendment in following:
            manifest._check_signed(amendment)
            manifest = manifest._amended_by(amendment)
        return manifest

    def as_worded(self, following: Sequence[SignedAmendment]) -> "AmendedManifest":
        """What further amendments say, whoever signed them: for drafts and for reading alone.

        Raises:
            Refused, Rejected: as `amended`, save what signatures and their hands raise.
        """
        manifest = self
        for amendment in following:
            manifest = manifest._amended_by(amendment)
        return manifest

    def up_to(self, number: int) -> "AmendedManifest":
        """The manifest as it stood with that many amendments, each of which is in force here."""
        return AmendedManifest(self.signed).amended(self.amendments[:number])

    def _amended_by(self, amendment: SignedAmendment) -> "AmendedManifest":
        body = amendment.body
        self._check_place(body)
        check_amendment(body, self.body, self.former)
        manifest = _changed(self.body, body)
        check_manifest(manifest)
        _check_same_groups(self.body, manifest)
        check_same_promise(self.signed.body, manifest)
        following = AmendedManifest(self.signed)
        changes = {
            "amendments": (*self.amendments, amendment),
            "body": manifest,
            "epoch": body.number if body.changes_keys else self.epoch,
            "former": (*self.former, *_formerly(self.body, manifest)),
        }
        for name, value in changes.items():
            object.__setattr__(following, name, value)
        return following

    def _check_place(self, body: Amendment) -> None:
        if body.study != self.body.study:
            raise Rejected("amendment-study", f"expected this study, {self.body.study!r}")
        if body.number != self.number + 1:
            raise Refused(
                "amendment-number", f"expected amendment {self.number + 1}, got {body.number}"
            )
        if not hmac.compare_digest(body.previous_digest, self.amendment_digest):
            raise Refused("amendment-chain", f"expected it to name amendment {self.number}")

    def _check_signed(self, amendment: SignedAmendment) -> None:
        verify(amendment.operator, self.body.operator_key)
        officer = self.body.officer
        if officer is None:
            if amendment.officer is not None:
                raise Refused("officer-approval", "expected none: the manifest names no officer")
            return
        if amendment.officer is None or not amendment.operator.same_body(amendment.officer):
            raise Refused(
                "officer-approval", f"expected officer {officer.name!r} to sign the same amendment"
            )
        try:
            verify(amendment.officer, self.body.officer_key)
        except BlindsumError as error:
            raise Refused(
                "officer-approval", f"expected a signature of officer {officer.name!r}"
            ) from error


def _changed(manifest: Manifest, amendment: Amendment) -> Manifest:
    """The manifest's words after an amendment that passed its checks."""
    gone = {*amendment.left, *amendment.revoked}
    clients = {one.name: one for one in manifest.clients if one.name not in gone}
    clients |= {one.name: one for one in (*amendment.rotated, *amendment.joined)}
    roster = tuple(clients[name] for name in sorted(clients))
    schedule = manifest.schedule
    if schedule.quota > len(roster):
        # Nobody can wait for more clients than there are: the whole cohort, then.
        schedule = replace(schedule, quota=0)
    changed = replace(manifest, clients=roster, schedule=schedule)
    new = amendment.committee
    if new is None:
        return changed
    return replace(changed, custodians=new.custodians, threshold=new.threshold, quorum=new.quorum)


def _check_same_groups(before: Manifest, after: Manifest) -> None:
    """A version that waits for a group's sum must still get it, and no second group's."""
    if group_count(before) != group_count(after):
        raise Refused("amendment-groups", f"expected {group_count(before)} groups as before")


def _formerly(before: Manifest, after: Manifest) -> Iterable[tuple[str, tuple[bytes, ...]]]:
    """Ids and keys that an amendment put out of use."""
    enrolled: dict[str, EnrolledClient] = {one.name: one for one in after.clients}
    for client in before.clients:
        now = enrolled.get(client.name)
        if now is None:
            yield client.name, (client.identity, client.agreement_key)
        elif now.agreement_key != client.agreement_key:
            yield "", (client.agreement_key,)
    seated = {one.name: one for one in after.custodians}
    for custodian in before.custodians:
        at_work = seated.get(custodian.name)
        if at_work is None:
            yield custodian.name, (custodian.identity, custodian.wrap_key)
        elif at_work.wrap_key != custodian.wrap_key:
            yield "", (custodian.wrap_key,)
