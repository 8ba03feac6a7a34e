"""What a plot is made of: rectangles and words on a plane, whatever file they go into."""

from dataclasses import dataclass
from typing import Final, Literal

CHARACTER_WIDTH: Final = 12
"""Width of every character: plots are set in a typewriter's letters, in every kind of file."""

CHARACTER_HEIGHT: Final = 14
"""Height of a capital letter; tails of letters reach 2 pixels below it."""

Colour = tuple[int, int, int]
INK: Final[Colour] = (33, 37, 41)
FAINT: Final[Colour] = (134, 142, 150)
PAPER: Final[Colour] = (255, 255, 255)


@dataclass(frozen=True, slots=True)
class Rectangle:
    """A filled rectangle: left upper corner, size, in pixels."""

    x: int
    y: int
    width: int
    height: int
    colour: Colour


@dataclass(frozen=True, slots=True)
class Words:
    """One line of words; (x, y) is the left or right end of its upper edge."""

    x: int
    y: int
    text: str
    colour: Colour = INK
    anchor: Literal["left", "right"] = "left"

    @property
    def left(self) -> int:
        """Where the first character begins."""
        width = CHARACTER_WIDTH * len(self.text)
        return self.x - width if self.anchor == "right" else self.x


@dataclass(frozen=True, slots=True)
class Drawing:
    """Shapes on a white plane, drawn in their order."""

    width: int
    height: int
    shapes: tuple[Rectangle | Words, ...]
