"""A client's part in statistics, against the real aggregator and custodians over sockets."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.client.people import CLIENTS
from tests.client.running import Study, running_study
from tests.client.stage import Stage
from tests.rules.statistics.conftest import make_query, privately, statistics

from blindsum_client import Client, Round, Update
from blindsum_client.respondent import Respondent
from blindsum_client.statistics import StatisticResult, count, mean
from blindsum_crypto.errors import BlindsumError, Refused, Rejected, Unavailable
from blindsum_rules.manifest import DifferencingScope, StudyKind
from blindsum_rules.statistics.answered import ANSWERED_RULE

QUERIES = (
    make_query("ages", cells=mean("age", "age", 0, 99), date_column="day"),
    make_query("all", cells=count("all"), date_column="day"),
)


def records_of(name: str) -> dict[str, Any]:
    size = 5 + CLIENTS.index(name)
    return {"age": [20 + index for index in range(size)], "day": ["2026-01-10"] * size}


@pytest.fixture
def study(tmp_path: Path) -> Iterator[Study]:
    with running_study(
        tmp_path,
        first={"answered": np.zeros((), np.float32)},
        kind=StudyKind.STATISTIC,
        codec=None,
        update_rule=ANSWERED_RULE,
        no_differencing=DifferencingScope.STUDY,
        queries=QUERIES,
    ) as running:
        yield running


def expected() -> list[list[int]]:
    ages = [age for name in CLIENTS for age in records_of(name)["age"]]
    return [[sum(ages), len(ages)], [len(ages)]]


def by_hand(study: Study, name: str) -> list[tuple[StatisticResult, ...]]:
    """Answer every round, and read the results after each and at the end."""
    read = []
    with study.join(name) as client:
        before: Round | None = None
        for round_ in client.rounds():
            read.append(client.statistics.results())
            assert client.statistics.query(round_) == QUERIES[round_.number]
            check_refusals(client, round_, before)
            client.contribute(round_, client.statistics.answer(round_, records_of(name)))
            assert client.outcome(round_).included
            before = round_
        read.append(client.statistics.results())
        check_a_false_aggregate(client)
    return read


def check_refusals(client: Client, round_: Round, before: Round | None) -> None:
    """What trains has no place here, and a round that is over asks nothing."""
    with pytest.raises(Refused) as caught:
        client.encode(round_, Update({"answered": np.zeros((), np.float32)}, records=1))
    assert caught.value.rule == "study-kind"
    with pytest.raises(Refused) as caught:
        client.encode_units(round_, [np.zeros((1, 1))])
    assert caught.value.rule == "study-kind"
    if before is not None:
        with pytest.raises(Refused) as caught:
            client.statistics.answer(before, records_of(client.name))
        assert caught.value.rule == "stale-round"


def check_a_false_aggregate(client: Client) -> None:
    """One value more is not what the accepted specs bind."""
    answering = client.statistics
    fetch = answering.follower.chain.fetch_blob

    def falsified(digest: bytes) -> bytes:
        blob = bytearray(fetch(digest))
        blob[-8] ^= 1
        return bytes(blob)

    chain = replace(answering.follower.chain, fetch_blob=falsified)
    follower = replace_chain(answering.follower, chain)
    with pytest.raises(Rejected) as caught:
        replace(answering, follower=follower).results()
    assert caught.value.rule == "aggregate-commitment"


def replace_chain(follower: Any, chain: Any) -> Any:  # noqa: ANN401
    """The same follower with another chain."""
    changed = replace(follower, chain=chain)
    changed.position = follower.position
    return changed


@pytest.mark.slow
def test_results_come_one_query_after_the_other_as_accepted_specs_bind_them(study: Study) -> None:
    def respond(name: str) -> tuple[StatisticResult, ...]:
        with study.join(name) as client:
            return Respondent(client, records_of(name)).run()

    with ThreadPoolExecutor(len(CLIENTS)) as hospitals:
        first = hospitals.submit(by_hand, study, CLIENTS[0])
        others = [hospitals.submit(respond, name) for name in CLIENTS[1:]]
        read = first.result(120)
        found = [read[-1], *(one.result(120) for one in others)]

    assert [len(results) for results in read] == [0, 1, 2]
    for results in found:
        assert [one.query for one in results] == list(QUERIES)
        assert [one.values.tolist() for one in results] == expected()
        assert {one.members for one in results} == {tuple(sorted(CLIENTS))}
        assert results[0].mean("age").deviation == 0


@pytest.mark.slow
def test_a_respondent_ends_by_name_where_its_own_table_is_wrong(study: Study) -> None:
    wrong = {name: {"age": [1000], "day": ["2026-01-10"]} for name in CLIENTS[:1]}
    wrong[CLIENTS[1]] = {"years": [40], "day": ["2026-01-10"]}
    for (name, table), rule in zip(wrong.items(), ("query-range", "records-column"), strict=True):
        with study.join(name) as client, pytest.raises(BlindsumError) as caught:
            Respondent(client, table).run()
        assert caught.value.rule == rule


def test_a_respondent_of_a_closed_client_says_that_it_was_stopped(
    stage: Stage, tmp_path: Path
) -> None:
    client = stage.client(tmp_path)
    client.close()
    with pytest.raises(Unavailable) as caught:
        Respondent(client, {}).run()
    assert caught.value.rule == "stopped"


def test_a_respondent_with_more_records_than_a_private_study_sums_takes_part_in_no_round(
    stage: Stage, tmp_path: Path
) -> None:
    queries = tuple(replace(one, max_records=3) for one in QUERIES)
    body = statistics(*queries)
    study = replace(
        stage.manifest.body,
        kind=body.kind,
        codec=None,
        layout=body.layout,
        initial_model_digest=body.initial_model_digest,
        update_rule=body.update_rule,
        queries=queries,
    )
    stage.manifest = stage.people.sign(privately(study), "operator")
    table = {"age": [40] * 4, "day": ["2026-01-10"] * 3 + ["2025-01-10"]}

    with stage.client(tmp_path) as client, pytest.raises(Refused) as caught:
        Respondent(client, table).run()

    assert caught.value.rule == "units-per-client"


def test_a_study_that_trains_has_no_statistics(stage: Stage, tmp_path: Path) -> None:
    stage.open_round()
    with stage.client(tmp_path) as client:
        round_ = next(iter(client.rounds()))
        calls: list[Callable[[], object]] = [
            client.statistics.results,
            lambda: client.statistics.query(round_),
            lambda: client.statistics.answer(round_, {}),
            lambda: Respondent(client, {}).run(),
        ]
        for call in calls:
            with pytest.raises(Refused) as caught:
                call()
            assert caught.value.rule == "study-kind"
