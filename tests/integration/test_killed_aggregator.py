"""Kill -9 of the aggregator in mid-round, in nine real processes: nothing receipted is lost."""

from pathlib import Path

import pytest
from tests.integration.town import Committee, Town, set_up

from blindsum_auditor.verify import verify
from blindsum_cli.demo.exactness import integers_of, is_exact, read_round
from blindsum_cli.demo.heart_disease import HOSPITALS, SPLIT_SEED
from blindsum_cli.demo.places import AGGREGATOR
from blindsum_cli.demo.processes import running
from blindsum_cli.demo.roles import harness_of, start_aggregator, start_hospital
from blindsum_rules import transcript

pytestmark = pytest.mark.slow

HELD = HOSPITALS[2]


@pytest.mark.parametrize("seal", ["ckks", "masking"])
def test_an_aggregator_killed_after_three_receipts_comes_back_and_counts_each_once(
    tmp_path: Path, seal: str
) -> None:
    setup = set_up(tmp_path, Committee(HOSPITALS, 2, 3), rounds=1, seal=seal)
    (study,) = setup.studies
    with running(setup.places.logs) as processes:
        town = Town(setup, processes)
        town.attend(*HOSPITALS, is_new=True)
        for hospital in HOSPITALS:
            held = 0 if hospital == HELD else -1
            start_hospital(processes, setup, hospital, town.address, SPLIT_SEED, held)
        town.wait_until(lambda: all(harness_of(study, one).is_ready() for one in HOSPITALS))
        town.open_round(0)
        town.wait_until(lambda: harness_of(study, HELD).is_held(0))
        town.wait_until(lambda: town.round(0).received == len(HOSPITALS) - 1)

        processes.kill(AGGREGATOR)
        study.places.address.unlink()
        start_aggregator(processes, setup, int(town.address.rpartition(":")[2]))
        town.wait_until(study.places.address.exists)
        # The held hospital is killed too, and sends what it left in its queue.
        processes.kill(HELD)
        start_hospital(processes, setup, HELD, town.address, SPLIT_SEED, -1)

        standing = town.wait_for_close(0)
        end = study.transcript / transcript.end_file(transcript.ACCEPTANCES)
        town.wait_until(end.exists)
        town.standings.close()

    assert standing.ended_by_rule == ""
    opened = read_round(study.transcript, 0, study.manifest)
    assert set(opened.members) == set(HOSPITALS)
    assert is_exact(opened, integers_of(opened, study.harness))
    assert verify(study.transcript, study.signed.digest).accepted
