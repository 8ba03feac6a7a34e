"""`client contribute --units`: files of units, and counts that no file and no log ever holds."""

import io
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from tests.cli.conftest import Ran, Run
from tests.client.people import DAY, PASSPHRASE
from tests.client.stage import Stage
from tests.client.wire import WireServer

from blindsum_cli.own_counts import tell_own_counts
from blindsum_cli.units_file import read_units
from blindsum_crypto.errors import Rejected
from blindsum_crypto.keystore import FileKeyStore
from blindsum_protos.convert.manifest import manifest_file_to_bytes
from blindsum_rules.codec.units import UnitReport
from blindsum_rules.privacy.guarantee import Unit
from blindsum_rules.study_privacy import with_privacy
from blindsum_rules.study_tables import PrivacyTable

WISH = PrivacyTable(
    unit=Unit.RECORD,
    noise_multiplier=2.0,
    delta=1e-5,
    planned_rounds=8,
    clip_norm=0.5,
    units_per_client=50,
    reference_units=100,
    allow_few_clients=True,
)
MODEL = {"weight": np.zeros((3, 2), np.float32), "bias": np.zeros(2, np.float32)}
ROWS = np.arange(7 * 8, dtype=np.float64).reshape(7, 8)
REPORT = UnitReport(units=7, non_finite=1, clipped=5, left_out=2)


def joined(path: Path) -> npt.NDArray[Any]:
    return np.concatenate(list(read_units(path).batches(MODEL)))


def refusal(path: Path) -> Rejected:
    with pytest.raises(Rejected) as caught:
        joined(path)
    return caught.value


# ---- the file


@pytest.mark.parametrize("kind", ["<f4", "<f8", ">f8", "<f2"])
def test_rows_of_a_npy_come_as_they_lie_there(tmp_path: Path, kind: str) -> None:
    np.save(tmp_path / "units.npy", ROWS.astype(kind))
    rows = joined(tmp_path / "units.npy")
    assert rows.dtype == (np.float64 if kind.endswith("8") else np.float32)
    assert rows.tolist() == ROWS.tolist()


def test_named_arrays_come_as_rows_in_the_models_order_whatever_that_of_the_file(
    tmp_path: Path,
) -> None:
    weight, bias = ROWS[:, :6].reshape(7, 3, 2).astype(np.float32), ROWS[:, 6:]
    np.savez(tmp_path / "units.npz", bias=bias, weight=weight)
    rows = joined(tmp_path / "units.npz")
    assert rows.dtype == np.float64
    assert rows.tolist() == ROWS.tolist()


def test_a_large_file_comes_in_batches_and_stays_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("blindsum_cli.units_file._BATCH_VALUES", 24)
    np.save(tmp_path / "units.npy", ROWS)
    file = read_units(tmp_path / "units.npy")
    assert [len(batch) for batch in file.batches(MODEL)] == [3, 3, 1]
    assert isinstance(file.arrays[""], np.memmap)


@pytest.mark.parametrize("name", ["units.npy", "units.npz"])
def test_no_units_are_no_batch(tmp_path: Path, name: str) -> None:
    """A site whose records are none in this window takes part all the same."""
    if name.endswith("y"):
        np.save(tmp_path / name, np.zeros((0, 8)))
    else:
        np.savez(tmp_path / name, weight=np.zeros((0, 3, 2)), bias=np.zeros((0, 2)))
    assert list(read_units(tmp_path / name).batches(MODEL)) == []


def test_units_that_are_not_finite_pass(tmp_path: Path) -> None:
    np.save(tmp_path / "units.npy", np.full((2, 8), np.nan))
    assert np.isnan(joined(tmp_path / "units.npy")).all()


@pytest.mark.parametrize(
    "values", [np.zeros((2, 7)), np.zeros(8), np.zeros((2, 4, 2))], ids=["short", "one", "cube"]
)
def test_rows_of_another_length_are_rejected(tmp_path: Path, values: npt.NDArray[Any]) -> None:
    np.save(tmp_path / "units.npy", values)
    assert refusal(tmp_path / "units.npy").rule == "layout"


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"bias": np.zeros((7, 3))}, "layout"),
        ({"bias": np.float64(1.0)}, "layout"),
        ({"other": np.zeros((7, 2))}, "layout"),
        ({"bias": np.zeros((6, 2))}, "units-file"),
        ({"bias": np.zeros((7, 2), np.int64)}, "units-file"),
    ],
)
def test_named_arrays_that_are_not_the_models_are_rejected(
    tmp_path: Path, changes: dict[str, Any], rule: str
) -> None:
    arrays = {"weight": np.zeros((7, 3, 2)), "bias": np.zeros((7, 2))} | changes
    np.savez(tmp_path / "units.npz", **arrays)
    assert refusal(tmp_path / "units.npz").rule == rule


