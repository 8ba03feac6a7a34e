"""T29: a custodian or an auditor tries every small sum against every digest that it holds.

The study counts: its one number lies in 0..1000, and everything else of the aggregate is known. So
a digest of the aggregate, or of the model that follows from it, would give the count away to
whoever has the patience for a thousand hashes. Both are salted, and the salt goes to those alone
who may see the sum.
"""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import select
from tests.adversarial.people import initial_model
from tests.adversarial.served_study import ServedStudy, served, valid_now
from tests.adversarial.world import World

from blindsum_aggregator import next_version
from blindsum_aggregator.store.messages import SERVED
from blindsum_aggregator.store.tables import MESSAGES
from blindsum_crypto import domains
from blindsum_crypto.errors import Refused
from blindsum_crypto.primitives import DIGEST_BYTES, digest
from blindsum_custodian.custodian import Duty
from blindsum_protos.calling import AggregatorCalls
from blindsum_protos.convert.call import Caller
from blindsum_protos.convert.signed import signed_to_bytes
from blindsum_rules import transcript
from blindsum_rules.aggregate import SALT_BYTES, Aggregate
from blindsum_rules.manifest import Manifest, Schedule
from blindsum_rules.model import Layout, NamedArray, model_digest, model_salt
from blindsum_rules.next_model import next_model
from blindsum_rules.signed import Signed
from blindsum_rules.transitions import AggregatorState

pytestmark = pytest.mark.slow

Salts = Sequence[tuple[bytes, bytes]]
"""What may have salted an aggregate, and the model's salt that would follow from it."""

LENGTH_DELIMITED = 2
LARGEST_COUNT = 1000
WEIGHT = 4000
CURIOUS = "custodian-0"
ANY_SEAL = pytest.mark.parametrize("seal", ["masking"], indirect=True)
"""Where what is sealed plays no part, and once is enough."""


@dataclass
class View:
    """What somebody holds: bytes in any form, and the 32-byte fields in them."""

    held: list[bytes] = field(default_factory=list)
    fields: set[bytes] = field(default_factory=set)

    def see(self, data: bytes) -> None:
        self.held.append(data)
        # In a message a field of 32 bytes stands behind its tag, of wire type 2, and its length.
        self.fields |= {
            data[at + 2 : at + 2 + DIGEST_BYTES]
            for at, (tag, length) in enumerate(pairwise(data[:-DIGEST_BYTES]))
            if tag & 0x87 == LENGTH_DELIMITED and length == DIGEST_BYTES
        }

    def see_store(self, path: Path) -> None:
        """Every byte of a database's files, and every column of 32 bytes in it."""
        for file in path.parent.iterdir():
            self.held.append(file.read_bytes())
        with closing(sqlite3.connect(path)) as connection:
            tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            for (table,) in tables.fetchall():
                for row in connection.execute(f'SELECT * FROM "{table}"'):  # noqa: S608
                    self.fields |= {one for one in row if isinstance(one, bytes)}
        self.fields = {one for one in self.fields if len(one) == DIGEST_BYTES}

    def digests(self) -> set[bytes]:
        """Every 32 bytes in a row, wherever they stand."""
        return {
            data[at : at + DIGEST_BYTES]
            for data in self.held
            for at in range(len(data) - DIGEST_BYTES + 1)
        }


def guesses(study: Manifest, count: int, salts: Salts) -> Iterator[bytes]:
    """Every digest of an aggregate, or of its model, that a reader of the source would try."""
    values = np.array([count, WEIGHT], np.int64)
    first = initial_model(study.layout)
    model = next_model(study, first, values, bytes(32))
    yield digest(domains.AGGREGATE_COMMITMENT, values.tobytes())
    for salt, salt_of_model in salts:
        yield Aggregate(salt, values).commitment
        # A count that leaves the model as it was says so by the version, which does not grow.
        if not np.array_equal(model, first):
            yield model_digest(model, salt)
            yield model_digest(model, salt_of_model)


def counts_found(study: ServedStudy, *views: View) -> list[set[int]]:
    """For each view, all counts of which some digest is in it, by any salt that is in any view."""
    drawn = set().union(*(view.fields for view in views)) | {bytes(SALT_BYTES)}
    round_id = study.row(0).round_id
    salts = [(b"", b""), *((one, model_salt(one, round_id)) for one in sorted(drawn))]
    known = [view.digests() for view in views]
    found: list[set[int]] = [set() for _ in views]
    for count in range(LARGEST_COUNT + 1):
        guessed = set(guesses(study.world.study, count, salts))
        for counts, digests in zip(found, known, strict=True):
            if not digests.isdisjoint(guessed):
                counts.add(count)
    return found


@dataclass
class Counted:
    """A study of one round that counted, and ended."""

    study: ServedStudy
    curious: View
    count: int

    @property
    def public(self) -> View:
        """What an auditor has at the public level."""
        view = View()
        for path in sorted(self.study.transcript.rglob("*.pb")):
            named = path.name in transcript.PUBLIC_FILES | transcript.END_FILES
            if named or path.name == transcript.MANIFEST:
                view.see(path.read_bytes())
        return view


