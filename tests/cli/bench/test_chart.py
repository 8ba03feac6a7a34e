"""Plots: bars to one scale, with their figures, in the file that was named."""

import xml.etree.ElementTree as ET
from pathlib import Path
from typing import cast

import pytest
from matplotlib.patches import Rectangle

from blindsum_cli.bench import chart
from blindsum_cli.bench.chart import OTHERS, Bar, Chart, Panel, check_plot_file, draw, write_chart
from blindsum_crypto.errors import Refused

CHART = Chart(
    "Costs <of> & all",
    [
        Panel("Seconds", [Bar("peer", 4.0, "4 s", OTHERS), Bar("ours", 1.0, "1 s")]),
        Panel("Bytes", [Bar("ours", 0.0, "0 B")]),
    ],
    ["$ a command"],
)


def test_bars_are_drawn_to_one_scale_that_begins_at_zero() -> None:
    seconds, empty = draw(CHART).axes

    first, second = (cast(Rectangle, patch).get_width() for patch in seconds.patches)
    assert first == 4 * second
    assert seconds.get_xlim()[0] == empty.get_xlim()[0] == 0
    assert seconds.get_xlim()[1] > first


def test_a_chart_says_what_and_where_it_was_measured(tmp_path: Path) -> None:
    write_chart(CHART, tmp_path / "costs.svg")

    shown = (tmp_path / "costs.svg").read_text()
    ET.fromstring(shown)  # noqa: S314 - our own drawing, of a moment ago
    for words in ("Costs", "Seconds", "peer", "4 s", "a command"):
        assert f"{words}" in shown


def test_a_png_is_written_into_a_folder_that_is_made(tmp_path: Path) -> None:
    write_chart(CHART, tmp_path / "new" / "costs.png")

    assert (tmp_path / "new" / "costs.png").read_bytes().startswith(b"\x89PNG")


def test_another_kind_of_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused) as caught:
        write_chart(CHART, tmp_path / "costs.pdf")
    assert caught.value.rule == "plot-file"


def test_without_matplotlib_a_plot_is_refused_before_anything_is_measured(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(chart, "find_spec", lambda _name: None)
    with pytest.raises(Refused) as caught:
        check_plot_file(tmp_path / "costs.png")
    assert caught.value.rule == "plots-extra"
