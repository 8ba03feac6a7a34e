"""T13 with T30: a client and a custodian lie to match, so that an honest one stands there as false.

What t custodians released alike is true, since one of them is honest: these parts alone say whose
commitment is false, and whose parts are.
"""

from dataclasses import replace

import pytest
from tests.adversarial.false_answers import ABSENT, CHANGE, LIAR, failure, names_in, with_lie
from tests.adversarial.hostile_aggregator import Integers
from tests.adversarial.spoilers import sealing_as, unopened
from tests.adversarial.world import World

from blindsum_aggregator import combining
from blindsum_aggregator.combining import NotOpened
from blindsum_crypto.custody import CustodySeeds
from blindsum_crypto.masking.pairs import self_commitment, self_secret, xor
from blindsum_crypto.randomness import Randomness
from blindsum_crypto.seal import ClientSeal, SealedVector


@pytest.fixture
def seal() -> str:
    """The seal that has pairs."""
    return "masking"


def test_a_custodian_cannot_hide_a_false_client_behind_a_gate(world: World) -> None:
    """The client commits to what custodian-0 will say, and masks with what its seeds give.

    Under the lie every commitment holds and the zeros do not: that attempt came furthest, and its
    parts are the false ones.
    """

    def committing_to_the_lie(
        seal: ClientSeal, values: Integers, name: str, seeds: CustodySeeds, drawn: Randomness
    ) -> SealedVector:
        secret = xor(self_secret(seeds, spec.digest, name), CHANGE)
        sealed = seal.seal(values, name, seeds, drawn)
        return replace(sealed, self_commitment=self_commitment(spec.digest, name, secret))

    spec = world.aggregator.spec()
    world.accept(spec)
    with sealing_as(committing_to_the_lie), unopened():
        sent = [world.seal(spec, LIAR)]
    sent += world.seal_all(spec, [name for name in world.clients if name not in {LIAR, ABSENT}])
    world.admit(spec, sent)
    freeze = world.aggregator.freeze(spec, sent)
    releases = world.release(freeze, world.endorse(freeze))
    hiding = [with_lie(world, releases[0], member=0), *releases[1:]]

    error = failure(world, spec, sent, hiding)

    assert error.rule == "self-commitment"
    assert names_in(error) == [LIAR]
    assert isinstance(error, NotOpened)
    assert error.custodians == (0,)


def test_the_control_without_what_t_released_alike_the_false_client_stays_hidden(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(combining, "_certain", lambda _committee, _released: None)
    with pytest.raises(AssertionError, match="padding-gate"):
        test_a_custodian_cannot_hide_a_false_client_behind_a_gate(world)