@pytest.fixture
def count_once(
    make_world: Callable[..., World], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Counted]]:
    """Run the study; `salted`: whether the aggregator draws its salt."""
    with ExitStack() as stack:

        def run(*, salted: bool = True) -> Counted:
            world = make_world(
                layout=Layout((NamedArray("count", ()),)), schedule=one_round(), **valid_now()
            )
            view = watched(world, monkeypatch)
            study = stack.enter_context(served(world, tmp_path / "aggregator"))
            if not salted:
                study.study.randomness = Zeros()
            return counted(study, view)

        yield run


class Zeros:
    """Switch off: the salt is drawn."""

    def bytes(self, count: int) -> bytes:
        return bytes(count)


def one_round() -> Schedule:
    return Schedule(
        max_rounds=1,
        accept_seconds=60,
        contribute_seconds=600,
        release_seconds=300,
        pause_seconds=0,
        quota=0,
    )


def watched(world: World, monkeypatch: pytest.MonkeyPatch) -> View:
    """A view that grows with every message that the curious custodian gets or signs."""
    view, perform = View(), world.perform

    def watching(name: str, duty: Duty) -> tuple[Signed[Any], ...]:
        answers = perform(name, duty)
        if name == CURIOUS:
            for answer in (*signed_in(duty), *answers):
                view.see(signed_to_bytes(answer))
        return answers

    monkeypatch.setattr(world, "perform", watching)
    return view


def signed_in(duty: Duty) -> list[Signed[Any]]:
    """The signed messages that a duty carries."""
    found = [getattr(duty, name, None) for name in ("spec", "page")]
    found += getattr(duty, "endorsements", ())
    found += [entry.contribution for entry in getattr(duty, "entries", ())]
    return [one for one in found if one is not None]


def counted(study: ServedStudy, view: View) -> Counted:
    world, spec = study.world, study.is_open(0)
    drawn = np.random.default_rng(len(spec.body.cohort))
    counts = drawn.integers(0, LARGEST_COUNT // len(spec.body.cohort), len(spec.body.cohort))
    share, rest = divmod(WEIGHT, len(spec.body.cohort))
    for place, (client, count) in enumerate(zip(spec.body.cohort, counts, strict=True)):
        weight = share + (rest if place == 0 else 0)
        study.send(world.seal(spec, client, np.array([count, weight], np.int64)))
    assert study.carry(0) is AggregatorState.PUBLISHED
    assert study.opened(0).tolist() == [int(counts.sum()), WEIGHT]
    # The look into the store comes before the close, which erases half of it.
    view.see_store(world.memory_of(CURIOUS)[0])
    study.close(0)
    study.end()
    view.see_store(world.memory_of(CURIOUS)[0])
    for message in everything_served(study):
        view.see(message)
    return Counted(study, view, int(counts.sum()))


def everything_served(study: ServedStudy) -> list[bytes]:
    """What a party of the manifest may fetch, as if it knew every digest."""
    kinds = select(MESSAGES.c.signed).where(MESSAGES.c.kind.in_(SERVED))
    return study.study.store.read(lambda c: [bytes(one) for one in c.scalars(kinds)])


def test_no_count_is_found_from_all_that_a_custodian_and_an_auditor_hold(
    count_once: Callable[..., Counted],
) -> None:
    counted_once = count_once()
    study, commitment = counted_once.study, counted_once.study.row(0).commitment
    for view in (counted_once.curious, counted_once.public):
        known = view.digests()
        assert commitment in known
        assert study.row(0).next_digest in known
        assert study.aggregate(0).salt not in known

    assert counts_found(study, counted_once.curious, counted_once.public) == [set(), set()]


@ANY_SEAL
def test_a_custodian_gets_neither_the_aggregate_nor_its_salt_from_the_port(
    count_once: Callable[..., Counted],
) -> None:
    study = count_once().study
    identity = study.world.people.keys.identities[CURIOUS]
    calls = AggregatorCalls(f"127.0.0.1:{study.port}", study.world.study, Caller(CURIOUS, identity))
    study.calls.append(calls)

    for wanted in (study.row(0).commitment, study.row(0).next_digest):
        with pytest.raises(Refused) as caught:
            calls.fetch_blob(wanted)
        assert caught.value.rule == "role-not-allowed"
        with pytest.raises(Refused) as unknown:
            calls.fetch_signed(wanted)
        assert unknown.value.rule == "unknown-digest"


@ANY_SEAL
def test_the_control_with_a_salt_of_zeros_both_find_the_count(
    count_once: Callable[..., Counted],
) -> None:
    counted_once = count_once(salted=False)

    found = counts_found(counted_once.study, counted_once.curious, counted_once.public)

    assert found == [{counted_once.count}] * 2


@ANY_SEAL
def test_the_control_with_a_bare_model_digest_both_find_the_count(
    count_once: Callable[..., Counted], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The salted commitment alone is not enough: the next model says the same."""
    monkeypatch.setattr(next_version, "model_salt", lambda *_: b"")
    counted_once = count_once()

    found = counts_found(counted_once.study, counted_once.curious, counted_once.public)

    assert found == [{counted_once.count}] * 2
