"""Files are read within bounds, and what cannot be read is a finding and no crash."""

from pathlib import Path

import pytest

from blindsum_auditor.files import read_at_most, read_chunks, read_exactly
from blindsum_crypto.errors import Rejected, Unavailable


def test_a_file_is_read_in_chunks_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"abcdefg")

    assert list(read_chunks(path, 7, 3)) == [b"abc", b"def", b"g"]
    assert read_exactly(path, 7) == read_at_most(path, 7) == b"abcdefg"


@pytest.mark.parametrize("byte_count", [6, 8])
def test_a_file_of_another_length_is_rejected(tmp_path: Path, byte_count: int) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"abcdefg")

    with pytest.raises(Rejected) as caught:
        read_exactly(path, byte_count)

    assert caught.value.rule == "file-length"


def test_a_file_above_the_bound_is_rejected(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"abcdefg")

    with pytest.raises(Rejected) as caught:
        read_at_most(path, 6)

    assert caught.value.rule == "file-length"


def test_an_empty_file_has_no_bytes(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"")

    assert read_at_most(path, 6) == read_exactly(path, 0) == b""


def test_a_file_that_went_away_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(Unavailable) as caught:
        read_at_most(tmp_path / "file", 6)

    assert caught.value.rule == "unreadable-file"
