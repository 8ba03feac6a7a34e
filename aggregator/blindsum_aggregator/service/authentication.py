"""Who calls: the signed call in the metadata, its time, its nonce, and what its role may do.

Deny by default: a method that the table does not name is nobody's. Nonces live in memory, so a
call could be repeated within 300 seconds of a restart; every call but the operator's requests is
idempotent, and those keep their own nonces on disk.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from blindsum_aggregator.study import Study
from blindsum_crypto.errors import BlindsumError, Refused, Rejected, Unavailable
from blindsum_protos.calling import SERVICE
from blindsum_protos.convert.signed import signed_from_bytes
from blindsum_rules.party import Role
from blindsum_rules.requests import Call
from blindsum_rules.signed import Signed, verify
from blindsum_rules.spec_checks import CLOCK_SKEW_SECONDS

EVERYBODY: Final = frozenset({Role.OPERATOR, Role.OFFICER, Role.CLIENT, Role.CUSTODIAN})

ROLES: Final[Mapping[str, frozenset[Role]]] = {
    "NextRound": frozenset({Role.CLIENT}),
    "SubmitHeader": frozenset({Role.CLIENT}),
    "UploadPayload": frozenset({Role.CLIENT}),
    "GetOutcome": frozenset({Role.CLIENT}),
    "FetchBlob": frozenset({Role.CLIENT}),
    "FetchSigned": EVERYBODY,
    "Attend": frozenset({Role.CUSTODIAN}),
    "Answer": frozenset({Role.CUSTODIAN}),
    "Operate": frozenset({Role.OPERATOR}),
    "GetStatus": EVERYBODY,
}
"""Which role may call which method of the service."""

_MOST_NONCES: Final = 16_384
"""Calls of one party within the time that a nonce is kept."""


@dataclass(frozen=True, slots=True)
class Caller:
    """A party whose call was verified.

    Attributes:
        study: The study that it calls about.
        name: Its id.
        role: Its role in that study.
    """

    study: Study
    name: str
    role: Role


class Authentication:
    """Verifies the calls to one aggregator."""

    def __init__(self, studies: Mapping[str, Study], clock: Callable[[], float]) -> None:
        self._studies = studies
        self._clock = clock
        self._nonces: dict[tuple[str, str], _Nonces] = {}

    def identify(self, metadata: bytes | None, method: str) -> Caller:
        """Verify the signed call of one method, "NextRound".

        Raises:
            Rejected: `call-unsigned`, when there is none; `unknown-caller`, `bad-signature`; what
                reading it rejects.
            Refused: `unknown-study`; `call-aggregator`, `call-method`, `call-time`, when it was
                made for another aggregator, method or time; `call-repeated`, when its nonce was
                used; `role-not-allowed`; `revoked`, when the caller's keys count no longer.
            Unavailable: `too-many-calls`.
        """
        if metadata is None:
            raise Rejected("call-unsigned", "expected a signed call in the metadata")
        call = signed_from_bytes(Call, metadata)
        study = self._studies.get(call.body.study)
        if study is None:
            raise Refused("unknown-study", f"expected a study served here, got {call.body.study!r}")
        if call.signer in study.callers.revoked:
            raise Refused("revoked", f"expected a party whose keys count, got {call.signer!r}")
        party = study.callers.parties.get(call.signer)
        if party is None:
            raise Rejected("unknown-caller", f"expected a party of the study, got {call.signer!r}")
        role = party.role
        verify(call, {call.signer: party.identity})
        self._check(call, study, method)
        if role not in ROLES.get(method, frozenset()):
            raise Refused("role-not-allowed", f"expected another role than {role} for {method}")
        self._use_nonce(call)
        return Caller(study, call.signer, role)

    def study_named(self, metadata: bytes | None) -> Study:
        """The study that an unverified call names, or any: in whose name it is refused."""
        studies = self._studies
        try:
            name = signed_from_bytes(Call, metadata or b"").body.study
        except BlindsumError:
            name = ""
        return studies.get(name) or next(iter(studies.values()))

    def _check(self, call: Signed[Call], study: Study, method: str) -> None:
        body = call.body
        if body.aggregator != study.manifest.aggregator.name:
            raise Refused("call-aggregator", f"expected {study.manifest.aggregator.name!r}")
        if body.method != SERVICE + method:
            raise Refused("call-method", f"expected {SERVICE + method}, got {body.method}")
        if abs(self._clock() - body.issued_unix) > CLOCK_SKEW_SECONDS:
            raise Refused("call-time", f"expected a call within {CLOCK_SKEW_SECONDS} s of now")

    def _use_nonce(self, call: Signed[Call]) -> None:
        key = (call.body.study, call.signer)
        nonces = self._nonces.setdefault(key, _Nonces(OrderedDict()))
        nonces.use(call.body.nonce, call.body.issued_unix + CLOCK_SKEW_SECONDS, self._clock())


@dataclass(frozen=True, slots=True)
class _Nonces:
    """The nonces of one party, each until no call with its time could be accepted any more."""

    until: OrderedDict[bytes, float]

    def use(self, nonce: bytes, good_until: float, now: float) -> None:
        while self.until and next(iter(self.until.values())) < now:
            self.until.popitem(last=False)
        if nonce in self.until:
            raise Refused("call-repeated", "expected a nonce that was not used before")
        if len(self.until) >= _MOST_NONCES:
            # None is forgotten early: that would make it usable again.
            raise Unavailable("too-many-calls", f"expected at most {_MOST_NONCES} in 600 s")
        # A time in the future keeps those behind it a little longer than needed, never shorter.
        self.until[nonce] = good_until
