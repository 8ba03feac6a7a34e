"""A drawing as PNG (RFC 2083): eight bits a channel, no palette, written with zlib alone."""

import struct
import zlib
from typing import Final

import numpy as np
import numpy.typing as npt

from blindsum_cli.bench.glyphs import glyph
from blindsum_cli.bench.shapes import CHARACTER_WIDTH, PAPER, Drawing, Rectangle, Words

SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_SCALE: Final = 2  # pixels of a glyph's point: 10 by 16 pixels in a cell 12 wide
_BITS: Final = 8
_TRUE_COLOUR: Final = 2
_NO_FILTER: Final = 0

Canvas = npt.NDArray[np.uint8]


def png(drawing: Drawing) -> bytes:
    """The drawing as one PNG file."""
    canvas = np.empty((drawing.height, drawing.width, 3), np.uint8)
    canvas[:] = PAPER
    for shape in drawing.shapes:
        if isinstance(shape, Rectangle):
            _fill(canvas, shape)
        else:
            _write(canvas, shape)
    size = struct.pack(
        ">IIBBBBB", drawing.width, drawing.height, _BITS, _TRUE_COLOUR, 0, _NO_FILTER, 0
    )
    # Every row of pixels stands behind a byte that names its filter.
    rows = np.zeros((drawing.height, 1 + 3 * drawing.width), np.uint8)
    rows[:, 1:] = canvas.reshape(drawing.height, -1)
    pixels = zlib.compress(rows.tobytes(), 9)
    return b"".join(
        (SIGNATURE, _chunk(b"IHDR", size), _chunk(b"IDAT", pixels), _chunk(b"IEND", b""))
    )


def _fill(canvas: Canvas, shape: Rectangle) -> None:
    canvas[shape.y : shape.y + shape.height, shape.x : shape.x + shape.width] = shape.colour


def _write(canvas: Canvas, shape: Words) -> None:
    for place, character in enumerate(shape.text):
        points = glyph(character).repeat(_SCALE, axis=0).repeat(_SCALE, axis=1)
        left = shape.left + place * CHARACTER_WIDTH
        cell = canvas[shape.y : shape.y + points.shape[0], left : left + points.shape[1]]
        cell[points[: cell.shape[0], : cell.shape[1]]] = shape.colour


def _chunk(kind: bytes, content: bytes) -> bytes:
    checked = kind + content
    return struct.pack(">I", len(content)) + checked + struct.pack(">I", zlib.crc32(checked))
