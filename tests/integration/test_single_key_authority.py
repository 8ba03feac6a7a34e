"""(m, t, quorum) = (1, 1, 1): the one custodian is killed and restarted in mid-round."""

from pathlib import Path

import pytest
from tests.integration.town import Committee, Town, set_up

from blindsum_auditor.report import Level
from blindsum_auditor.verify import verify
from blindsum_cli.demo.exactness import integers_of, is_exact, read_round
from blindsum_cli.demo.heart_disease import HOSPITALS, SPLIT_SEED
from blindsum_cli.demo.places import custodian_of
from blindsum_cli.demo.processes import running
from blindsum_cli.demo.roles import harness_of, start_hospital
from blindsum_rules import transcript

pytestmark = pytest.mark.slow

KEY_AUTHORITY = HOSPITALS[0]
HELD = HOSPITALS[1]
ROUNDS = 2


def test_the_only_custodian_killed_in_mid_round_comes_back_and_the_sum_is_exact(
    tmp_path: Path,
) -> None:
    setup = set_up(tmp_path, Committee((KEY_AUTHORITY,), 1, 1), ROUNDS)
    (study,) = setup.studies
    with running(setup.places.logs) as processes:
        town = Town(setup, processes)
        town.attend(KEY_AUTHORITY, is_new=True)
        for hospital in HOSPITALS:
            held = 0 if hospital == HELD else -1
            start_hospital(processes, setup, hospital, town.address, SPLIT_SEED, held)
        town.wait_until(lambda: all(harness_of(study, one).is_ready() for one in HOSPITALS))

        # Round 0: one hospital stands between header and payload, so the round is surely open.
        town.open_round(0)
        town.wait_until(lambda: harness_of(study, HELD).is_held(0))
        town.wait_until(lambda: town.round(0).received == len(HOSPITALS) - 1)
        processes.kill(custodian_of(KEY_AUTHORITY))
        processes.kill(HELD)
        assert town.round(0).state == "OPEN"
        assert town.round(0).accepted_by == (custodian_of(KEY_AUTHORITY),)
        town.attend(KEY_AUTHORITY, is_new=False)
        first = town.wait_for_close(0)

        # Round 1: everybody again, the killed hospital with the queue that it left.
        start_hospital(processes, setup, HELD, town.address, SPLIT_SEED, -1)
        town.open_round(1)
        second = town.wait_for_close(1)
        end = study.transcript / transcript.end_file(transcript.ACCEPTANCES)
        town.wait_until(end.exists)
        town.wait_until(lambda: all(harness_of(study, one).final.exists() for one in HOSPITALS))
        town.standings.close()

    assert first.ended_by_rule == "" == second.ended_by_rule
    for number, members in ((0, set(HOSPITALS) - {HELD}), (1, set(HOSPITALS))):
        opened = read_round(study.transcript, number, study.manifest)
        assert set(opened.members) == members
        assert is_exact(opened, integers_of(opened, study.harness))
    report = verify(study.transcript, study.signed.digest)
    assert report.accepted, report.failed
    assert report.level is Level.ENTITLED
    assert report.ended
