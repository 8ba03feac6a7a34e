"""Threat T27 again: amendments that nobody, or not everybody, signed for this study and this place.

The aggregator serves every spec and puts amendments into them, so it may try any that it can make,
find or reorder. Here it has all acceptances too: what is left is the amendment's own word.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.adversarial.amended_world import AmendedWorld
from tests.adversarial.line import Line
from tests.adversarial.people import keys_of
from tests.adversarial.world import World

from blindsum_client.client import Client
from blindsum_crypto.errors import Refused, Rejected
from blindsum_custodian.accept import AcceptDuty
from blindsum_protos.convert.signed import sign
from blindsum_rules.acceptance import Acceptance
from blindsum_rules.amendment import SignedAmendment
from blindsum_rules.manifest import Party
from blindsum_rules.signed import Signed
from blindsum_rules.spec import Spec

A = "custodian-0"
Forge = Callable[[AmendedWorld], tuple[SignedAmendment, ...]]


@pytest.fixture
def amended(make_world: Callable[..., World]) -> AmendedWorld:
    """A study with a privacy officer: an amendment takes two hands."""
    officer = Party("officer", keys_of(4, 6).identities["officer"].public)
    return AmendedWorld(make_world(officer=officer))


def revoking(amended: AmendedWorld, **changes: Any) -> SignedAmendment:  # noqa: ANN401
    return amended.amendment(**({"revoked": ("client-00",)} | changes))


def by(amended: AmendedWorld, operator: str, officer: str | None) -> SignedAmendment:
    """The words that revoke a client, by other hands than they need."""
    body, people = amended.body(revoked=("client-00",)), amended.world.people
    approval = None if officer is None else people.sign(body, officer)
    return SignedAmendment(people.sign(body, operator), approval)


def under_a_stolen_name(amended: AmendedWorld) -> SignedAmendment:
    """Signed by the aggregator as `operator`."""
    body, people = amended.body(revoked=("client-00",)), amended.world.people
    forged = sign(body, "operator", people.keys.identities["aggregator"])
    return SignedAmendment(forged, people.sign(body, "officer"))


def approved_otherwise(amended: AmendedWorld) -> SignedAmendment:
    genuine, other = revoking(amended), revoking(amended, revoked=("client-01",))
    return replace(genuine, officer=other.officer)


def the_next_two(amended: AmendedWorld) -> tuple[SignedAmendment, SignedAmendment]:
    first = revoking(amended)
    following = amended.body(
        number=2, previous_digest=first.digest, left=("client-01",), reason="behind the first"
    )
    return first, amended.signed(following)


FORGERIES: dict[str, tuple[Forge, str]] = {
    "by the aggregator": (lambda a: (by(a, "aggregator", "officer"),), "unknown-signer"),
    "under the operator's name": (lambda a: (under_a_stolen_name(a),), "bad-signature"),
    "by one hand": (lambda a: (by(a, "operator", None),), "officer-approval"),
    "by the operator twice": (lambda a: (by(a, "operator", "operator"),), "officer-approval"),
    "other words approved": (lambda a: (approved_otherwise(a),), "officer-approval"),
    "of another study": (lambda a: (revoking(a, study="other-study"),), "amendment-study"),
    "a number left out": (lambda a: (revoking(a, number=2),), "amendment-number"),
    "put in force twice": (lambda a: (revoking(a),) * 2, "amendment-number"),
    "in another order": (lambda a: the_next_two(a)[::-1], "amendment-number"),
    "behind another one": (
        lambda a: (revoking(a, previous_digest=b"x" * 32),),
        "amendment-chain",
    ),
    "of nothing": (lambda a: (a.amendment(),), "amendment-empty"),
}


def proposed(amended: AmendedWorld, amendments: tuple[SignedAmendment, ...]) -> Signed[Spec]:
    """A spec of round 0 that says that these are in force."""
    clients = amended.world.clients
    return amended.world.aggregator.spec(
        amendments=amendments, amendment_digest=amendments[-1].digest, cohort=clients
    )


@contextmanager
def told(amended: AmendedWorld, spec: Signed[Spec], folder: Path) -> Iterator[Client]:
    """A real client to whom a spec is announced with every custodian's acceptance."""
    world = amended.world
    body = Acceptance(spec.body.study, 0, spec.digest, "")
    line = Line(world)
    line.announce(spec, [world.people.sign(body, name) for name in world.custodians])
    client = line.client(world.clients[1], folder / "state")
    try:
        yield client
    finally:
        client.close()


def refusal(client: Client) -> str:
    with pytest.raises((Refused, Rejected)) as caught:
        next(client.rounds())
    return caught.value.rule


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forged_amendment_is_put_in_force_by_nobody(
    amended: AmendedWorld, tmp_path: Path, name: str
) -> None:
    forge, rule = FORGERIES[name]
    spec = proposed(amended, forge(amended))
    amended.start([A])

    assert amended.world.refused(A, AcceptDuty(spec)) == rule
    with told(amended, spec, tmp_path) as client:
        assert refusal(client) == rule
        assert client.standing.round_number == -1


def test_the_genuine_one_is_put_in_force_by_everybody(
    amended: AmendedWorld, tmp_path: Path
) -> None:
    """The control: by both hands, the next number, behind what was before."""
    client_folder, amendment = tmp_path / "client", revoking(amended)
    amended.start([A])
    in_force = amended.put_in_force(amendment)
    first = amended.world.aggregator.spec()
    spec = amended.spec_after(
        first,
        (),
        round_number=0,
        previous=first.body.previous,
        **in_force,
    )

    (acceptance,) = amended.world.perform(A, AcceptDuty(spec))

    assert isinstance(acceptance.body, Acceptance)
    amended.world.people = replace(amended.world.people, manifest=amended.original)
    with told(amended, spec, client_folder) as client:
        assert next(client.rounds()).number == 0


def test_a_spec_cannot_hide_what_it_puts_in_force(amended: AmendedWorld, tmp_path: Path) -> None:
    amendment = revoking(amended)
    hidden = amended.world.aggregator.spec(amendments=(amendment,))
    claimed = amended.world.aggregator.spec(amendment_digest=amendment.digest)
    amended.start([A])

    for place, spec in enumerate((hidden, claimed)):
        assert amended.world.refused(A, AcceptDuty(spec)) == "spec-amendment"
        with told(amended, spec, tmp_path / str(place)) as client:
            assert refusal(client) == "spec-amendment"