@pytest.mark.parametrize("content", [b"", b"no numpy file", b"PK\x03\x04 torn"])
def test_what_is_no_file_of_units_is_rejected_and_no_pickle_is_opened(
    tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "units.npy").write_bytes(content)
    assert refusal(tmp_path / "units.npy").rule == "units-file"
    np.save(tmp_path / "units.npy", np.array([{}], dtype=object))
    assert refusal(tmp_path / "units.npy").rule == "units-file"


def test_a_file_shows_neither_values_nor_how_many_units_it_holds(tmp_path: Path) -> None:
    np.save(tmp_path / "units.npy", np.zeros((7, 5)))
    assert "7" not in refusal(tmp_path / "units.npy").expected.replace(str(tmp_path), "")
    assert "arrays" not in repr(read_units(tmp_path / "units.npy"))


# ---- the counts


class Terminal(io.StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_counts_are_shown_on_a_terminal_and_marked_private(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    tell_own_counts(REPORT)
    assert "private, yours alone" in terminal.getvalue()
    assert "7 units summed, 5 of them clipped, 1 not finite" in terminal.getvalue()


def test_counts_never_go_into_a_file_a_pipe_or_standard_output(
    capsys: pytest.CaptureFixture[str],
) -> None:
    tell_own_counts(REPORT)
    assert capsys.readouterr() == ("", "")


# ---- the command


class Ward:
    """A hospital at its command line in a study of records or of clients."""

    def __init__(self, folder: Path, run: Run, wish: PrivacyTable | None = WISH) -> None:
        self.stage, self.folder, self._run = Stage(), folder, run
        self.stage.now = time.time()
        now = int(self.stage.now)
        body = replace(
            self.stage.manifest.body, not_before_unix=now - DAY, not_after_unix=now + DAY
        )
        if wish is not None:
            body = with_privacy(replace(body, codec=None), wish)
        self.stage.manifest = self.stage.people.sign(body, "operator")
        FileKeyStore(folder / "cleveland.key", PASSPHRASE).create(
            self.stage.people.key_ring("cleveland")
        )
        (folder / "heart.manifest").write_bytes(manifest_file_to_bytes(self.stage.manifest, None))
        self.server = WireServer(self.stage)

    def contribute(self, *options: object) -> Ran:
        return self._run(
            *("client", "contribute", self.folder / "heart.manifest", *options),
            *("--digest", self.stage.manifest.digest.hex(), "--state", self.folder / "state"),
            *("--key", self.folder / "cleveland.key", "--aggregator", self.server.address),
            *("--wait", 5),
            passphrase=PASSPHRASE.decode(),
        )

    def units(self, rows: npt.NDArray[Any] = ROWS) -> Path:
        np.save(self.folder / "units.npy", rows)
        return self.folder / "units.npy"

    def update(self) -> Path:
        np.savez(self.folder / "update.npz", **MODEL)  # type: ignore[arg-type]
        return self.folder / "update.npz"


@pytest.fixture
def ward(tmp_path: Path, run: Run) -> Iterator[Ward]:
    place = Ward(tmp_path, run)
    yield place
    place.server.stop()


def test_units_of_a_file_are_sealed_and_their_counts_stand_nowhere(ward: Ward) -> None:
    staged = ward.stage.open_round()

    sent = ward.contribute("--units", ward.units(), "--round", 0)

    assert sent.code == 0, sent.err
    assert list(staged.uploads) == ["cleveland"]
    assert "receipt for round 0" in sent.out
    assert "units summed" not in sent.out + sent.err


def test_an_update_where_records_are_hidden_is_refused_with_a_next_step(ward: Ward) -> None:
    staged = ward.stage.open_round()

    sent = ward.contribute("--update", ward.update(), "--records", 9)

    assert sent.code == 1
    assert "units-expected" in sent.err
    assert "--units" in sent.err.partition("Next:")[2]
    assert not staged.uploads


@pytest.mark.parametrize("wish", [None, "client"])
def test_units_where_an_update_is_summed_are_refused(
    tmp_path: Path, run: Run, wish: str | None
) -> None:
    changes = {"unit": Unit.CLIENT, "units_per_client": 1}
    ward = Ward(tmp_path, run, None if wish is None else WISH.model_copy(update=changes))
    staged = ward.stage.open_round()

    sent = ward.contribute("--units", ward.units())
    ward.server.stop()

    assert sent.code == 1
    assert ("not-private" if wish is None else "update-expected") in sent.err
    assert "--update" in sent.err.partition("Next:")[2]
    assert not staged.uploads


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), "one of --update and --units"),
        (("--update", "update.npz", "--units", "units.npy"), "one of --update and --units"),
        (("--update", "update.npz"), "--update needs --records"),
        (("--units", "units.npy", "--records", 7), "--records goes with --update"),
    ],
)
def test_options_that_contradict_one_another_are_wrong_usage_before_anybody_is_called(
    ward: Ward, options: tuple[object, ...], words: str
) -> None:
    ward.units()
    ward.update()
    typed = [ward.folder / str(one) if "." in str(one) else one for one in options]

    sent = ward.contribute(*typed)

    assert sent.code == 2
    assert words in sent.err
    assert not (ward.folder / "state").exists()
