"""T14: a client's disk is rolled back, copied or cut off, and it would contribute a second time.

Two contributions of one client to one round, and the difference of two sums is x - x'. So sealed
bytes are on the disk before the first of them leaves, a round number is sealed once, and a folder
that came back from a backup is told from the one that was left.
"""

import hashlib
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.adversarial.client_home import BEFORE_THE_ROW, ClientHome, move_in, values_from
from tests.adversarial.hostile_aggregator import Integers, Sent
from tests.adversarial.served_study import ServedStudy, sent_by, served, valid_now
from tests.adversarial.world import FACE, World, total_of

from blindsum_client.anchor import NONE_SEALED, Anchor
from blindsum_client.client import Client
from blindsum_client.stages import Stage
from blindsum_crypto.errors import Refused
from blindsum_rules.admission import Denial
from blindsum_rules.transitions import AggregatorState

pytestmark = pytest.mark.slow

CLIENT = "client-00"
FIRST, SECOND = 1, 2
"""Seeds of what the client contributes first, and of what it would contribute after that."""

ANY_SEAL = pytest.mark.parametrize("seal", ["masking"], indirect=True)
"""Where what is sealed plays no part, and once is enough."""


@pytest.fixture
def study(make_world: Callable[..., World], tmp_path: Path) -> Iterator[ServedStudy]:
    with served(make_world(**valid_now()), tmp_path / "aggregator") as running:
        yield running


@pytest.fixture
def home(study: ServedStudy, tmp_path: Path) -> ClientHome:
    """The machine of the client, which has not joined yet."""
    return replace(move_in(study, CLIENT, tmp_path / "home"), values_seed=FIRST)


@pytest.fixture
def joined() -> Iterator[ExitStack]:
    """Clients that are closed when the test ends."""
    with ExitStack() as stack:
        yield stack


def digest_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def vector(study: ServedStudy, seed: int) -> Integers:
    return values_from(seed, study.world.study.vector_length)


def the_others(study: ServedStudy) -> list[Sent]:
    """Everybody else contributes to round 0."""
    spec = study.spec(0)
    sent = [study.world.seal(spec, name) for name in spec.body.cohort if name != CLIENT]
    for one in sent:
        study.send(one)
    return sent


def spooled(study: ServedStudy) -> Path:
    """The client's bytes as they arrived for round 0."""
    return study.study.spool.path(0, CLIENT)


@pytest.mark.parametrize("point", [Stage.SEALED, Stage.HEADER, Stage.PAYLOAD])
def test_a_client_killed_between_seal_and_receipt_sends_the_very_same_bytes(
    study: ServedStudy, home: ClientHome, joined: ExitStack, point: Stage
) -> None:
    study.is_open(0)
    home.die(point.value)
    (left,) = (home.state / "outbox").glob("*.sealed")
    before = digest_of(left)

    client = joined.enter_context(closing(home.join()))
    (receipt,) = client._contributor.sender.send_queued()

    assert digest_of(spooled(study)) == before
    assert receipt.body.contribution_digest.hex() == left.stem
    others = the_others(study)
    assert study.carry(0) is AggregatorState.PUBLISHED
    assert np.array_equal(study.opened(0), total_of(others) + vector(study, FIRST))


@ANY_SEAL
def test_a_client_killed_before_its_seal_was_kept_had_sent_nothing(
    study: ServedStudy, home: ClientHome, joined: ExitStack
) -> None:
    study.is_open(0)
    home.die(BEFORE_THE_ROW)
    assert not spooled(study).exists()

    client = joined.enter_context(closing(home.join()))
    client.contribute(next(client.rounds()), vector(study, SECOND))

    others = the_others(study)
    assert study.carry(0) is AggregatorState.PUBLISHED
    assert np.array_equal(study.opened(0), total_of(others) + vector(study, SECOND))


@ANY_SEAL
def test_the_control_when_nothing_is_kept_before_it_is_sent_a_killed_client_seals_again(
    study: ServedStudy, home: ClientHome, joined: ExitStack
) -> None:
    study.is_open(0)
    home.die(Stage.PAYLOAD.value, forgets=True)
    first = digest_of(spooled(study))

    client = joined.enter_context(closing(home.join()))
    sealed = sealed_by(client, vector(study, SECOND))
    with pytest.raises(Refused) as caught:
        client.contribute(next(client.rounds()), vector(study, SECOND))

    assert caught.value.rule == "second-contribution"  # the honest aggregator's word, not its own
    assert hashlib.sha256(sealed[0].sealed.payload).hexdigest() != first


def sealed_by(client: Client, values: Integers) -> list[Sent]:
    """What a client seals from now on, as whoever gets it holds it."""
    sealed: list[Sent] = []

    def on_stage(number: int, stage: Stage) -> None:
        entry = client._contributor.outbox.entry(number)
        if stage is Stage.SEALED and entry is not None:
            sealed.append(sent_by(entry, values))

    client.tell_stages_to(on_stage)
    return sealed


# ---- an old state is put back


