"""The stages of a contribution, told as they are passed: for progress bars, logs and tests."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class Stage(StrEnum):
    """What has just been done with a round's contribution.

    `sealed`: sealed, opened by its own client, and on the disk. `header`: the aggregator has the
    header. `payload`: it has every byte. `receipt`: its verified receipt is on the disk.
    """

    SEALED = "sealed"
    HEADER = "header"
    PAYLOAD = "payload"
    RECEIPT = "receipt"


OnStage = Callable[[int, Stage], None]
"""Told the round's number and the stage, in the thread that contributes, which waits for it."""


def _ignore(_round_number: int, _stage: Stage) -> None:
    return None


@dataclass(slots=True)
class Stages:
    """Whom to tell.

    Attributes:
        tell: Called at every stage; an error that it raises ends the contribution's attempt, which
            a later one goes on with.
    """

    tell: OnStage = _ignore
