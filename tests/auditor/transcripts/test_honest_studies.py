"""Honest studies are accepted, each at the level that the reader holds, and no higher."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from blindsum_auditor.limits import LIMITS
from blindsum_auditor.report import Level, Report, Status
from blindsum_auditor.verify import verify
from blindsum_crypto.errors import Unavailable
from blindsum_rules import transcript

if TYPE_CHECKING:
    from tests.auditor.transcripts.conftest import Player


def keep(folder: Path, level: Level) -> None:
    """Leave in a transcript what a reader of this level gets."""
    for path in folder.glob("rounds/*/*"):
        above = (path.name in transcript.ENTITLED_FILES and not level.includes(Level.ENTITLED)) or (
            path.name in transcript.SEALED_FILES | {transcript.PAYLOADS}
            and not level.includes(Level.SEALED)
        )
        if above:
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def test_an_honest_study_is_accepted_with_nothing_left_to_check(
    honest: "Player", folder: Path
) -> None:
    report = verify(folder, honest.founding.manifest.digest)

    assert report.failed == ()
    assert report.not_checkable == ()
    assert (report.level, report.rounds, report.ended) == (Level.ENTITLED, 3, True)
    assert report.accepted


@pytest.mark.parametrize("level", list(Level))
def test_an_honest_study_is_accepted_by_a_reader_of_each_level(
    honest: "Player", folder: Path, level: Level
) -> None:
    keep(folder, level)

    report = verify(folder, honest.founding.manifest.digest)

    assert report.failed == ()
    assert report.level is level
    needed = {finding.level for finding in report.not_checkable}
    assert needed == {other for other in Level if not level.includes(other)}


@pytest.mark.parametrize("level", list(Level))
def test_no_check_above_the_level_that_was_asked_is_called_ok(
    honest: "Player", folder: Path, level: Level
) -> None:
    report = verify(folder, honest.founding.manifest.digest, level)

    assert report.accepted
    for finding in report.findings:
        assert level.includes(finding.level) or finding.status is Status.NOT_CHECKABLE


def test_asking_for_more_than_the_folder_holds_is_not_checkable(
    honest: "Player", folder: Path
) -> None:
    keep(folder, Level.PUBLIC)

    report = verify(folder, honest.founding.manifest.digest, Level.ENTITLED)

    assert report.accepted
    assert {finding.level for finding in report.not_checkable} == {Level.SEALED, Level.ENTITLED}


def test_without_payloads_the_sealed_sum_is_compared_with_its_root_alone(
    honest: "Player", folder: Path
) -> None:
    for payloads in folder.glob("rounds/*/payloads"):
        shutil.rmtree(payloads)

    report = verify(folder, honest.founding.manifest.digest)

    assert report.failed == ()
    assert [finding.check for finding in report.not_checkable] == ["sealed-sum-recomputed"] * 2
    assert "sealed-sum" in {finding.check for finding in report.of_status(Status.OK)}


def test_without_an_expected_digest_the_report_says_that_the_manifest_vouches_for_itself(
    honest: "Player", folder: Path
) -> None:
    report = verify(folder)

    assert report.failed == ()
    (finding,) = report.not_checkable
    assert finding.check == "manifest-digest"
    assert honest.founding.manifest.digest.hex() in finding.sentence


def test_a_study_with_an_officer_an_exception_and_an_endorsed_abort_is_accepted(
    player: Callable[..., "Player"], audit: Callable[..., Report]
) -> None:
    study = player(with_officer=True)
    study.play(aborts_by="release-deadline")
    study.play(cohort=("cleveland", "hungary", "switzerland"), exception=True)
    study.play()

    report = audit(study.end())

    assert report.failed == ()
    assert report.not_checkable == ()
    (used,) = report.exceptions
    assert used.in_words == (
        "round 1 is an exception, signed by operator 'operator' and officer 'officer' (reason: "
        "Asked for.): beside the sum of round 0 it gives away the contribution of va-long-beach "
        "alone"
    )
    assert json.loads(report.to_json())["exceptions"] == [used.document()]


def test_an_exception_that_was_not_needed_gives_nothing_away(
    player: Callable[..., "Player"], audit: Callable[..., Report]
) -> None:
    study = player(with_officer=True)
    study.play(cohort=("cleveland", "hungary", "switzerland"), exception=True)

    (used,) = audit(study.end()).exceptions

    assert used.gives_away == ()
    assert used.in_words.endswith("it overlaps no earlier sum")


def test_a_freeze_that_a_quorum_left_unnamed_does_not_bind_the_next_round(
    player: Callable[..., "Player"], audit: Callable[..., Report]
) -> None:
    study = player()
    study.play(aborts_by="operator", endorsers=1)
    study.play(cohort=("cleveland", "hungary", "switzerland"))

    report = audit(study.end())

    assert report.failed == ()
    sentences = [one.sentence for one in report.findings if one.check == "no-differencing"]
    assert "a quorum left the round without this freeze: it was never released" in sentences


def test_a_named_liar_among_the_twins_is_accepted(
    player: Callable[..., "Player"], audit: Callable[..., Report]
) -> None:
    def lies(custodian: str, share: bytes) -> bytes:
        return bytes([share[0] ^ 1]) + share[1:] if custodian == "custodian-b" else share

    study = player()
    study.play(releases=lies, certificate={"disagreeing": ("custodian-b",)})

    report = audit(study.end())

    assert report.failed == ()


def test_a_payload_that_was_left_out_as_damaged_is_not_compared(
    player: Callable[..., "Player"], audit: Callable[..., Report]
) -> None:
    study = player()
    study.play(left_out=("hungary",), left_out_by="spool-damaged")
    file = transcript.payload_file(0, "hungary")
    study.files[file] = b"damaged"

    report = audit(study.end())

    assert report.failed == ()
    assert [finding.file for finding in report.not_checkable] == [file]


def test_closes_that_came_after_the_file_of_closes_count_too(
    player: Callable[..., "Player"], audit: Callable[..., Report]
) -> None:
    study = player()
    played = study.play(aborts_by="operator", endorsers=1)
    late = study.closes
    played.write("closes.pb", late[:3])
    study.play(cohort=("cleveland", "hungary", "switzerland"), spec={"closes": late})

    report = audit(study.end())

    assert report.failed == ()


def test_a_study_that_goes_on_is_accepted_and_said_to_go_on(
    player: Callable[..., "Player"], audit: Callable[..., Report]
) -> None:
    study = player()
    study.play()

    report = audit(study)

    assert report.failed == ()
    assert not report.ended
    assert "the study has not ended: later rounds may be missing" in {
        finding.sentence for finding in report.not_checkable
    }


def test_a_last_round_under_way_is_not_held_against_the_study(
    player: Callable[..., "Player"], audit: Callable[..., Report]
) -> None:
    study = player()
    study.play()
    study.play()
    for name in ("certificate.pb", "releases.pb", "sealed_sum.bin", "aggregate.bin", "closes.pb"):
        del study.files[transcript.round_file(1, name)]

    report = audit(study)

    assert report.failed == ()
    assert transcript.round_file(1, "certificate.pb") in {
        finding.file for finding in report.not_checkable
    }


def test_every_report_says_what_no_transcript_can_show(honest: "Player", folder: Path) -> None:
    report = verify(folder, honest.founding.manifest.digest)
    document = json.loads(report.to_json())

    assert document["limits"] == list(LIMITS)
    assert document["accepted"] is True
    assert document["manifest_digest"] == honest.founding.manifest.digest.hex()
    assert len(document["findings"]) == len(report.findings)


def test_a_folder_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(Unavailable) as caught:
        verify(tmp_path / "nowhere")

    assert caught.value.rule == "transcript-folder"


def test_levels_below_entitled_never_load_tenseal(folder: Path) -> None:
    code = (
        "import pathlib, sys; from blindsum_auditor.verify import verify; "
        "from blindsum_auditor.report import Level; "
        "report = verify(pathlib.Path(sys.argv[1]), None, Level.SEALED); "
        "sys.exit(0 if report.accepted and 'tenseal' not in sys.modules else 1)"
    )

    finished = subprocess.run([sys.executable, "-c", code, str(folder)], check=False)

    assert finished.returncode == 0
