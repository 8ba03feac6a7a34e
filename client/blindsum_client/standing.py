"""Standing: how far a client has come in its study, in words that a person can be told."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a client has come, as its own state folder says.

    Attributes:
        round_number: Of the newest spec that it followed; -1 before the first.
        sealed: Whether it has sealed its one contribution to that round.
        ended: Whether that spec ended the study.
    """

    round_number: int
    sealed: bool
    ended: bool
