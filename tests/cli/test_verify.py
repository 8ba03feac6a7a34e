"""`blindsum verify` on folders that are no transcript; whole ones are verified beside the demo."""

import json
import shutil
from pathlib import Path

import pytest
from tests.cli.conftest import Desk, Run


def test_a_folder_that_is_not_there_is_unavailable(run: Run, tmp_path: Path) -> None:
    ran = run("verify", tmp_path / "nowhere")

    assert ran.code == 3
    assert "transcript-folder" in ran.err
    assert "manifest.pb" in ran.err


def test_an_empty_folder_is_refused_and_names_the_missing_file(run: Run, tmp_path: Path) -> None:
    ran = run("verify", tmp_path)

    assert ran.code == 1
    assert "manifest.pb" in ran.out
    assert "refused" in ran.out


def test_the_limits_of_every_transcript_are_always_said(run: Run, tmp_path: Path) -> None:
    ran = run("verify", tmp_path)

    assert "What no transcript can show" in ran.out
    assert "out of band" in ran.out


def test_json_parses_and_the_exit_code_is_the_verdict(
    run: Run, signed: Desk, tmp_path: Path
) -> None:
    (tmp_path / "transcript").mkdir()
    shutil.copyfile(signed.manifest, tmp_path / "transcript" / "manifest.pb")

    ran = run("verify", tmp_path / "transcript", "--json")

    document = json.loads(ran.out)
    assert ran.code == (0 if document["accepted"] else 1)
    assert document["study"] == "heart-2026"
    assert document["limits"]


def test_another_digest_than_the_one_told_out_of_band_is_found(
    run: Run, signed: Desk, tmp_path: Path
) -> None:
    (tmp_path / "transcript").mkdir()
    shutil.copyfile(signed.manifest, tmp_path / "transcript" / "manifest.pb")

    ran = run("verify", tmp_path / "transcript", "--digest", "0" * 64)

    assert ran.code == 1
    (line,) = (line for line in ran.out.splitlines() if line.startswith("failed  manifest.pb  "))
    assert line.count("manifest-digest") == 1


@pytest.mark.parametrize("digest", ["", "abc", "z" * 64, "0 " * 32])
def test_a_digest_that_is_none_is_refused(run: Run, tmp_path: Path, digest: str) -> None:
    ran = run("verify", tmp_path, "--digest", digest)

    assert ran.code == 1
    assert "manifest-digest" in ran.err


def test_an_unknown_level_is_wrong_usage(run: Run, tmp_path: Path) -> None:
    assert run("verify", tmp_path, "--level", "everything").code == 2


def test_the_folder_of_all_transcripts_leads_to_the_folder_of_one(run: Run, tmp_path: Path) -> None:
    (tmp_path / "heart-2026").mkdir()

    ran = run("verify", tmp_path)

    assert ran.code == 1
    assert "DATA/transcripts/STUDY" in ran.err