def contributed(study: ServedStudy, home: ClientHome, backup: Path) -> tuple[Sent, list[Sent]]:
    """The client contributes to round 0, with a backup of its folder from just before the seal."""
    study.is_open(0)
    with closing(home.join()) as client:
        round_ = next(client.rounds())
        shutil.copytree(home.state, backup)
        sealed = sealed_by(client, vector(study, FIRST))
        client.contribute(round_, vector(study, FIRST))
    return sealed[0], the_others(study)


def test_a_restored_folder_that_has_forgotten_a_seal_is_refused_by_name_and_the_study_goes_on(
    study: ServedStudy, home: ClientHome, joined: ExitStack, tmp_path: Path
) -> None:
    _, others = contributed(study, home, tmp_path / "backup")
    home.restore(tmp_path / "backup")

    client = joined.enter_context(closing(home.join()))
    position = client._follower.position
    assert position is not None
    with pytest.raises(Refused) as caught:
        client._contributor.check_may_seal(position)
    assert caught.value.rule == "restored-state"

    assert study.carry(0) is AggregatorState.PUBLISHED
    assert np.array_equal(study.opened(0), total_of(others) + vector(study, FIRST))
    study.close(0)
    study.is_open(1)
    following = next(client.rounds())
    assert following.number == 1
    client.contribute(following, vector(study, SECOND))


@ANY_SEAL
def test_a_folder_that_comes_back_without_its_anchor_is_refused_by_name(
    study: ServedStudy, home: ClientHome, tmp_path: Path
) -> None:
    contributed(study, home, tmp_path / "backup")

    with pytest.raises(Refused) as caught:
        home.join(tmp_path / "backup")

    assert caught.value.rule == "anchor-missing"


@ANY_SEAL
def test_a_copy_of_a_machine_that_has_sealed_sends_identical_bytes(
    study: ServedStudy, home: ClientHome, joined: ExitStack, tmp_path: Path
) -> None:
    study.is_open(0)
    home.die(Stage.SEALED.value)
    copy = tmp_path / "copy"
    home.copy_to(copy)

    receipts = [
        joined.enter_context(closing(home.join(state)))._contributor.sender.send_queued()
        for state in (home.state, copy)
    ]

    assert receipts[0] == receipts[1]


def test_a_copy_of_a_whole_machine_from_before_the_seal_is_stopped_by_everybody_else(
    study: ServedStudy, home: ClientHome, joined: ExitStack, tmp_path: Path
) -> None:
    """The client cannot tell; the aggregator takes one contribution, the custodians admit one."""
    spec = study.is_open(0)
    client = joined.enter_context(closing(home.join()))
    round_ = next(client.rounds())
    home.copy_to(tmp_path / "copy")
    sealed = sealed_by(client, vector(study, FIRST))
    client.contribute(round_, vector(study, FIRST))

    twin = joined.enter_context(closing(home.join(tmp_path / "copy")))
    sealed_again = sealed_by(twin, vector(study, SECOND))
    with pytest.raises(Refused) as caught:
        twin.contribute(next(twin.rounds()), vector(study, SECOND))
    assert caught.value.rule == "second-contribution"

    # A hostile aggregator shows both, in whatever order.
    for first, second in (sealed + sealed_again, sealed_again + sealed):
        faces, page = faces_of(study.world), [first, second]
        study.world.accept(spec, faces)
        denied = {one.body.denials for one in study.world.admit(spec, page, faces)}
        assert denied == {(Denial(CLIENT, second.contribution.digest, "repeated-client"),)}


def faces_of(world: World) -> list[str]:
    """The custodians with memories that know of nothing yet: a new set for each call."""
    number = len(world.running) // len(world.custodians)
    return [f"{name}{FACE}{number}" for name in world.custodians]


# ---- negative control: the rule of one seal a round switched off


def test_the_control_without_the_rule_of_one_seal_two_sums_give_the_difference_away(
    study: ServedStudy,
    home: ClientHome,
    joined: ExitStack,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The client forgets, and the committee's memories were rolled back with it: x - x', exactly.

    Each contribution has seeds of its own, so one sum alone says nothing of the other; but both
    open, and the others' part is the same in both.
    """
    _, others = contributed(study, home, tmp_path / "backup")
    assert study.carry(0) is AggregatorState.PUBLISHED
    home.restore(tmp_path / "backup")
    monkeypatch.setattr(Anchor, "sealed_through", NONE_SEALED)

    client = joined.enter_context(closing(home.join()))
    again = sealed_by(client, vector(study, SECOND))
    with pytest.raises(Refused):
        client.contribute(next(client.rounds()), vector(study, SECOND))
    world, spec = study.world, study.spec(0)
    members, faces = [*again, *others], faces_of(study.world)
    world.accept(spec, faces)
    world.admit(spec, members, faces)
    freeze = world.aggregator.freeze(spec, members)
    releases = world.release(freeze, world.endorse(freeze, faces), faces)
    second_sum = world.aggregator.open(spec, members, releases)

    difference = study.opened(0) - second_sum

    assert np.array_equal(difference, vector(study, FIRST) - vector(study, SECOND))
