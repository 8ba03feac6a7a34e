"""A benchmark's plot: panels of horizontal bars, one panel a unit, every bar with its figure."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from blindsum_cli.bench.png import png
from blindsum_cli.bench.shapes import (
    CHARACTER_WIDTH,
    FAINT,
    INK,
    Colour,
    Drawing,
    Rectangle,
    Words,
)
from blindsum_cli.bench.svg import svg
from blindsum_crypto.errors import Refused

OURS: Final[Colour] = (25, 113, 194)
OTHERS: Final[Colour] = (173, 181, 189)

_MARGIN: Final = 24
_LINE: Final = 26
_BAR_HEIGHT: Final = 18
_LONGEST_BAR: Final = 560
_GAP: Final = 12
_KINDS: Final = {".png": png, ".svg": svg}


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: what it says on its left, its length, and the figure on its right."""

    label: str
    value: float
    text: str
    colour: Colour = OURS


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


def draw(chart: Chart) -> Drawing:
    """Lay the chart out."""
    bars = [bar for panel in chart.panels for bar in panel.bars]
    label_width = CHARACTER_WIDTH * max(len(bar.label) for bar in bars)
    figure_width = CHARACTER_WIDTH * max(len(bar.text) for bar in bars)
    left = _MARGIN + label_width + _GAP
    shapes: list[Rectangle | Words] = [Words(_MARGIN, _MARGIN, chart.title)]
    y = _MARGIN + 2 * _LINE
    for panel in chart.panels:
        shapes.append(Words(_MARGIN, y, panel.title))
        shapes.extend(_bars(panel, left, y + _LINE))
        y += (len(panel.bars) + 2) * _LINE
    for line in chart.footer:
        shapes.append(Words(_MARGIN, y, line, FAINT))
        y += _LINE
    lines = [chart.title, *(panel.title for panel in chart.panels), *chart.footer]
    text_width = CHARACTER_WIDTH * max(len(line) for line in lines)
    width = max(left + _LONGEST_BAR + _GAP + figure_width, _MARGIN + text_width) + _MARGIN
    return Drawing(width, y + _MARGIN, tuple(shapes))


def check_plot_file(path: Path) -> None:
    """Check, before anything is measured, that a plot can be written there.

    Raises:
        Refused: `plot-file`, when the name ends neither in .png nor in .svg.
    """
    if path.suffix not in _KINDS:
        raise Refused("plot-file", f"expected a name that ends in .png or .svg, got {path.name!r}")


def write_chart(chart: Chart, path: Path) -> None:
    """Draw the chart into a file; the folder is made if it is missing.

    Raises:
        Refused: `plot-file`, when the name ends neither in .png nor in .svg.
    """
    check_plot_file(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(_KINDS[path.suffix](draw(chart)))


def _bars(panel: Panel, left: int, top: int) -> list[Rectangle | Words]:
    longest = max((bar.value for bar in panel.bars), default=0.0) or 1.0
    shapes: list[Rectangle | Words] = []
    for row, bar in enumerate(panel.bars):
        y = top + row * _LINE
        width = max(1, round(_LONGEST_BAR * bar.value / longest))
        shapes += [
            Words(left - _GAP, y, bar.label, INK, "right"),
            Rectangle(left, y - 2, width, _BAR_HEIGHT, bar.colour),
            Words(left + width + _GAP, y, bar.text, INK),
        ]
    return shapes
