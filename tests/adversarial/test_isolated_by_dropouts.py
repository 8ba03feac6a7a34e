"""Threat T9: the server chooses who "drops out", so that few survivors share masks with each other.

Dropouts are the server's word: it may leave out of U whom it likes, and gets the masks that the
members shared with everybody left out. Where the graph of pairs falls apart without them, each
piece of it opens by itself: the sum of a group, or one vector. What stops it: every two clients
share a mask, so the survivors of any choice hang together. Under `ckks` there are no pairs, and a
release opens one sum whoever is left out. The control is the same search where clients share masks
with their neighbours on a ring alone, as SecAgg+ has it (Bell et al. 2020, whose graphs are random
and unknown to the server until the clients' choice of neighbours is fixed).
"""

from collections.abc import Callable, Iterator
from itertools import combinations

import numpy as np
import numpy.typing as npt
import pytest
from tests.adversarial.collected_round import Collected, collected, seen
from tests.adversarial.linear_knowledge import Knowledge
from tests.adversarial.released_secrets import Secrets, opened_group, released_secrets
from tests.adversarial.world import World, total_of

from blindsum_crypto.errors import Aborted
from blindsum_crypto.masking.round import MaskingRound

CLIENTS = 8
REACH = 2
"""On the small ring a client shares masks with two neighbours on either side."""

RING, NEIGHBOURS = 300, 94
"""Clients on the large ring, and with how many of them each shares a mask."""

ALL_SIZES = range(3, CLIENTS + 1)


def cohort_of(count: int) -> tuple[str, ...]:
    return tuple(f"client-{place:02}" for place in range(count))


def on_a_ring(clients: tuple[str, ...], reach: int) -> Callable[[str, str], bool]:
    """Who shares a mask where everybody does with `reach` neighbours on either side."""
    places = {client: place for place, client in enumerate(clients)}

    def share(one: str, other: str) -> bool:
        apart = abs(places[one] - places[other])
        return min(apart, len(clients) - apart) <= reach

    return share


