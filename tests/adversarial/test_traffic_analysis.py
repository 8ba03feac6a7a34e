"""Threat T23: somebody who counts bytes on the line and wants to know what is in them.

Who takes part, and when, is visible and declared to be. What is not to be seen is anything of a
vector: every message of a kind has one length in a round, whatever the values, under both seals. A
client's id stands in clear in its header and signature, so a header is as much longer as the id is,
and nothing else is. The control is what compressing before sealing would show.
"""

import zlib
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from google.protobuf.message import Message
from tests.adversarial.client_home import move_in
from tests.adversarial.hostile_aggregator import Integers, Sent
from tests.adversarial.people import Keys, People, found
from tests.adversarial.served_study import served, valid_now
from tests.adversarial.world import World

from blindsum_protos.calling import AggregatorCalls
from blindsum_protos.convert.signed import to_wire
from blindsum_protos.v1 import contribution_pb2
from blindsum_rules.model import Layout, NamedArray
from blindsum_rules.transitions import AggregatorState

IDS = ("a", "bb", "clinic-of-dermatology", "d" * 60)
"""Ascending, as a roster is, and as unlike in length as ids may be."""


def renamed(people: People, names: tuple[str, ...]) -> People:
    """The same people with other ids for the clients."""
    old = people.clients
    new = dict(zip(old, names, strict=True))

    def under_new(keys: Any) -> dict[str, Any]:  # noqa: ANN401 - each table has its own keys
        return {new.get(name, name): key for name, key in keys.items()}

    keys = Keys(
        *map(under_new, (people.keys.identities, people.keys.agreements, people.keys.wraps))
    )
    clients = tuple(replace(one, name=new[one.name]) for one in people.study.clients)
    return replace(people, keys=keys).with_manifest(clients=clients)


@pytest.fixture
def make_named_world(tmp_path: Path, seal: str) -> Iterator[Callable[..., World]]:
    made: list[World] = []

    def make(size: int, **changes: Any) -> World:  # noqa: ANN401 - fields of the manifest
        layout = Layout((NamedArray("weight", (size - 1,)),))
        people = found(clients=len(IDS), seal=seal, layout=layout, **changes)
        made.append(World(renamed(people, IDS), tmp_path / f"world-{len(made)}"))
        return made[-1]

    yield make
    for world in made:
        world.close()


