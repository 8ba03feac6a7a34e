"""Statistics in real processes: an aborted round asks its query again, the last one ends it all.

Four hospitals answer by `blindsum statistic answer`, from tables of their own.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from tests.integration.town import Town

from blindsum_auditor.report import Level, Report
from blindsum_auditor.verify import verify
from blindsum_cli.calls import Endpoint, operate
from blindsum_cli.demo.heart_disease import HOSPITALS
from blindsum_cli.demo.processes import running
from blindsum_cli.demo.study_setup import DemoSetup
from blindsum_cli.statistics_demo.outcome import compare
from blindsum_cli.statistics_demo.roles import start_respondent
from blindsum_cli.statistics_demo.study import results_of, set_up_statistics
from blindsum_rules.requests import OperatorAction

pytestmark = pytest.mark.slow

STUDIES = [("ckks", None), ("masking", None), ("masking", 2.0), ("ckks", 2.0)]


@dataclass(frozen=True)
class Ran:
    """A study whose queries are answered."""

    setup: DemoSetup
    rounds: int

    @property
    def report(self) -> Report:
        (study,) = self.setup.studies
        return verify(study.transcript, study.signed.digest)


@pytest.fixture(scope="module", params=STUDIES, ids=lambda one: f"{one[0]}-{one[1]}")
def ran(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Ran:
    seal, epsilon = request.param
    setup = set_up_statistics(tmp_path_factory.mktemp("statistics"), seal, epsilon)
    with running(setup.places.logs) as processes:
        town = Town(setup, processes)
        town.attend(*HOSPITALS, is_new=True)
        town.open_round(0)
        town.wait_until(lambda: any(one.state == "OPEN" for one in town.standings.ask().rounds))
        request_ = (OperatorAction.ABORT_ROUND, 0, "nobody has answered yet")
        operate(town.study.signed, setup.operator, Endpoint(town.address), request_)
        assert town.wait_for_close(0).ended_by_rule
        for hospital in HOSPITALS:
            start_respondent(processes, setup, hospital, town.address)
        for number in (1, 2):
            town.open_round(number)
            assert not town.wait_for_close(number).ended_by_rule
        town.wait_until(lambda: all(processes.has_ended(one) for one in HOSPITALS))
        processes.check(HOSPITALS)
        rounds = len(town.standings.ask().rounds)
        town.standings.close()
    return Ran(setup, rounds)


def test_both_queries_are_answered_although_the_first_round_was_aborted(ran: Ran) -> None:
    (study,) = ran.setup.studies
    compared, same_everywhere = compare(ran.setup.places, study.manifest)

    assert same_everywhere
    assert [one.result.query.name for one in compared] == ["prevalence", "age-by-sex-and-disease"]
    assert all(one.result.members == tuple(sorted(HOSPITALS)) for one in compared)
    assert all(one.holds for one in compared)
    if study.manifest.privacy is None:
        assert all((one.error == 0).all() for one in compared)
        assert compared[0].plain.tolist() == [920, 509, 49230, 920]
    else:
        noise = np.concatenate([one.error / one.result.deviation for one in compared])
        assert np.count_nonzero(noise) == noise.size
        assert 0.4 < noise.std() < 1.8  # of 24 values: far beyond 5 deviations on either side


def test_the_study_ends_with_its_queries_and_not_with_its_rounds(ran: Ran) -> None:
    (study,) = ran.setup.studies

    assert ran.rounds < study.manifest.schedule.max_rounds + 1
    assert ran.report.ended


def test_an_auditor_accepts_the_transcript_with_its_sums_and_its_chain(ran: Ran) -> None:
    report = ran.report

    assert report.accepted, report.failed
    assert report.level is Level.ENTITLED


def test_what_hospitals_keep_of_others_is_the_sums(ran: Ran) -> None:
    told = json.loads(results_of(ran.setup.places, HOSPITALS[0]).read_text("utf-8"))

    assert [sorted(one) for one in told] == [["cells", "members", "query"]] * 2
    assert len(told[1]["cells"]) == 20


def test_a_table_that_breaks_its_query_ends_the_command_by_name(tmp_path: Path) -> None:
    setup = set_up_statistics(tmp_path, "ckks", None)
    table = setup.places.client(HOSPITALS[0]).folder / "records.csv"
    table.write_text("age,sex,num\n19,1,0\n", encoding="ascii")
    with running(setup.places.logs) as processes:
        town = Town(setup, processes)
        town.attend(*HOSPITALS, is_new=True)
        start_respondent(processes, setup, HOSPITALS[0], town.address)
        town.open_round(0)
        town.wait_until(lambda: "query-range" in processes.log(HOSPITALS[0]).read_text("utf-8"))
        processes.kill(HOSPITALS[0])
        town.standings.close()
        assert "19" not in processes.tail(HOSPITALS[0]).split("query-range")[1]