def choices(clients: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Every U that the policy permits: the search is exhaustive."""
    return (chosen for size in ALL_SIZES for chosen in combinations(clients, size))


def after_a_release(clients: tuple[str, ...], share: Callable[[str, str], bool]) -> Knowledge:
    """What the server saw before it chose: everybody's sealed vector."""
    known = Knowledge(clients, "masking", share=share)
    known.learn(*(known.sealed(client) for client in clients))
    return known


def open_combinations(known: Knowledge, chosen: tuple[str, ...]) -> int:
    """How many independent sums open when this set is released: one, where nothing is isolated."""
    rows = [known.self_masks(client) for client in chosen]
    for client in chosen:
        rows += [
            known.pair_mask(client, peer) for peer in known.peers(client) if peer not in chosen
        ]
    after = Knowledge(known.clients, "masking", [*known.rows, *rows], known.share)
    return after.known_values()


# ---- the complete graph


def test_whoever_is_said_to_have_dropped_out_the_released_bytes_open_the_whole_sum_alone(
    make_world: Callable[..., World],
) -> None:
    """Every set of eight clients, read from the bytes that custodians would release for it."""
    world = make_world(clients=CLIENTS)
    round_ = collected(world, world.aggregator.spec())

    for chosen in choices(world.clients):
        known = seen(round_, chosen, ())

        assert known.known_values() == 1
        assert known.gives(known.value(*chosen))


def test_colluding_clients_isolate_nobody_either(make_world: Callable[..., World]) -> None:
    """Two clients, among the survivors or among those left out, tell the server all they know."""
    world = make_world(clients=CLIENTS)
    round_ = collected(world, world.aggregator.spec())
    corrupt = (world.clients[0], world.clients[5])
    for chosen in choices(world.clients):
        honest = sorted(set(chosen) - set(corrupt))
        if len(honest) < 2:
            continue

        known = seen(round_, chosen, corrupt)

        assert known.known_values() == len(corrupt) + 1
        assert known.gives(known.value(*honest))


# ---- the control: a ring


def test_the_control_that_the_same_search_isolates_survivors_of_a_ring() -> None:
    clients = cohort_of(CLIENTS)
    complete = after_a_release(clients, lambda _one, _other: True)
    ring = after_a_release(clients, on_a_ring(clients, REACH))

    most = {
        name: max(open_combinations(graph, chosen) for chosen in choices(clients))
        for name, graph in (("complete", complete), ("ring", ring))
    }

    assert most == {"complete": 1, "ring": 2}


def pieces(edges: npt.NDArray[np.bool_]) -> list[list[int]]:
    """The connected pieces of a graph, by its adjacency."""
    left, found = set(range(len(edges))), []
    while left:
        piece = np.zeros(len(edges), np.bool_)
        piece[min(left)] = True
        while (grown := piece | edges[piece].any(0)).sum() > piece.sum():
            piece = grown
        found.append(np.flatnonzero(piece).tolist())
        left -= set(found[-1])
    return found


def cut(ring: npt.NDArray[np.intp], start: int, group: int) -> npt.NDArray[np.intp]:
    """The survivors when the server drops both flanks of an arc of so many clients."""
    flank = NEIGHBOURS // 2
    turned = np.roll(ring, -start)
    return np.concatenate([turned[flank : flank + group], turned[2 * flank + group :]])


def ring_of(order: npt.NDArray[np.intp]) -> npt.NDArray[np.bool_]:
    """Adjacency where clients stand on a ring in this order."""
    places = np.argsort(order)
    apart = np.abs(places[:, None] - places[None, :])
    apart = np.minimum(apart, len(order) - apart)
    edges: npt.NDArray[np.bool_] = (apart > 0) & (apart <= NEIGHBOURS // 2)
    return edges


@pytest.mark.parametrize("group", [2, 10, 50])
def test_the_control_that_an_arc_of_a_ring_of_300_with_94_neighbours_is_cut_out(group: int) -> None:
    """A server that knows the ring, as it does once clients have told it their neighbours."""
    numbers = np.random.default_rng(9)
    for _ in range(20):
        order = numbers.permutation(RING).astype(np.intp)
        survivors = cut(order, int(numbers.integers(RING)), group)

        found = pieces(ring_of(order)[np.ix_(survivors, survivors)])

        assert sorted(len(piece) for piece in found) == sorted([group, len(survivors) - group])
        assert len(survivors) == RING - NEIGHBOURS


def test_the_same_cut_of_a_complete_graph_of_300_leaves_one_piece() -> None:
    numbers = np.random.default_rng(9)
    edges = ~np.eye(RING, dtype=np.bool_)
    for group in (2, 10, 50):
        survivors = cut(numbers.permutation(RING).astype(np.intp), 0, group)
        assert len(pieces(edges[np.ix_(survivors, survivors)])) == 1


# ---- on real bytes


ABSENT = ("client-02", "client-04")
VICTIM = "client-03"
"""Between the two on a ring of ids."""


def played(world: World) -> tuple[Collected, list[str], Secrets]:
    """A round whose server leaves out the victim's neighbours: its members, and what it gets."""
    round_ = collected(world, world.aggregator.spec())
    members = round_.outside(ABSENT)
    freeze = world.aggregator.freeze(round_.spec, round_.of(members))
    releases = world.release(freeze, world.endorse(freeze))
    return round_, members, released_secrets(world, releases, members, list(ABSENT))


@pytest.mark.parametrize("seal", ["masking"], indirect=True)
def test_the_bytes_of_a_release_open_all_members_together_and_no_group_of_them(
    make_world: Callable[..., World],
) -> None:
    round_, members, secrets = played(make_world(clients=CLIENTS))

    assert np.array_equal(
        opened_group(round_.world, round_.spec, round_.of(members), secrets),
        total_of(round_.of(members)),
    )
    for group in ([VICTIM], members[1:], members[:2]):
        with pytest.raises(Aborted) as caught:
            opened_group(round_.world, round_.spec, round_.of(group), secrets)
        assert caught.value.rule == "padding-gate"


@pytest.mark.parametrize("seal", ["masking"], indirect=True)
def test_the_control_that_clients_on_a_ring_are_opened_one_by_one(
    make_world: Callable[..., World], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The product's own clients and custodians, with neighbours on a ring of two each."""
    everybody = MaskingRound.peers

    def neighbours(self: MaskingRound, client: str) -> tuple[str, ...]:
        share = on_a_ring(self.cohort, 1)
        return tuple(peer for peer in everybody(self, client) if share(client, peer))

    monkeypatch.setattr(MaskingRound, "peers", neighbours)
    round_, members, secrets = played(make_world(clients=CLIENTS))
    rest = [member for member in members if member != VICTIM]

    (victim,) = round_.of([VICTIM])
    assert np.array_equal(
        opened_group(round_.world, round_.spec, round_.of([VICTIM]), secrets), victim.values
    )
    assert np.array_equal(
        opened_group(round_.world, round_.spec, round_.of(rest), secrets), total_of(round_.of(rest))
    )
