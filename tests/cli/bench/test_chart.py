"""Plots: both kinds of file hold the same drawing, and nothing of it falls off the paper."""

import struct
import xml.etree.ElementTree as ET
import zlib
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from blindsum_cli.bench.chart import OTHERS, OURS, Bar, Chart, Panel, draw, write_chart
from blindsum_cli.bench.glyphs import COLUMNS, ROWS, glyph
from blindsum_cli.bench.png import SIGNATURE, png
from blindsum_cli.bench.shapes import INK, PAPER, Drawing, Rectangle, Words
from blindsum_cli.bench.svg import svg
from blindsum_crypto.errors import Refused

CHART = Chart(
    "Costs <of> & all",
    [Panel("Seconds", [Bar("peer", 4.0, "4 s", OTHERS), Bar("ours", 1.0, "1 s")])],
    ["$ a command"],
)


def pixels_of(data: bytes) -> npt.NDArray[np.uint8]:
    """Read a PNG by its specification: chunks with their checksums, rows with their filters."""
    assert data.startswith(SIGNATURE)
    position, chunks = len(SIGNATURE), {}
    while position < len(data):
        (length,) = struct.unpack_from(">I", data, position)
        kind = data[position + 4 : position + 8]
        content = data[position + 8 : position + 8 + length]
        (checksum,) = struct.unpack_from(">I", data, position + 8 + length)
        assert checksum == zlib.crc32(kind + content)
        chunks[kind] = content
        position += 12 + length
    width, height, bits, colour, *_ = struct.unpack(">IIBBBBB", chunks[b"IHDR"])
    assert (bits, colour) == (8, 2)
    rows = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), np.uint8).reshape(height, -1)
    assert not rows[:, 0].any()
    return rows[:, 1:].reshape(height, width, 3)


def test_a_png_shows_every_shape_where_it_stands() -> None:
    drawing = Drawing(40, 30, (Rectangle(5, 6, 10, 4, OURS), Words(20, 8, "I")))

    pixels = pixels_of(png(drawing))

    assert (pixels[6:10, 5:15] == OURS).all()
    assert (pixels[:6] == PAPER).all()
    inked = (pixels[8:24, 20:30] == INK).all(axis=2)
    assert np.array_equal(inked, glyph("I").repeat(2, axis=0).repeat(2, axis=1))


def test_words_that_end_at_a_point_begin_as_far_left_as_they_are_long() -> None:
    assert Words(100, 0, "abc", anchor="right").left == 100 - 3 * 12


def test_bars_are_drawn_to_one_scale_that_begins_at_zero() -> None:
    widths = [one.width for one in draw(CHART).shapes if isinstance(one, Rectangle)]

    assert widths[0] == 4 * widths[1]


def test_nothing_of_a_chart_falls_off_the_paper() -> None:
    drawing = draw(CHART)

    for shape in drawing.shapes:
        right = (
            shape.x + shape.width
            if isinstance(shape, Rectangle)
            else shape.left + 12 * len(shape.text)
        )
        left = shape.x if isinstance(shape, Rectangle) else shape.left
        assert left >= 0
        assert right <= drawing.width
        assert 0 <= shape.y < drawing.height - 16


def test_an_svg_holds_every_word_and_escapes_them() -> None:
    root = ET.fromstring(svg(draw(CHART)).decode())  # noqa: S314

    words = [element.text for element in root if element.tag.endswith("text")]
    assert words == [one.text for one in draw(CHART).shapes if isinstance(one, Words)]
    assert "Costs <of> & all" in words


@pytest.mark.parametrize("suffix", [".png", ".svg"])
def test_a_chart_is_written_where_it_was_asked_for(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / "new" / f"chart{suffix}"

    write_chart(CHART, path)

    assert path.read_bytes() == {".png": png, ".svg": svg}[suffix](draw(CHART))


def test_another_kind_of_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused) as caught:
        write_chart(CHART, tmp_path / "chart.pdf")

    assert caught.value.rule == "plot-file"


def test_every_printable_character_has_a_glyph_of_its_own() -> None:
    printable = [chr(code) for code in range(32, 127) if chr(code) not in "\\`{}"] + ["µ"]

    shapes = {glyph(character).tobytes() for character in printable}

    assert len(shapes) == len(printable)
    assert glyph("I").shape == (ROWS, COLUMNS)
    assert np.array_equal(glyph("\N{SNOWMAN}"), glyph("?"))