def vectors(world: World) -> dict[str, Integers]:
    """What an update may look like: nothing, everything, one value, a model's, noise."""
    length, bound = world.study.vector_length, world.study.weighted_codec.coordinate_bound
    numbers, one = np.random.default_rng(4), np.zeros(length, np.int64)
    one[length // 2] = 1
    noise = numbers.integers(-bound, bound, length, endpoint=True)
    noise[-1] = bound
    return {
        "zeros": np.zeros(length, np.int64),
        "full": np.full(length, bound, np.int64),
        "one": one,
        "small": np.abs(numbers.normal(0, 3, length).astype(np.int64)),
        "noise": noise,
    }


def lengths(sent: Sent) -> dict[str, int]:
    """Of everything that one upload puts on the line; of a header, beside its client's id."""
    sealed = sent.sealed
    submission = contribution_pb2.HeaderSubmission(
        contribution=to_wire(sealed.contribution), wraps=sealed.wraps, pair_table=sealed.pair_table
    )
    in_clear = 2 * len(sent.client)
    return {
        "payload": len(sealed.payload),
        "header": len(sealed.contribution.body_bytes) - len(sent.client),
        "submission": submission.ByteSize() - in_clear,
        "wraps": sum(map(len, sealed.wraps)),
        "pair table": len(sealed.pair_table),
        "signature": len(sealed.contribution.signature),
    }


@pytest.mark.parametrize("size", [8, 5_000, 40_000])
def test_whatever_is_in_them_and_whoever_sends_them_messages_have_one_length(
    make_named_world: Callable[..., World], size: int
) -> None:
    world = make_named_world(size)
    spec = world.aggregator.spec()

    found_lengths = [
        lengths(world.seal(spec, client, vector))
        for client in world.clients
        for vector in vectors(world).values()
    ]

    assert all(one == found_lengths[0] for one in found_lengths)
    parameters = spec.body.parameters
    assert parameters is not None
    assert found_lengths[0]["payload"] == parameters.payload_bytes(size)
    assert (found_lengths[0]["pair table"] == 0) == (spec.body.seal == "ckks")


def test_sealed_bytes_do_not_shrink_and_so_say_nothing_when_a_line_compresses_them(
    make_named_world: Callable[..., World],
) -> None:
    """TLS and proxies may compress; to what length must not depend on the vector either."""
    world = make_named_world(20_000)
    spec = world.aggregator.spec()
    payloads = [
        world.seal(spec, world.clients[0], vector).sealed.payload
        for vector in vectors(world).values()
    ]

    shrunk = [len(zlib.compress(payload)) / len(payload) for payload in payloads]

    assert max(shrunk) - min(shrunk) < 0.001
    assert min(shrunk) > 0.9  # what is left over: 60-bit words in 64 bits would be 0.94


def test_the_control_that_compressed_before_it_is_sealed_a_vector_shows_in_its_length(
    make_named_world: Callable[..., World],
) -> None:
    """A stream cipher keeps lengths: what stands here is what would be seen on the line."""
    compressed = {
        name: len(zlib.compress(vector.tobytes()))
        for name, vector in vectors(make_named_world(20_000)).items()
    }

    assert len(set(compressed.values())) == len(compressed)
    assert compressed["zeros"] < compressed["small"] < compressed["noise"]


# ---- every call of a whole round


class Recorder(defaultdict[str, list[int]]):
    """Lengths of a client's messages, by call, in the order in which they left."""

    def __init__(self) -> None:
        super().__init__(list)

    @contextmanager
    def recording(self) -> Iterator[None]:
        true_unary, true_upload = AggregatorCalls.unary, AggregatorCalls.upload
        true_metadata = AggregatorCalls._metadata
        record = self

        def unary(calls: AggregatorCalls, method: str, request: Message, seconds: float) -> Any:  # noqa: ANN401
            record[method].append(request.ByteSize())
            return true_unary(calls, method, request, seconds)

        def upload(
            calls: AggregatorCalls,
            chunks: Iterator[contribution_pb2.PayloadChunk],
            seconds: float,
        ) -> contribution_pb2.UploadState:
            def counted() -> Iterator[contribution_pb2.PayloadChunk]:
                for chunk in chunks:
                    record["PayloadChunk"].append(chunk.ByteSize())
                    yield chunk

            return true_upload(calls, counted(), seconds)

        def metadata(calls: AggregatorCalls, method: str) -> tuple[tuple[str, bytes], ...]:
            signed = true_metadata(calls, method)
            record[f"{method}: signed call"].append(len(signed[0][1]))
            return signed

        with (
            patch.object(AggregatorCalls, "unary", unary),
            patch.object(AggregatorCalls, "upload", upload),
            patch.object(AggregatorCalls, "_metadata", metadata),
        ):
            yield


@pytest.mark.slow
def test_every_message_of_a_clients_round_has_one_length_whatever_it_sends(
    make_named_world: Callable[..., World], tmp_path: Path
) -> None:
    """The product's own clients, from joining to the receipt."""
    world = make_named_world(300, **valid_now())
    with served(world, tmp_path / "aggregator") as study:
        spec = study.is_open(0)
        told: dict[str, Recorder] = {}
        choices = vectors(world)
        for client, vector in zip(world.clients[:2], ("zeros", "noise"), strict=False):
            told[client] = Recorder()
            home = move_in(study, client, tmp_path / client)
            with told[client].recording(), home.join() as joined:
                round_ = next(joined.rounds())
                joined.contribute(round_, choices[vector])
        for client in world.clients[2:]:
            study.send(world.seal(spec, client))
        assert study.carry(0) is AggregatorState.PUBLISHED

    # How often a client asks depends on the clock alone; what it asks has one length.
    one, other = (
        {
            call: {length - named_in(call) * len(client) for length in lengths_of_call}
            for call, lengths_of_call in record.items()
        }
        for client, record in told.items()
    )
    assert one == other
    assert {"NextRound", "SubmitHeader", "PayloadChunk"} <= set(one)


def named_in(call: str) -> int:
    """How often a message names its client."""
    return {"SubmitHeader": 2}.get(call, int(call.endswith("signed call")))
