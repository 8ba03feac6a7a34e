"""Threat T24: digests, tags or logs of something unsealed, from which an update is guessed.

Tags over plain updates gave back 98 % of the local models of one published protocol: whoever can
guess a vector confirms the guess. So digests here are of sealed bytes, and nothing else that leaves
a client, is stored by anybody or is logged at any level depends on a vector. The control is a log
line with a digest of the integers: the same search finds it, and a count behind it is read off.
"""

import base64
import hashlib
import io
import logging
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import numpy.typing as npt
import pytest
import structlog
from google.protobuf.message import Message
from structlog.testing import capture_logs
from tests.adversarial.coalition import pooled
from tests.adversarial.curious import Watched
from tests.adversarial.hostile_aggregator import Integers, Sent
from tests.adversarial.world import World
from tests.client.people import CLIENTS
from tests.client.running import Study, running_study

from blindsum_client import Client, Update
from blindsum_client.sealing import payload_digest
from blindsum_crypto import domains
from blindsum_crypto.masking.pairs import pair_table_digest
from blindsum_crypto.primitives import digest
from blindsum_crypto.randomness import SeededRandomness, SystemRandomness
from blindsum_protos.calling import AggregatorCalls
from blindsum_rules.header import CoreHeader, wrap_digest

SHORTEST = 12
"""Bytes of a digest that are searched: shortened fingerprints are found too."""

Arrays = dict[str, npt.NDArray[np.float32]]


# ---- field by field


def repeating() -> SeededRandomness:
    return SeededRandomness(b"the same again")


def differing(one: CoreHeader, other: CoreHeader) -> set[str]:
    return {
        field.name
        for field in fields(CoreHeader)
        if getattr(one, field.name) != getattr(other, field.name)
    }


def two_updates(world: World) -> tuple[Integers, Integers]:
    length = world.study.vector_length
    return np.zeros(length, np.int64), np.arange(length, dtype=np.int64)


def test_of_two_vectors_under_equal_seeds_nothing_differs_but_the_sealed_bytes_and_their_digest(
    world: World,
) -> None:
    client = Watched(world, world.aggregator.spec(), repeating)
    one, other = (client.upload(vector) for vector in two_updates(world))

    assert differing(core_of(one), core_of(other)) == {"payload_digest"}
    assert one.sealed.pair_table == other.sealed.pair_table
    seeds_of_one, seeds_of_other = (pooled(world, sent, world.custodians) for sent in (one, other))
    assert dict(seeds_of_one) == dict(seeds_of_other)
    for sent in (one, other):
        assert core_of(sent).payload_digest == payload_digest(sent.sealed.payload)
        named = tuple(wrap_digest(wrap) for wrap in sent.sealed.wraps)
        assert sent.contribution.body.wrap_digests == named
        assert core_of(sent).payload_bytes == len(sent.sealed.payload)


def test_of_one_vector_under_fresh_seeds_everything_differs_that_is_not_of_the_round(
    world: World, seal: str
) -> None:
    client = Watched(world, world.aggregator.spec(), SystemRandomness)
    vector, _ = two_updates(world)
    one, other = client.upload(vector), client.upload(vector)

    drawn = {"payload_digest", "seed_commitments"}
    if seal == "masking":
        drawn |= {"self_commitment", "pair_table_digest"}
        assert core_of(one).pair_table_digest == pair_table_digest(one.sealed.pair_table)
    assert differing(core_of(one), core_of(other)) == drawn
    same = {field.name for field in fields(CoreHeader)} - drawn
    assert same >= {"study", "round_number", "round_id", "client", "seal", "payload_bytes"}


def core_of(sent: Sent) -> CoreHeader:
    return sent.contribution.body.core


# ---- the search, in everything that a round leaves


def spellings(values: npt.NDArray[Any]) -> Iterator[bytes]:
    """The bytes that somebody might take a digest of."""
    for kind in ("<i8", ">i8", "<i4", ">i4", "<f4", ">f4", "<f8", ">f8"):
        yield values.astype(kind).tobytes()
    yield str(values.tolist()).encode()
    buffer = io.BytesIO()
    np.save(buffer, values)
    yield buffer.getvalue()


def digests(data: bytes) -> Iterator[bytes]:
    """By the usual functions, and by the project's own under every label that it has."""
    for name in ("md5", "sha1", "sha256", "sha512", "blake2b", "blake2s", "sha3_256"):
        yield hashlib.new(name, data).digest()
    labels = {value for name, value in vars(domains).items() if name.isupper()}
    yield from (digest(label, data) for label in labels if isinstance(label, str))


