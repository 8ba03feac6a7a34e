"""Clients that spoil: the product's own sealing, with one thing in it replaced.

Everything around the sealed vector stays true (wraps, commitments, header, signature), so that
what stops it is the gate, and not a mistake of the test.
"""

# A seal is handed through whatever its own types are.
# ruff: noqa: ANN401

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from unittest.mock import patch

from tests.adversarial.hostile_aggregator import Integers, Sent
from tests.adversarial.world import World

from blindsum_client import sealing
from blindsum_client.seals import client_seal
from blindsum_crypto import custody
from blindsum_crypto.custody import CustodySeeds
from blindsum_crypto.randomness import Randomness
from blindsum_crypto.seal import ClientSeal
from blindsum_rules.codec.parameters import Codec
from blindsum_rules.signed import Signed
from blindsum_rules.spec import Spec

Sealing = Callable[[ClientSeal, Integers, str, CustodySeeds, Randomness], Any]


class SpoilingSeal:
    """A seal whose owner seals in another way, and opens and measures as it should."""

    def __init__(self, true: ClientSeal, sealing_of: Sealing) -> None:
        self._true = true
        self._sealing_of = sealing_of

    def seal(
        self, values: Integers, client: str, seeds: CustodySeeds, randomness: Randomness
    ) -> Any:
        return self._sealing_of(self._true, values, client, seeds, randomness)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._true, name)


@contextmanager
def unopened() -> Iterator[None]:
    """Switch off: a client opens its own seal before it sends it."""
    with patch.object(sealing, "check_own_opening", lambda *_: None):
        yield


@contextmanager
def sealing_as(sealing_of: Sealing) -> Iterator[None]:
    """Clients that seal in another way."""

    def spoiling(spec: Signed[Spec], *rest: Any) -> Any:
        return SpoilingSeal(client_seal(spec, *rest), sealing_of)

    with patch.object(sealing, "client_seal", spoiling):
        yield


def under_other_seeds(
    seal: ClientSeal,
    values: Integers,
    client: str,
    seeds: CustodySeeds,
    randomness: Randomness,
) -> Any:
    """Seal under seeds that nobody is given: words like any others, which open to nothing."""
    others = CustodySeeds({part: randomness.bytes(custody.SEED_BYTES) for part in seeds})
    return seal.seal(values, client, others, randomness)


def under_other_seeds_but_true_words(
    seal: ClientSeal,
    values: Integers,
    client: str,
    seeds: CustodySeeds,
    randomness: Randomness,
) -> Any:
    """The payload of other seeds, and of the given ones whatever else is said about it."""
    other = under_other_seeds(seal, values, client, seeds, randomness)
    return replace(seal.seal(values, client, seeds, randomness), payload=other.payload)


def garbage(
    world: World, spec: Signed[Spec], client: str, sealing_of: Sealing = under_other_seeds
) -> Sent:
    """What a broken or hostile client sends that does not look at it before."""
    with sealing_as(sealing_of), unopened():
        return world.seal(spec, client)


def poisoned(world: World, spec: Signed[Spec], client: str, value: int) -> Sent:
    """The client's vector with `value` in its first place, whatever bound the study sets it."""
    values = world.values_of(client)
    values[0] = value
    bound = max(abs(value), world.study.weighted_codec.coordinate_bound)
    with patch.object(Codec, "coordinate_bound", bound):
        return world.seal(spec, client, values)


def bound_of(world: World, members: int) -> int:
    """The largest |sum| that so many honest clients can make."""
    return members * world.study.weighted_codec.coordinate_bound
