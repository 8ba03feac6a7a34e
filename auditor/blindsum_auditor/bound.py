"""Bound to its round: a message of another study, round or spec has no place in this one."""

import hmac
from collections import Counter
from collections.abc import Iterable
from typing import Protocol

from blindsum_crypto.errors import Rejected
from blindsum_rules.signed import BodyT, Signed
from blindsum_rules.spec import Spec


class RoundBody(Protocol):
    """A body that names its study, its round and the round's id."""

    @property
    def study(self) -> str:
        """Study id."""
        ...

    @property
    def round_number(self) -> int:
        """Number of the round."""
        ...

    @property
    def round_id(self) -> bytes:
        """The round's id, 32 bytes."""
        ...


def check_bound(bodies: Iterable[RoundBody], spec: Signed[Spec]) -> None:
    """Check that bodies are of the spec's very round.

    Raises:
        Rejected: `wrong-study`, `wrong-round`.
    """
    for body in bodies:
        kind = type(body).__name__
        if body.study != spec.body.study:
            raise Rejected("wrong-study", f"{kind}: expected {spec.body.study!r}")
        same_number = body.round_number == spec.body.round_number
        if not (same_number and hmac.compare_digest(body.round_id, spec.digest)):
            raise Rejected("wrong-round", f"{kind}: expected the number and id of this round")


def bodies_of(signed_bodies: Iterable[Signed[BodyT]]) -> tuple[BodyT, ...]:
    """The bodies of signed messages, in order."""
    return tuple(signed.body for signed in signed_bodies)


def digests_of(signed_bodies: Iterable[Signed[BodyT]]) -> tuple[bytes, ...]:
    """The digests of signed messages, in order."""
    return tuple(signed.digest for signed in signed_bodies)


def holds_all(held: Iterable[bytes], listed: Iterable[bytes]) -> bool:
    """Say whether every listed digest is held, as often as it is listed; more may be held."""
    return Counter(listed) <= Counter(held)
