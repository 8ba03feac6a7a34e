"""No file of a transcript can be altered, lost, swapped or added unseen (threats T16, T17)."""

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from blindsum_auditor.report import Report
from blindsum_auditor.verify import verify
from blindsum_rules import transcript

if TYPE_CHECKING:
    from tests.auditor.transcripts.conftest import Player

CLIENTS = ("cleveland", "hungary", "switzerland", "va-long-beach")
MESSAGES = ("spec", "acceptances", "pages", "contributions", "admissions", "endorsements", "closes")


def _files() -> Iterable[str]:
    yield transcript.MANIFEST
    yield transcript.end_file(transcript.SPEC)
    yield transcript.end_file(transcript.ACCEPTANCES)
    for number in range(3):
        names = [f"{name}.pb" for name in MESSAGES] + [transcript.MODEL]
        if number == 1:
            names += [transcript.ABORT]
        else:
            names += [transcript.FREEZE, transcript.CERTIFICATE, transcript.RELEASES]
            names += [transcript.SEALED_SUM, transcript.AGGREGATE]
            yield from (transcript.payload_file(number, client) for client in CLIENTS)
        yield from (transcript.round_file(number, name) for name in names)


FILES = sorted(_files())
WITHOUT_BYTES = transcript.round_file(1, transcript.ENDORSEMENTS)
WITH_BYTES = [file for file in FILES if file != WITHOUT_BYTES]
SWAPPED = sorted(
    {file.split("/", 2)[2] for file in FILES if file.startswith("rounds/000000/")}
    & {file.split("/", 2)[2] for file in FILES if file.startswith("rounds/000002/")}
)


def flip(path: Path, position: int, bit: int = 0) -> None:
    content = bytearray(path.read_bytes())
    content[position] ^= 1 << bit
    path.write_bytes(content)


def named(report: Report) -> set[str]:
    return {finding.file for finding in report.failed}


def test_the_files_below_are_all_the_files_of_the_transcript(honest: "Player") -> None:
    assert sorted(honest.files) == FILES


@pytest.mark.parametrize("place", ["first", "half", "last"])
@pytest.mark.parametrize("file", WITH_BYTES)
def test_one_flipped_bit_is_refused_by_the_name_of_its_file(
    honest: "Player", folder: Path, file: str, place: str
) -> None:
    size = len(honest.files[file])
    position = {"first": 0, "half": size // 2, "last": size - 1}[place]
    flip(folder / file, position)

    report = verify(folder, honest.founding.manifest.digest)

    assert file in named(report)


@pytest.mark.slow
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    file=st.sampled_from(WITH_BYTES),
    fraction=st.floats(0, 1, exclude_max=True),
    bit=st.integers(0, 7),
)
def test_any_flipped_bit_is_refused_by_the_name_of_its_file(
    honest: "Player",
    tmp_path_factory: pytest.TempPathFactory,
    file: str,
    fraction: float,
    bit: int,
) -> None:
    folder = honest.write_to(tmp_path_factory.mktemp("flipped"))
    flip(folder / file, int(fraction * len(honest.files[file])), bit)

    report = verify(folder, honest.founding.manifest.digest)

    shutil.rmtree(folder)
    assert file in named(report)


@pytest.mark.slow
@pytest.mark.parametrize("file", WITH_BYTES)
def test_a_flipped_bit_is_found_without_the_manifests_digest_too(
    honest: "Player", folder: Path, file: str
) -> None:
    flip(folder / file, len(honest.files[file]) // 2)

    assert file in named(verify(folder))


@pytest.mark.parametrize("file", FILES)
def test_trailing_garbage_is_refused_by_the_name_of_its_file(
    honest: "Player", folder: Path, file: str
) -> None:
    with (folder / file).open("ab") as opened:
        opened.write(b"\x00")

    assert file in named(verify(folder, honest.founding.manifest.digest))


# Nothing that was signed in an aborted round says who had admitted by then.
@pytest.mark.parametrize("file", sorted(set(WITH_BYTES) - {"rounds/000001/admissions.pb"}))
def test_a_file_cut_to_nothing_is_refused_by_its_name(
    honest: "Player", folder: Path, file: str
) -> None:
    (folder / file).write_bytes(b"")

    assert file in named(verify(folder, honest.founding.manifest.digest))


@pytest.mark.parametrize("file", FILES)
def test_a_lost_file_is_refused_by_its_name(honest: "Player", folder: Path, file: str) -> None:
    (folder / file).unlink()

    report = verify(folder, honest.founding.manifest.digest)

    assert any(
        finding.file == file and finding.sentence.startswith("missing-file:")
        for finding in report.failed
    )


@pytest.mark.parametrize("name", SWAPPED)
def test_a_file_swapped_between_two_rounds_is_refused_by_both_names(
    honest: "Player", folder: Path, name: str
) -> None:
    one, other = (transcript.round_file(number, name) for number in (0, 2))
    (folder / one).write_bytes(honest.files[other])
    (folder / other).write_bytes(honest.files[one])

    report = verify(folder, honest.founding.manifest.digest)

    assert {one, other} <= named(report)


@pytest.mark.parametrize(
    "file",
    [
        "notes.txt",
        ".DS_Store",
        "rounds/readme",
        "rounds/000000/spec.pb.bak",
        "rounds/000000/payloads/CLEVELAND.bin",
        "rounds/000000/payloads/cleveland",
        "rounds/000000/payloads/stranger.bin",
        "rounds/000000/abort.pb",
        "rounds/000001/aggregate.bin",
        "rounds/000001/sealed_sum.bin",
        "end/closes.pb",
    ],
)
def test_an_added_file_is_refused_by_its_name(honest: "Player", folder: Path, file: str) -> None:
    (folder / file).write_bytes(b"")

    assert file in named(verify(folder, honest.founding.manifest.digest))


@pytest.mark.parametrize("name", ["rounds/7", "rounds/0000000", "more", "rounds/000000/old"])
def test_an_added_folder_is_refused_by_its_name(honest: "Player", folder: Path, name: str) -> None:
    (folder / name).mkdir()

    assert name in named(verify(folder, honest.founding.manifest.digest))


def test_an_added_round_is_refused(honest: "Player", folder: Path) -> None:
    (folder / "rounds/000003").mkdir()

    assert "rounds/000003/spec.pb" in named(verify(folder, honest.founding.manifest.digest))


def test_a_link_is_refused_and_not_followed(honest: "Player", folder: Path, tmp_path: Path) -> None:
    file = transcript.round_file(0, transcript.SPEC)
    shutil.move(folder / file, tmp_path / "spec.pb")
    (folder / file).symlink_to(tmp_path / "spec.pb")

    report = verify(folder, honest.founding.manifest.digest)

    assert any(
        finding.file == file and finding.sentence.endswith("not a plain file")
        for finding in report.failed
    )


def test_a_name_with_control_characters_is_escaped(honest: "Player", folder: Path) -> None:
    (folder / "\x1b[2Jcleared").write_bytes(b"")

    assert named(verify(folder, honest.founding.manifest.digest)) == {r"\x1b[2Jcleared"}


def test_another_studys_digest_is_refused_and_nothing_is_called_ok(folder: Path) -> None:
    report = verify(folder, bytes(32))

    assert named(report) == {transcript.MANIFEST}
    assert {finding.check for finding in report.findings} == {"manifest-digest", "rounds"}