def traces(secrets: Iterable[npt.NDArray[Any]]) -> set[bytes]:
    """What is not to stand anywhere: digests as bytes, as hexadecimal digits and in base 64."""
    found = set()
    for values in secrets:
        for spelling in spellings(values):
            for one in digests(spelling):
                found |= {one[:SHORTEST], one.hex()[: 2 * SHORTEST].encode()}
                found.add(base64.b64encode(one)[: SHORTEST * 4 // 3])
    return found


def found_in(haystack: Iterable[bytes], wanted: Iterable[bytes]) -> set[bytes]:
    """Which of the wanted stand anywhere: by their first eight bytes, then whole."""
    everything = b"\0".join(haystack)
    first = {one: np.frombuffer(one, "<u8", 1)[0] for one in wanted}
    keys = np.unique(np.array(list(first.values()), np.uint64))
    seen: set[int] = set()
    for offset in range(8):
        words = np.frombuffer(everything, "<u8", (len(everything) - offset) // 8, offset)
        places = np.minimum(np.searchsorted(keys, words), len(keys) - 1)
        seen.update(words[keys[places] == words].tolist())
    return {one for one, key in first.items() if int(key) in seen and one in everything}


def files_below(folder: Path) -> Iterator[bytes]:
    return (path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


class Wire:
    """Every byte that clients send, as messages."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []

    def unary(self, true: Callable[..., Any]) -> Callable[..., Any]:
        def call(calls: AggregatorCalls, method: str, request: Message, seconds: float) -> Any:  # noqa: ANN401
            self.sent.append(request.SerializeToString())
            return true(calls, method, request, seconds)

        return call

    def upload(self, true: Callable[..., Any]) -> Callable[..., Any]:
        def call(calls: AggregatorCalls, chunks: Iterator[Message], seconds: float) -> Any:  # noqa: ANN401
            def kept() -> Iterator[Message]:
                for chunk in chunks:
                    self.sent.append(chunk.SerializeToString())
                    yield chunk

            return true(calls, kept(), seconds)

        return call


def update_of(name: str, model: Arrays) -> Update:
    step = 0.1 * (1 + CLIENTS.index(name))
    return Update({key: np.full_like(array, step) for key, array in model.items()}, records=100)


def take_part(study: Study, name: str) -> tuple[list[npt.NDArray[Any]], bytes]:
    """One round of the front page's loop: what was secret in it, and what was sealed."""
    with study.join(name) as client:
        round_ = next(client.rounds())
        update = update_of(name, round_.model)
        integers = client.encode(round_, update)
        receipt = client.contribute(round_, integers)
        assert client.outcome(round_).included
    flat = np.concatenate([update.arrays[key].ravel() for key in ("weight", "bias")])
    return [integers, integers[:-1], flat, *update.arrays.values()], (
        receipt.body.contribution_digest
    )


def a_round(folder: Path, seal: str) -> tuple[list[bytes], list[npt.NDArray[Any]], list[bytes]]:
    """Everything that a round left behind, the vectors in it, and the digests of sealed bytes.

    The product's own aggregator, custodians and clients over sockets, all at the level DEBUG.
    """
    wire, log = Wire(), io.StringIO()
    handler = logging.StreamHandler(log)
    root = logging.getLogger()
    level_before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        with (
            capture_logs() as lines,
            patch.object(AggregatorCalls, "unary", wire.unary(AggregatorCalls.unary)),
            patch.object(AggregatorCalls, "upload", wire.upload(AggregatorCalls.upload)),
            running_study(folder, seals=(seal,)) as study,
            ThreadPoolExecutor(len(CLIENTS)) as hospitals,
        ):
            told = list(hospitals.map(lambda name: take_part(study, name), CLIENTS))
    finally:
        root.removeHandler(handler)
        root.setLevel(level_before)
    assert {line["event"] for line in lines} >= {"receipt", "answered", "round"}
    secrets = [values for of_client, _ in told for values in of_client]
    sums = [np.sum([of_client[place] for of_client, _ in told], axis=0) for place in (0, 1)]
    haystack = [*wire.sent, log.getvalue().encode(), repr(lines).encode(), *files_below(folder)]
    return haystack, [*secrets, *sums], [sealed for _, sealed in told]


@pytest.mark.slow
def test_no_digest_of_a_vector_stands_in_a_message_a_file_or_a_log_line(
    tmp_path: Path, seal: str
) -> None:
    haystack, secrets, sealed = a_round(tmp_path, seal)

    assert found_in(haystack, traces(secrets)) == set()
    # The search sees what is there: digests of sealed bytes.
    assert found_in(haystack, sealed) == set(sealed)


# ---- the control


def count_of(integers: Integers, line: str) -> int | None:
    """Try every count in the first place of an otherwise known vector against a log line."""
    for count in range(1001):
        guess = integers.copy()
        guess[0] = count
        if hashlib.sha256(guess.tobytes()).hexdigest() in line:
            return count
    return None


@pytest.mark.slow
@pytest.mark.parametrize("seal", ["masking"], indirect=True)
def test_the_control_that_a_digest_in_a_log_line_is_found_and_gives_the_update_away(
    tmp_path: Path, seal: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    true = Client.contribute

    def careless(client: Client, round_: Any, integers: Integers) -> Any:  # noqa: ANN401
        integers[0] = 417
        what = hashlib.sha256(integers.tobytes()).hexdigest()
        structlog.get_logger().debug("sealing", client=client.name, digest=what)
        return true(client, round_, integers)

    monkeypatch.setattr(Client, "contribute", careless)

    haystack, secrets, _ = a_round(tmp_path, seal)

    assert found_in(haystack, traces(secrets))
    (line,) = (one.decode() for one in haystack if b"'sealing'" in one)
    assert count_of(secrets[0], line) == 417
