"""Pair tables at the port: the ones that the clients signed for, and none under a seal without."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.adversarial.hostile_aggregator import Sent
from tests.adversarial.people import found
from tests.adversarial.served_study import ServedStudy, served, valid_now
from tests.adversarial.world import World, total_of

from blindsum_aggregator.store.pair_tables import pair_table_of
from blindsum_crypto.errors import Rejected
from blindsum_rules import transcript
from blindsum_rules.transitions import AggregatorState


@pytest.fixture
def study(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ServedStudy]:
    world = World(found((4, 2, 3), 6, request.param, None, **valid_now()), tmp_path / "world")
    with served(world, tmp_path / "aggregator") as running:
        yield running
    world.close()


masked = pytest.mark.parametrize("study", ["masking"], indirect=True)


def with_table(sent: Sent, table: bytes) -> Sent:
    return Sent(replace(sent.sealed, pair_table=table), sent.values)


@masked
@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (lambda table: table[:-1], "pair-table-length"),
        (lambda table: table + bytes(64), "pair-table-length"),
        (lambda _table: b"", "pair-table-length"),
        (lambda table: table[64:] + table[:64], "pair-table-digest"),
        (lambda table: bytes(len(table)), "pair-table-digest"),
    ],
    ids=["short", "long", "none", "turned", "zeros"],
)
def test_a_table_that_the_client_did_not_sign_for_is_rejected_and_the_true_one_taken(
    study: ServedStudy, change: object, rule: str
) -> None:
    assert callable(change)
    spec = study.is_open(0)
    sent = study.world.seal(spec, "client-00")
    with pytest.raises(Rejected) as caught:
        study.send(with_table(sent, change(sent.sealed.pair_table)))
    assert caught.value.rule == rule
    # Nothing was remembered of it: the others go on, and so does the client.
    others = [study.world.seal(spec, name) for name in spec.body.cohort[1:]]
    for one in (sent, *others):
        study.send(one)
    assert study.carry(0) is AggregatorState.PUBLISHED
    assert np.array_equal(study.opened(0), total_of([sent, *others]))


@pytest.mark.parametrize("study", ["ckks"], indirect=True)
def test_a_table_under_a_seal_without_pairs_is_rejected(study: ServedStudy) -> None:
    spec = study.is_open(0)
    with pytest.raises(Rejected) as caught:
        study.send(with_table(study.world.seal(spec, "client-00"), bytes(64)))
    assert caught.value.rule == "pair-table-length"


def kept(study: ServedStudy, client: str) -> bytes:
    return study.study.store.read(lambda c: pair_table_of(c, study.study.name, 0, client))


@masked
def test_tables_are_kept_until_they_are_filed(study: ServedStudy) -> None:
    spec = study.is_open(0)
    tables = {}
    for name in spec.body.cohort:
        sent = study.world.seal(spec, name)
        tables[name] = sent.sealed.pair_table
        study.send(sent)
    for name, table in tables.items():
        assert kept(study, name) == table

    assert study.carry(0) is AggregatorState.PUBLISHED
    study.close(0)

    filed = study.transcript / transcript.round_file(0, transcript.PAIR_TABLES)
    assert filed.read_bytes() == b"".join(tables[name] for name in sorted(tables))
    assert {kept(study, name) for name in tables} == {b""}
