"""A custodian in one study: duties come in, signed answers or signed refusals go out."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from blindsum_crypto.errors import BlindsumError
from blindsum_crypto.key_rings import identity_of
from blindsum_crypto.keystore import KeyRing
from blindsum_custodian.accept import AcceptDuty, accept
from blindsum_custodian.admit import AdmitDuty, admit
from blindsum_custodian.close import CloseDuty, close
from blindsum_custodian.endorse import EndorseDuty, endorse
from blindsum_custodian.enrolment import enrolment, wrap_keys_of
from blindsum_custodian.policy import CustodianPolicy
from blindsum_custodian.release import ReleaseDuty, release
from blindsum_custodian.seat import Seat
from blindsum_custodian.store.database import Store
from blindsum_custodian.store.rounds import open_rounds
from blindsum_custodian.store.studies import bind_study
from blindsum_protos.convert.refusal import refusal_from_error
from blindsum_rules.amended_manifest import AmendedManifest
from blindsum_rules.amendment import SignedAmendment
from blindsum_rules.manifest import Approval, Manifest
from blindsum_rules.manifest_checks import check_signed_manifest
from blindsum_rules.refusal import Refusal
from blindsum_rules.signed import Signed
from blindsum_rules.transitions import CustodianState

Duty = AcceptDuty | AdmitDuty | EndorseDuty | ReleaseDuty | CloseDuty
"""What the aggregator may ask of a custodian."""

# Any: each step takes its own kind of duty; the key says which.
_STEPS: Final[Mapping[type[Any], Callable[[Seat, Any], tuple[Signed[Any], ...]]]] = (
    MappingProxyType(
        {
            AdmitDuty: admit,
            EndorseDuty: endorse,
            ReleaseDuty: release,
            CloseDuty: close,
        }
    )
)


@dataclass(frozen=True, slots=True)
class RoundStep:
    """A custodian's last step in a round that it has not closed."""

    round_number: int
    state: CustodianState


@dataclass(frozen=True, slots=True)
class Custodian:
    """The key management's part in one study. One thread performs one study's duties.

    Attributes:
        manifest: The study's manifest; its digest was compared out of band.
        approval: The privacy officer's approval, if the manifest names an officer.
        key_ring: The custodian's identity and wrap key; the manifest says which seat they are.
        store: Its memory, shared by its studies.
        fetch_signed: Digest to the bytes of that signed message, from the aggregator.
        policy: Its own floors, which beat the study's.
        clock: UTC seconds.
        amendments: What the study was amended by since, as far as the custodian was told; what
            comes into force with a spec it learns by itself.
        other_keys: Its key rings of other epochs.
        threads: How many threads judge a page of headers together, 1 or more.
        seat: Its seat under the manifest as it was first signed; `Seat.at` has those of rounds.

    Raises:
        Refused: `not-a-custodian`, when no committee of the study has these keys; `one-identity`;
            `manifest-changed`, when the store knows the study by another manifest or seat;
            `own-...`, when the custodian's own policy forbids the study; and what
            `check_signed_manifest` and `AmendedManifest.amended` raise.
    """

    manifest: Signed[Manifest]
    approval: Signed[Approval] | None
    key_ring: KeyRing
    store: Store = field(repr=False)
    fetch_signed: Callable[[bytes], bytes] = field(repr=False)
    policy: CustodianPolicy = field(default_factory=CustodianPolicy)
    clock: Callable[[], float] = field(default=time.time, repr=False)
    amendments: tuple[SignedAmendment, ...] = field(default=(), repr=False)
    other_keys: tuple[KeyRing, ...] = field(default=(), repr=False)
    threads: int = 1
    seat: Seat = field(init=False)

    def __post_init__(self) -> None:
        check_signed_manifest(self.manifest, self.approval)
        known = AmendedManifest(self.manifest).amended(self.amendments)
        self.policy.check_manifest(known.body)
        rings = (self.key_ring, *self.other_keys)
        seat = Seat(
            manifest=AmendedManifest(self.manifest),
            name=enrolment(known, rings),
            identity=identity_of(rings),
            wrap_keys=wrap_keys_of(rings),
            store=self.store,
            policy=self.policy,
            fetch_signed=self.fetch_signed,
            clock=self.clock,
            known=known,
            threads=self.threads,
        )
        bind_study(self.store, self.manifest, seat.name)
        object.__setattr__(self, "seat", seat)

    def perform(self, duty: Duty) -> tuple[Signed[Any], ...]:
        """Do one duty, keep every answer, and return what is to be sent, in order.

        Returns:
            The answers (`accept` may return closes of the rounds that it leaves, then the
            acceptance), or one signed refusal that names the rule that broke: `not-seated`, when
            this custodian is not of the round's committee.
        """
        try:
            self.store.check_not_halted()
            if isinstance(duty, AcceptDuty):
                return accept(self.seat, duty)
            return _STEPS[type(duty)](self._seat_in(round_of(duty)), duty)
        except BlindsumError as error:
            return (self.refuse(error, request_digest(duty)),)

    def refuse(self, error: BlindsumError, request: bytes = b"") -> Signed[Refusal]:
        """Sign a refusal: repeatable, never evidence.

        Args:
            error: Why.
            request: Digest of the signed message that is refused, or empty.
        """
        return self.seat.sign(refusal_from_error(error, self.seat.study, request))

    def attendance(self) -> tuple[RoundStep, ...]:
        """The last step in every round that is not closed, for the aggregator's log."""
        with self.store.reading() as connection:
            standing = open_rounds(connection, self.seat.study)
        return tuple(RoundStep(number, state) for number, state in standing)

    def _seat_in(self, round_number: int) -> Seat:
        """The seat in a round; who is of another committee does nothing in it."""
        with self.store.reading() as connection:
            seat = self.seat.at(connection, round_number)
        seat.check_seated()
        return seat


def round_of(duty: AdmitDuty | EndorseDuty | ReleaseDuty | CloseDuty) -> int:
    """The round that a duty is for."""
    return duty.page.body.round_number if isinstance(duty, AdmitDuty) else duty.round_number


def request_digest(duty: Duty) -> bytes:
    """Digest of the signed message that a duty is about, 32 bytes; empty for a close."""
    if isinstance(duty, AcceptDuty):
        return duty.spec.digest
    if isinstance(duty, AdmitDuty):
        return duty.page.digest
    if isinstance(duty, CloseDuty):
        return b""
    return duty.freeze_digest
