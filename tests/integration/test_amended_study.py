"""A study that is amended while it runs: a hospital joins, a custodian with an empty store as well.

Real processes and the very commands of an operator; every sum before and after is exact.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.integration.town import Committee, Town, enrol, set_up

from blindsum_auditor.report import Level
from blindsum_auditor.verify import verify
from blindsum_cli.demo.exactness import integers_of, is_exact, read_round
from blindsum_cli.demo.heart_disease import HOSPITALS, SPLIT_SEED
from blindsum_cli.demo.places import OPERATOR, custodian_of
from blindsum_cli.demo.processes import running
from blindsum_cli.demo.roles import harness_of, start_hospital
from blindsum_cli.demo.study_setup import DemoSetup
from blindsum_protos.convert.signed import signed_list_from_bytes
from blindsum_rules import transcript
from blindsum_rules.endorsement import Endorsement
from blindsum_rules.party import Role

pytestmark = pytest.mark.slow

FIRST, JOINING = HOSPITALS[:3], HOSPITALS[3]
RETIRING, NEWCOMER = HOSPITALS[3], "basel"
ROUNDS = 3


def operator(setup: DemoSetup, *command: object) -> None:
    """Run a command as the operator does."""
    party = setup.places.party(OPERATOR)
    keys = ("--key", party.key, "--passphrase-file", party.passphrase)
    subprocess.run(
        [sys.executable, "-m", "blindsum_cli", *map(str, (*command, *keys))],
        check=True,
        env={**os.environ, "COLUMNS": "200"},
        timeout=60,
    )


@pytest.mark.parametrize("seal", ["ckks", "masking"])
def test_a_hospital_joins_and_a_seat_changes_hands_and_every_sum_is_exact(
    tmp_path: Path, seal: str
) -> None:
    setup = set_up(tmp_path, Committee(HOSPITALS, 2, 3), ROUNDS, seal, FIRST)
    (study,), places = setup.studies, setup.places
    enrol(places.client(JOINING), Role.CLIENT, places.public)
    enrol(places.custodian(NEWCOMER), Role.CUSTODIAN, places.public)
    with running(places.logs) as processes:
        town = Town(setup, processes)
        town.attend(*HOSPITALS, is_new=True)
        for hospital in FIRST:
            start_hospital(processes, setup, hospital, town.address, SPLIT_SEED)
        town.wait_until(lambda: all(harness_of(study, one).is_ready() for one in FIRST))
        operator(
            setup,
            *("study", "amend", study.manifest_file, "--identity", places.public),
            *("--reason", "A hospital joins; a custodian retires", "--join"),
            *(f"{JOINING}={JOINING}", "--seat", custodian_of(NEWCOMER)),
            *("--unseat", custodian_of(RETIRING)),
        )
        operator(setup, "round", "amend", study.manifest_file, "--aggregator", town.address)
        # The seat changes hands when a round is left to the new committee: never before round 0.
        town.open_round(0)
        town.wait_for_close(0)
        town.attend(NEWCOMER, is_new=True)
        start_hospital(processes, setup, JOINING, town.address, SPLIT_SEED)
        town.wait_until(harness_of(study, JOINING).is_ready)
        town.open_round(1)
        second = town.wait_for_close(1)
        processes.kill(custodian_of(RETIRING))
        town.open_round(2)
        town.wait_for_close(2)
        end = study.transcript / transcript.end_file(transcript.ACCEPTANCES)
        town.wait_until(end.exists)
        town.wait_until(lambda: all(harness_of(study, one).final.exists() for one in HOSPITALS))
        town.standings.close()

    assert custodian_of(NEWCOMER) in second.accepted_by
    assert custodian_of(RETIRING) not in second.accepted_by
    for number, members in ((0, FIRST), (1, HOSPITALS), (2, HOSPITALS)):
        opened = read_round(study.transcript, number, study.manifest)
        assert set(opened.members) == set(members)
        assert is_exact(opened, integers_of(opened, study.harness))
    file = study.transcript / transcript.round_file(2, transcript.ENDORSEMENTS)
    endorsers = {one.signer for one in signed_list_from_bytes(Endorsement, file.read_bytes())}
    assert custodian_of(NEWCOMER) in endorsers
    report = verify(study.transcript, study.signed.digest)
    assert report.accepted, report.failed
    assert report.level is Level.ENTITLED
    assert report.ended
    (amendment,) = report.amendments
    assert amendment.round_number == 1
