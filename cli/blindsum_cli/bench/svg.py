"""A drawing as SVG: sharp at every size, and its words can be searched."""

from xml.sax.saxutils import escape

from blindsum_cli.bench.shapes import (
    CHARACTER_HEIGHT,
    CHARACTER_WIDTH,
    PAPER,
    Colour,
    Drawing,
    Rectangle,
    Words,
)

_FONT_SIZE = 20  # a typewriter's letter is 0.6 of its size wide: 12 pixels


def svg(drawing: Drawing) -> bytes:
    """The drawing as one SVG document, UTF-8."""
    paper = Rectangle(0, 0, drawing.width, drawing.height, PAPER)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{drawing.width}" '
        f'height="{drawing.height}" viewBox="0 0 {drawing.width} {drawing.height}">',
        *(_element(shape) for shape in (paper, *drawing.shapes)),
        "</svg>",
    ]
    return ("\n".join(lines) + "\n").encode()


def _element(shape: Rectangle | Words) -> str:
    if isinstance(shape, Rectangle):
        return (
            f'<rect x="{shape.x}" y="{shape.y}" width="{shape.width}" height="{shape.height}" '
            f'fill="{_hex(shape.colour)}"/>'
        )
    width = CHARACTER_WIDTH * len(shape.text)
    return (
        f'<text x="{shape.left}" y="{shape.y + CHARACTER_HEIGHT}" textLength="{width}" '
        f'font-family="monospace" font-size="{_FONT_SIZE}" xml:space="preserve" '
        f'fill="{_hex(shape.colour)}">{escape(shape.text)}</text>'
    )


def _hex(colour: Colour) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)
