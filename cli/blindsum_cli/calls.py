"""How commands reach the aggregator: who calls, the operator's requests, how a study stands."""

import hmac
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from blindsum_cli.console import printable
from blindsum_cli.options import check_tls, tls_key_of
from blindsum_crypto.errors import Refused
from blindsum_crypto.identity import Identity
from blindsum_crypto.randomness import SystemRandomness
from blindsum_protos.calling import AggregatorCalls, TlsFiles
from blindsum_protos.convert.amendment import amendments_to_messages
from blindsum_protos.convert.call import Caller
from blindsum_protos.convert.exception import signed_exception_to_message
from blindsum_protos.convert.signed import sign, to_wire
from blindsum_protos.v1 import aggregator_pb2
from blindsum_rules.amendment import SignedAmendment
from blindsum_rules.exception import SignedException
from blindsum_rules.manifest import Manifest
from blindsum_rules.requests import OperatorAction, OperatorRequest
from blindsum_rules.signed import Signed

_TIMEOUT_SECONDS: Final = 20.0
_NONCE_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where an aggregator is.

    Attributes:
        address: "host:port".
        tls: PEM files, or None for plain TCP.
    """

    address: str
    tls: TlsFiles | None = None


@dataclass(frozen=True, slots=True)
class RoundStanding:
    """How one round stands, as the aggregator says.

    Attributes:
        number: Which round.
        state: As in the aggregator's transition table.
        model_version: Version of the model that it starts from.
        invited, received, frozen: How many clients; `frozen` is |U|.
        accepted_by, endorsed_by, released_by, closed_by: Custodians that answered.
        ended_by_rule: Why it was aborted, or empty.
        seconds: Seconds of each phase that is over.
        refusals: "custodian: rule: sentence" each.
        opening_steps_done, opening_steps: How far the opening of its sum is, while it runs; else 0.
    """

    number: int
    state: str
    model_version: int
    invited: int
    received: int
    frozen: int
    accepted_by: tuple[str, ...]
    endorsed_by: tuple[str, ...]
    released_by: tuple[str, ...]
    closed_by: tuple[str, ...]
    ended_by_rule: str
    seconds: Mapping[str, float]
    refusals: tuple[str, ...]
    opening_steps_done: int = 0
    opening_steps: int = 0


@dataclass(frozen=True, slots=True)
class AmendmentStanding:
    """How one amendment stands, as the aggregator says.

    Attributes:
        number: 1, 2, 3, ...
        reason: Why, in the operator's words.
        since_round: The round that put it in force; None while it is pending.
    """

    number: int
    reason: str
    since_round: int | None


@dataclass(frozen=True, slots=True)
class StudyStanding:
    """How a study stands, as the aggregator says.

    Attributes:
        study: Study id.
        rounds: By ascending number.
        ended: Whether the end was accepted by a quorum.
        attending: Custodians that attend now.
        amendments: In order; those that the next spec carries stand at the end.
    """

    study: str
    rounds: tuple[RoundStanding, ...]
    ended: bool
    attending: tuple[str, ...]
    amendments: tuple[AmendmentStanding, ...] = ()

    @property
    def next_round_number(self) -> int:
        """The number that the next spec takes."""
        return max((one.number for one in self.rounds), default=-1) + 1


def endpoint(
    address: str, authority: Path | None, certificate: Path | None, key: Path | None
) -> Endpoint:
    """An endpoint from the options of a command.

    Raises:
        BadParameter: when TLS is asked for by half.
    """
    check_tls(authority, certificate)
    if authority is None:
        return Endpoint(address)
    return Endpoint(address, TlsFiles(authority, certificate, tls_key_of(certificate, key)))


def caller_of(manifest: Manifest, identity: Identity) -> Caller:
    """The party of a study that holds this key.

    Raises:
        Refused: `not-a-party`, when the study knows nobody with it.
    """
    keys = {
        **manifest.operator_key,
        **manifest.officer_key,
        **manifest.aggregator_key,
        **manifest.client_keys,
        **manifest.custodian_keys,
    }
    for name, public in keys.items():
        if hmac.compare_digest(public, identity.public):
            return Caller(name, identity)
    raise Refused("not-a-party", f"expected the key of a party of study {manifest.study!r}")


def operate(
    signed_manifest: Signed[Manifest],
    operator: Identity,
    where: Endpoint,
    request: tuple[OperatorAction, int, str],
    exception: SignedException | None = None,
    amendments: Sequence[SignedAmendment] = (),
) -> str:
    """Send one signed request of the operator and return the aggregator's words.

    Args:
        signed_manifest: The study.
        operator: The operator's key.
        where: The aggregator.
        request: What, for which round number, and why.
        exception: What an `except-round` hands in; nothing else does.
        amendments: What an `amend-study` hands in; nothing else does.

    Raises:
        Refused: `operator-key`, when it is another party's key.
        BlindsumError: the aggregator's refusal.
        Unavailable: `aggregator-unreachable`.
    """
    action, round_number, reason = request
    manifest = signed_manifest.body
    name = manifest.operator.name
    if not hmac.compare_digest(manifest.operator.identity, operator.public):
        raise Refused("operator-key", f"expected the key of operator {name!r}")
    body = OperatorRequest(
        study=manifest.study,
        action=action,
        round_number=round_number,
        reason=reason,
        issued_unix=int(time.time()),
        nonce=SystemRandomness().bytes(_NONCE_BYTES),
        manifest_digest=signed_manifest.digest,
        exception_digest=b"" if exception is None else exception.digest,
        amendment_digest=amendments[-1].digest if amendments else b"",
    )
    submission = aggregator_pb2.OperatorSubmission(
        request=to_wire(sign(body, name, operator)),
        exception=None if exception is None else signed_exception_to_message(exception),
        amendments=amendments_to_messages(amendments),
    )
    reply = _call_once(manifest, Caller(name, operator), where, "Operate", submission)
    return printable(reply.text)


def ask_standing(manifest: Manifest, caller: Caller, where: Endpoint) -> StudyStanding:
    """Ask how a study stands; any party of its manifest may.

    Raises:
        BlindsumError: the aggregator's refusal.
        Unavailable: `aggregator-unreachable`.
    """
    request = aggregator_pb2.StatusRequest(study=manifest.study)
    return _standing(_call_once(manifest, caller, where, "GetStatus", request))


class Standings:
    """Asks for a study's standing again and again, over one connection."""

    def __init__(self, manifest: Manifest, caller: Caller, where: Endpoint) -> None:
        """Prepare the connection; nothing is sent yet."""
        self._calls = AggregatorCalls(where.address, manifest, caller, where.tls)
        self._request = aggregator_pb2.StatusRequest(study=manifest.study)

    def ask(self) -> StudyStanding:
        """Ask now; errors as `ask_standing`."""
        return _standing(self._calls.unary("GetStatus", self._request, _TIMEOUT_SECONDS))

    def close(self) -> None:
        """End the connection."""
        self._calls.close()


