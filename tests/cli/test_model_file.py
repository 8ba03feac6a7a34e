"""Models on disk: named arrays in the order of the file, and nothing that could run."""

import zipfile
from pathlib import Path

import numpy as np
import pytest

from blindsum_cli.model_file import Arrays, read_arrays, read_model, write_arrays
from blindsum_crypto.errors import Rejected


def test_arrays_keep_names_values_and_order(tmp_path: Path) -> None:
    arrays: Arrays = {
        "z/weight": np.arange(6.0).reshape(2, 3),
        "file": np.array([1.5], np.float32),
        "a": np.ones(()),
    }

    write_arrays(tmp_path / "model.npz", arrays)

    read = read_arrays(tmp_path / "model.npz")
    assert list(read) == ["z/weight", "file", "a"]
    for name, values in arrays.items():
        np.testing.assert_array_equal(read[name], values)


def test_what_numpy_wrote_is_read_and_what_we_wrote_numpy_reads(tmp_path: Path) -> None:
    np.savez(tmp_path / "theirs.npz", b=np.ones(2, np.float32), a=np.zeros(1))
    write_arrays(tmp_path / "ours.npz", {"b": np.ones(2, np.float32)})

    layout, model = read_model(tmp_path / "theirs.npz")
    with np.load(tmp_path / "ours.npz", allow_pickle=False) as ours:
        assert ours.files == ["b"]

    assert [array.name for array in layout.arrays] == ["b", "a"]
    np.testing.assert_array_equal(model, np.array([1, 1, 0], np.float32))
    assert model.dtype == np.float32


@pytest.mark.parametrize(
    "content", [b"", b"PK\x03\x04 and then nothing", b"not a zip file", b"\x93NUMPY"]
)
def test_a_file_that_is_no_archive_is_rejected(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "model.npz").write_bytes(content)

    with pytest.raises(Rejected) as caught:
        read_arrays(tmp_path / "model.npz")

    assert caught.value.rule == "model-file"


def test_a_pickle_inside_an_archive_is_rejected_and_not_loaded(tmp_path: Path) -> None:
    np.savez(tmp_path / "model.npz", trap=np.array([{"any": "object"}], dtype=object))

    with pytest.raises(Rejected) as caught:
        read_arrays(tmp_path / "model.npz")

    assert caught.value.rule == "model-file"


@pytest.mark.parametrize(
    "values", [np.array([1]), np.array([np.inf]), np.array([True])], ids=["int", "inf", "bool"]
)
def test_arrays_that_are_not_of_finite_floats_are_rejected(
    tmp_path: Path, values: np.ndarray
) -> None:
    np.savez(tmp_path / "model.npz", weight=values)

    with pytest.raises(Rejected) as caught:
        read_arrays(tmp_path / "model.npz")

    assert caught.value.rule == "model-file"
    assert "weight" in caught.value.expected


def test_an_archive_of_nothing_is_rejected(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "model.npz", "w"):
        pass

    with pytest.raises(Rejected) as caught:
        read_arrays(tmp_path / "model.npz")

    assert caught.value.rule == "model-file"
