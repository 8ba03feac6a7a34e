"""A custodian in one study: duties come in, signed answers or signed refusals go out."""

import hmac
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from blindsum_crypto.errors import BlindsumError, Refused
from blindsum_crypto.identity import WrapKey
from blindsum_crypto.keystore import KeyRing
from blindsum_custodian.accept import AcceptDuty, accept
from blindsum_custodian.admit import AdmitDuty, admit
from blindsum_custodian.close import CloseDuty, close
from blindsum_custodian.endorse import EndorseDuty, endorse
from blindsum_custodian.policy import CustodianPolicy
from blindsum_custodian.release import ReleaseDuty, release
from blindsum_custodian.seat import Seat
from blindsum_custodian.store.database import Store
from blindsum_custodian.store.rounds import open_rounds
from blindsum_custodian.store.studies import bind_study
from blindsum_protos.convert.refusal import refusal_from_error
from blindsum_rules.amended_manifest import AmendedManifest
from blindsum_rules.manifest import Approval, EnrolledCustodian, Manifest
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
            AcceptDuty: accept,
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

    Raises:
        Refused: `not-a-custodian`, when the manifest enrols no custodian with these keys;
            `manifest-changed`, when the store knows the study by another manifest or seat;
            `own-...`, when the custodian's own policy forbids the study; and what
            `check_signed_manifest` raises.
    """

    manifest: Signed[Manifest]
    approval: Signed[Approval] | None
    key_ring: KeyRing
    store: Store = field(repr=False)
    fetch_signed: Callable[[bytes], bytes] = field(repr=False)
    policy: CustodianPolicy = field(default_factory=CustodianPolicy)
    clock: Callable[[], float] = field(default=time.time, repr=False)
    seat: Seat = field(init=False)

    def __post_init__(self) -> None:
        check_signed_manifest(self.manifest, self.approval)
        self.policy.check_manifest(self.manifest.body)
        index, wrap_key = enrolment(self.manifest.body, self.key_ring)
        seat = Seat(
            manifest=AmendedManifest(self.manifest),
            index=index,
            identity=self.key_ring.identity,
            wrap_key=wrap_key,
            store=self.store,
            policy=self.policy,
            fetch_signed=self.fetch_signed,
            clock=self.clock,
        )
        bind_study(self.store, self.manifest, seat.name)
        object.__setattr__(self, "seat", seat)

    def perform(self, duty: Duty) -> tuple[Signed[Any], ...]:
        """Do one duty, keep every answer, and return what is to be sent, in order.

        Returns:
            The answers (`accept` may return closes of the rounds that it leaves, then the
            acceptance), or one signed refusal that names the rule that broke.
        """
        try:
            self.store.check_not_halted()
            return _STEPS[type(duty)](self.seat, duty)
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


def request_digest(duty: Duty) -> bytes:
    """Digest of the signed message that a duty is about, 32 bytes; empty for a close."""
    if isinstance(duty, AcceptDuty):
        return duty.spec.digest
    if isinstance(duty, AdmitDuty):
        return duty.page.digest
    if isinstance(duty, CloseDuty):
        return b""
    return duty.freeze_digest


def enrolment(manifest: Manifest, key_ring: KeyRing) -> tuple[int, WrapKey]:
    """The place of these keys among a manifest's custodians, and the wrap key itself.

    Raises:
        Refused: `not-a-custodian`, when no custodian is enrolled with both.
    """
    wrap_key = key_ring.wrap_key
    if wrap_key is not None:
        for index, enrolled in enumerate(manifest.custodians):
            if _same_keys(enrolled, key_ring.identity.public, wrap_key):
                return index, wrap_key
    raise Refused(
        "not-a-custodian",
        f"expected identity and wrap key of one of {[one.name for one in manifest.custodians]}",
    )


def _same_keys(enrolled: EnrolledCustodian, identity: bytes, wrap_key: WrapKey) -> bool:
    return (
        hmac.compare_digest(enrolled.identity, identity)
        and enrolled.wrap_suite == wrap_key.suite
        and hmac.compare_digest(enrolled.wrap_key, wrap_key.public)
    )
