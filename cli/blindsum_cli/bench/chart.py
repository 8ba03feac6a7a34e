"""A benchmark's plot: panels of horizontal bars, one panel a unit, every bar with its figure.

matplotlib draws it; it comes with the extra `plots`, since a figure on paper is not what everybody
measures for.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

from blindsum_crypto.errors import Refused

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

OURS: Final = "#1971c2"
OTHERS: Final = "#adb5bd"

_SUFFIXES: Final = frozenset({".png", ".svg"})
_WIDTH_INCHES: Final = 9.0
_BAR_INCHES: Final = 0.34
_PANEL_INCHES: Final = 0.75  # a panel's title and the room around it
_ROOM_FOR_FIGURES: Final = 1.25  # the axis is longer than the longest bar, for the text behind it
_FAINT: Final = "#868e96"


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: what it says on its left, its length, and the figure on its right."""

    label: str
    value: float
    text: str
    colour: str = OURS


@dataclass(frozen=True, slots=True)
class Panel:
    """Bars of one unit, drawn to one linear scale that begins at zero."""

    title: str
    bars: Sequence[Bar]


@dataclass(frozen=True, slots=True)
class Chart:
    """A title, panels, and below them where and how it was measured."""

    title: str
    panels: Sequence[Panel]
    footer: Sequence[str] = ()


def check_plot_file(path: Path) -> None:
    """Check, before anything is measured, that a plot can be drawn into this file.

    Raises:
        Refused: `plot-file`, when the name ends neither in .png nor in .svg; `plots-extra`, when
            matplotlib is not installed.
    """
    if path.suffix not in _SUFFIXES:
        raise Refused("plot-file", f"expected a name that ends in .png or .svg, got {path.name!r}")
    if find_spec("matplotlib") is None:
        raise Refused("plots-extra", "expected matplotlib, which draws plots, to be installed")


def write_chart(chart: Chart, path: Path) -> None:
    """Draw the chart into a file; the folder is made if it is missing.

    Raises:
        Refused: as `check_plot_file`.
    """
    check_plot_file(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    draw(chart).savefig(path, dpi=120, metadata={"Date": None} if path.suffix == ".svg" else None)


def draw(chart: Chart) -> "Figure":
    """Lay the chart out, one set of axes a panel."""
    from matplotlib.figure import Figure

    inches = [_PANEL_INCHES + _BAR_INCHES * len(panel.bars) for panel in chart.panels]
    height = sum(inches) + _BAR_INCHES * (2 + len(chart.footer))
    figure = Figure(figsize=(_WIDTH_INCHES, height), layout="constrained")
    figure.suptitle(chart.title, x=0.01, ha="left", fontsize=12)
    figure.supxlabel("\n".join(chart.footer), x=0.01, ha="left", fontsize=7, color=_FAINT)
    rows = figure.subplots(len(chart.panels), 1, squeeze=False, height_ratios=inches)
    for axes, panel in zip(rows[:, 0], chart.panels, strict=True):
        _draw_panel(axes, panel)
    return figure


def _draw_panel(axes: "Axes", panel: Panel) -> None:
    places = range(len(panel.bars))
    longest = max((bar.value for bar in panel.bars), default=0.0) or 1.0
    bars = axes.barh(
        places, [bar.value for bar in panel.bars], color=[bar.colour for bar in panel.bars]
    )
    axes.bar_label(bars, [bar.text for bar in panel.bars], padding=4, fontsize=9)
    axes.set_yticks(places, [bar.label for bar in panel.bars], fontsize=9)
    axes.invert_yaxis()
    axes.set_xlim(0, longest * _ROOM_FOR_FIGURES)
    axes.set_title(panel.title, loc="left", fontsize=10)
    axes.xaxis.set_visible(False)
    axes.spines[["top", "right", "bottom"]].set_visible(False)