# Any: the class of the answer depends on the method.
def _call_once(
    manifest: Manifest,
    caller: Caller,
    where: Endpoint,
    method: str,
    request: Any,  # noqa: ANN401
) -> Any:  # noqa: ANN401
    calls = AggregatorCalls(where.address, manifest, caller, where.tls)
    try:
        return calls.unary(method, request, _TIMEOUT_SECONDS)
    finally:
        calls.close()


def _standing(message: aggregator_pb2.StudyStatus) -> StudyStanding:
    rounds = sorted((_round(one) for one in message.rounds), key=lambda one: one.number)
    return StudyStanding(
        study=message.study,
        rounds=tuple(rounds),
        ended=message.ended,
        attending=tuple(sorted(message.attending)),
        amendments=tuple(
            AmendmentStanding(one.number, one.reason, one.since_round if one.in_force else None)
            for one in message.amendments
        ),
    )


def _round(message: aggregator_pb2.RoundStatus) -> RoundStanding:
    return RoundStanding(
        number=message.round_number,
        state=message.state,
        model_version=message.model_version,
        invited=message.invited,
        received=message.received,
        frozen=message.frozen,
        accepted_by=tuple(message.accepted_by),
        endorsed_by=tuple(message.endorsed_by),
        released_by=tuple(message.released_by),
        closed_by=tuple(message.closed_by),
        ended_by_rule=message.ended_by_rule,
        seconds=dict(message.seconds),
        refusals=tuple(message.refusals),
        opening_steps_done=message.opening_steps_done,
        opening_steps=message.opening_steps,
    )
