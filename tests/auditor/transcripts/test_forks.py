"""Second signatures, forks and cut ends are found in the transcript (threats T3, T10, T17)."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from blindsum_auditor.report import Report
from blindsum_auditor.verify import verify
from blindsum_rules import transcript
from blindsum_rules.close import Close
from blindsum_rules.endorsement import Endorsement
from blindsum_rules.spec import PreviousRound

if TYPE_CHECKING:
    from tests.auditor.transcripts.conftest import Player

Players = Callable[..., "Player"]
Audit = Callable[..., Report]
Says = Callable[[Report, str, str, str], bool]


def at(number: int, name: str) -> str:
    return transcript.round_file(number, name)


def test_a_custodians_second_endorsement_is_printed_as_evidence(
    player: Players, audit: Audit
) -> None:
    study = player()
    played = study.play()
    other = Endorsement(*played.place, bytes(32), "")
    second = study.founding.sign(other, "custodian-c")
    played.write("endorsements.pb", (*played.endorsements, second))

    report = audit(study.end())

    (evidence,) = [one for one in report.failed if one.check == "equivocation"]
    assert evidence.file == at(0, "endorsements.pb")
    assert "evidence against 'custodian-c'" in evidence.sentence
    assert f"which it signed as well in {at(0, 'endorsements.pb')}" in evidence.sentence


def test_a_close_in_a_later_spec_on_another_freeze_is_printed_as_evidence(
    player: Players, audit: Audit, says: Says
) -> None:
    study = player()
    study.play()
    close = study.founding.sign(
        Close("heart", 0, bytes(32), "", study.founding.manifest.digest), "custodian-a"
    )
    study.closes = (close, *study.closes[1:])

    report = audit(study.end())

    (evidence,) = [one for one in report.failed if one.check == "equivocation"]
    assert evidence.file == transcript.end_file("spec.pb")
    assert "evidence against 'custodian-a'" in evidence.sentence
    assert says(report, "chain", transcript.end_file("spec.pb"), "freeze-in-closes")


def test_a_second_spec_of_a_round_is_printed_as_evidence(
    player: Players, audit: Audit, says: Says
) -> None:
    study = player()
    study.play()
    played = study.play()
    body = replace(played.spec.body, cohort=("cleveland", "hungary", "switzerland"))
    fork = study.founding.sign(body, "aggregator")
    played.write("spec.pb", fork)

    report = audit(study.end())

    against = {one.sentence.split("'")[1] for one in report.failed if one.check == "equivocation"}
    assert against == {"aggregator", *played.custodians}
    assert says(report, "chain", transcript.end_file("spec.pb"), "previous-round")


def test_a_fork_of_whole_rounds_does_not_meet_the_end(
    player: Players, audit: Audit, honest: "Player", says: Says
) -> None:
    study = player()
    study.play()
    study.play(cohort=("cleveland", "hungary"))
    study.play()
    fork = {name: content for name, content in study.files.items() if "/000001/" in name}
    study.files = {**honest.files, **fork}

    report = audit(study)

    assert says(report, "chain", at(2, "spec.pb"), "previous-round")
    assert says(report, "record", at(2, "spec.pb"), "previous-round")


def test_cutting_the_last_round_off_an_ended_study_is_refused(
    honest: "Player", folder: Path, says: Says
) -> None:
    shutil.rmtree(folder / "rounds/000002")

    report = verify(folder, honest.founding.manifest.digest)

    assert says(report, "files", at(2, "spec.pb"), "missing-file")


def test_cutting_a_round_out_of_the_middle_is_refused(
    honest: "Player", folder: Path, says: Says
) -> None:
    shutil.rmtree(folder / "rounds/000001")

    report = verify(folder, honest.founding.manifest.digest)

    assert says(report, "files", at(1, "spec.pb"), "missing-file")


def test_cutting_off_the_end_with_the_last_round_is_said(honest: "Player", folder: Path) -> None:
    shutil.rmtree(folder / "rounds/000002")
    shutil.rmtree(folder / "end")

    report = verify(folder, honest.founding.manifest.digest)

    assert not report.ended
    assert "the study has not ended: later rounds may be missing" in {
        finding.sentence for finding in report.not_checkable
    }


def test_an_end_that_too_few_accepted_is_no_end(player: Players, audit: Audit, says: Says) -> None:
    study = player()
    study.play()
    study.end()
    file = transcript.end_file("acceptances.pb")
    study.files[file] = b""

    report = audit(study)

    assert not report.ended
    assert says(report, "acceptances", file, "quorum-of-acceptances")


def test_a_round_in_another_rounds_folder_is_refused(
    player: Players, audit: Audit, says: Says
) -> None:
    study = player()
    study.play()
    study.play()
    study.files[at(1, "spec.pb")] = study.files[at(0, "spec.pb")]

    assert says(audit(study.end()), "spec", at(1, "spec.pb"), "round-number")


def test_an_end_in_a_rounds_folder_is_refused(player: Players, audit: Audit, says: Says) -> None:
    study = player()
    study.play()
    study.end()
    study.files[at(1, "spec.pb")] = study.files[transcript.end_file("spec.pb")]

    assert says(audit(study), "spec", at(1, "spec.pb"), "round-spec")


def test_a_round_in_the_folder_of_the_end_is_refused(
    player: Players, audit: Audit, says: Says
) -> None:
    study = player()
    study.play()
    study.end()
    study.files[transcript.end_file("spec.pb")] = study.files[at(0, "spec.pb")]

    report = audit(study)

    assert says(report, "spec", transcript.end_file("spec.pb"), "end-spec")
    assert not report.ended


def test_an_end_that_the_manifest_does_not_allow_is_refused(
    player: Players, audit: Audit, says: Says
) -> None:
    study = player()
    study.play()

    report = audit(study.end(min_cohort=1))

    assert says(report, "spec", transcript.end_file("spec.pb"), "spec-min-cohort")
    assert not report.ended


def test_an_end_of_a_study_without_rounds_begins_on_the_manifest(
    player: Players, audit: Audit, says: Says
) -> None:
    study = player().end(previous=PreviousRound(bytes(32)))

    assert says(audit(study), "chain", transcript.end_file("spec.pb"), "previous-round")


@pytest.mark.parametrize("field", ["freeze_digest", "aggregate_commitment"])
def test_a_record_of_another_freeze_or_aggregate_is_refused(
    player: Players, audit: Audit, says: Says, field: str
) -> None:
    study = player()
    study.play()
    previous = replace(study.previous, **{field: bytes(32)})
    study.play(spec={"previous": previous})

    assert says(audit(study.end()), "record", at(1, "spec.pb"), "previous-round")


def test_forged_closes_in_a_spec_clear_no_freeze(player: Players, audit: Audit, says: Says) -> None:
    study = player()
    played = study.play(aborts_by="operator", closers=0)
    signers = played.custodians
    silent = study.founding.by_all(
        Close("heart", 0, b"", "", study.founding.manifest.digest), signers
    )
    forged = tuple(replace(one, signature=bytes(64)) for one in silent)
    study.play(cohort=("cleveland", "hungary", "switzerland"), spec={"closes": forged})

    report = audit(study.end())

    assert says(report, "chain", at(1, "spec.pb"), "bad-signature")
    assert says(report, "no-differencing", at(1, "freeze.pb"), "no-differencing")
