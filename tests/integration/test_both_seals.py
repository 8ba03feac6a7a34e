"""Two studies, one a seal, in nine processes that go wrong: killed, late, away; every sum exact.

Each interruption has a round of its own and hits both studies. What is asserted here is read from
the files that the processes left, and not from what the demo says of itself.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pytest

from blindsum_auditor.report import Level
from blindsum_auditor.verify import verify
from blindsum_cli.demo.course import run_studies
from blindsum_cli.demo.heart_disease import HOSPITALS, SPLIT_SEED
from blindsum_cli.demo.interruptions import Plan
from blindsum_cli.demo.places import custodian_of
from blindsum_cli.demo.roles import harness_of
from blindsum_cli.demo.rounds import RoundResult
from blindsum_cli.demo.study_setup import DemoSetup, DemoStudy, set_up
from blindsum_protos.convert.signed import signed_from_bytes, signed_list_from_bytes
from blindsum_rules import transcript
from blindsum_rules.acceptance import Acceptance
from blindsum_rules.aggregate import decode_aggregate
from blindsum_rules.endorsement import Endorsement
from blindsum_rules.freeze import Freeze
from blindsum_rules.release import Release

pytestmark = pytest.mark.slow

SEALS = ("ckks", "masking")
KILLED_IN, LATE_IN, CUSTODIAN_AWAY_IN = range(3)
PLAN = Plan(
    killed="hungary",
    killed_in=KILLED_IN,
    back_in=LATE_IN,
    custodian_in="switzerland",
    custodian_away_in=CUSTODIAN_AWAY_IN,
    late="va-long-beach",
    late_in=LATE_IN,
)
ABSENT = {KILLED_IN: {PLAN.killed}, LATE_IN: {PLAN.late}, CUSTODIAN_AWAY_IN: set[str]()}


@dataclass(frozen=True)
class Ran:
    """The studies when everything is over, and what the demo says of their rounds."""

    setup: DemoSetup
    results: tuple[RoundResult, ...]

    def study(self, seal: str) -> DemoStudy:
        return next(study for study in self.setup.studies if study.seal == seal)


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    setup = set_up(tmp_path_factory.mktemp("demo"), len(ABSENT), SEALS)
    return Ran(setup, run_studies(setup, PLAN, SPLIT_SEED, port=0))


def read(study: DemoStudy, number: int, name: str) -> bytes:
    return (study.transcript / transcript.round_file(number, name)).read_bytes()


def members(study: DemoStudy, number: int) -> set[str]:
    freeze = signed_from_bytes(Freeze, read(study, number, transcript.FREEZE))
    return {member.client for member in freeze.body.members}


def opened(study: DemoStudy, number: int) -> npt.NDArray[np.int64]:
    blob = read(study, number, transcript.AGGREGATE)
    return decode_aggregate(blob, study.manifest.vector_length).values


@pytest.mark.parametrize("seal", SEALS)
@pytest.mark.parametrize("number", ABSENT)
def test_the_sum_is_exactly_that_of_the_integers_of_who_came_through(
    ran: Ran, seal: str, number: int
) -> None:
    study = ran.study(seal)
    expected = set(HOSPITALS) - ABSENT[number]

    plain = sum(np.load(study.harness / one / f"{number:06}.npy") for one in expected)

    assert members(study, number) == expected
    np.testing.assert_array_equal(opened(study, number), plain)


@pytest.mark.parametrize("number", ABSENT)
def test_both_seals_open_to_one_sum_and_go_on_with_one_model(ran: Ran, number: int) -> None:
    ckks, masking = (ran.study(seal) for seal in SEALS)

    np.testing.assert_array_equal(opened(ckks, number), opened(masking, number))
    assert read(ckks, number, transcript.MODEL) == read(masking, number, transcript.MODEL)
    assert ran.results[number].holds


def test_both_studies_end_with_one_model_which_is_not_the_first(ran: Ran) -> None:
    finals = []
    for seal in SEALS:
        for hospital in HOSPITALS:
            with np.load(harness_of(ran.study(seal), hospital).final) as final:
                finals.append(b"".join(final[name].tobytes() for name in sorted(final.files)))

    assert len(set(finals)) == 1
    assert any(finals[0])


@pytest.mark.parametrize("seal", SEALS)
def test_who_was_killed_left_a_header_and_no_payload(ran: Ran, seal: str) -> None:
    study = ran.study(seal)

    assert harness_of(study, PLAN.killed).is_held(KILLED_IN)
    assert not (study.transcript / transcript.payload_file(KILLED_IN, PLAN.killed)).exists()
    assert (study.transcript / transcript.payload_file(LATE_IN, PLAN.killed)).exists()


@pytest.mark.parametrize("seal", SEALS)
def test_who_was_late_got_a_signed_refusal_and_its_payload_was_not_taken(
    ran: Ran, seal: str
) -> None:
    study = ran.study(seal)
    log = ran.setup.places.logs / f"{PLAN.late}.log"

    # An error that a client raises by this rule is the aggregator's word: its signature is checked.
    assert harness_of(study, PLAN.late).refusal(LATE_IN) == "collection-closed"
    assert "still-queued" in log.read_text(encoding="utf-8")
    assert not (study.transcript / transcript.payload_file(LATE_IN, PLAN.late)).exists()
    assert PLAN.late in members(study, CUSTODIAN_AWAY_IN)


@pytest.mark.parametrize("seal", SEALS)
@pytest.mark.parametrize(
    ("name", "kind"),
    [
        (transcript.ACCEPTANCES, Acceptance),
        (transcript.ENDORSEMENTS, Endorsement),
        (transcript.RELEASES, Release),
    ],
)
def test_the_custodian_that_was_away_signed_nothing_of_its_round(
    ran: Ran, seal: str, name: str, kind: type[Acceptance] | type[Endorsement] | type[Release]
) -> None:
    study = ran.study(seal)
    away = custodian_of(PLAN.custodian_in)

    signers = {
        number: {one.signer for one in signed_list_from_bytes(kind, read(study, number, name))}
        for number in ABSENT
    }

    assert away not in signers[CUSTODIAN_AWAY_IN]
    assert any(away in signers[number] for number in (KILLED_IN, LATE_IN))


@pytest.mark.parametrize("seal", SEALS)
def test_an_auditor_accepts_the_whole_transcript(ran: Ran, seal: str) -> None:
    study = ran.study(seal)

    report = verify(study.transcript, study.signed.digest)

    assert report.accepted, report.failed
    assert report.level is Level.ENTITLED
    assert report.rounds == len(ABSENT)
    assert report.ended
