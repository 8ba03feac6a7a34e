"""DEMO HARNESS: what the demo's hospitals write down so that the demo can be checked.

In a study nobody keeps the integers that a client seals: they are its update in the clear. The
demo's patients are public, so here they are kept, outside of the client package, to hold every
opened sum against plain integers. Nor does anybody fix the coins of the rounding there; here a seed
does, so that two studies seal the same integers. Nothing in this file belongs in a study.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from blindsum_cli.model_file import write_arrays
from blindsum_crypto.errors import Rejected
from blindsum_crypto.primitives import length_prefixed
from blindsum_crypto.randomness import Randomness, SeededRandomness

_DIGITS: Final = 6
FINAL: Final = "final.npz"


def rounding_coins(seed: int, round_number: int, hospital: str) -> Randomness:
    """The coins of a hospital's stochastic rounding in a round: the same in every study.

    For `encode` alone. What seals comes from the operating system, here as anywhere.
    """
    what = (b"demo-rounding", str(seed), str(round_number), hospital)
    return SeededRandomness(
        length_prefixed(*(one if isinstance(one, bytes) else one.encode() for one in what))
    )


@dataclass(frozen=True, slots=True)
class Harness:
    """One hospital's files of one study in the harness folder.

    Attributes:
        folder: The folder; `prepare` makes it.
    """

    folder: Path

    def prepare(self) -> None:
        """Make the folder, unless it is there."""
        self.folder.mkdir(parents=True, exist_ok=True)

    def say_ready(self) -> None:
        """Say that the hospital has joined and waits for rounds."""
        (self.folder / "ready").touch()

    def is_ready(self) -> bool:
        """Whether it said so."""
        return (self.folder / "ready").exists()

    def forget_ready(self) -> None:
        """Take it back: the hospital was killed."""
        (self.folder / "ready").unlink(missing_ok=True)

    def keep_integers(self, round_number: int, integers: npt.NDArray[np.int64]) -> None:
        """Keep what the hospital is about to seal, int64 of shape (vector_length,)."""
        np.save(self._path(round_number, ".npy"), integers, allow_pickle=False)

    def integers(self, round_number: int) -> npt.NDArray[np.int64]:
        """What the hospital sealed.

        Raises:
            Rejected: `harness`, when it kept nothing, or no vector of int64.
        """
        path = self._path(round_number, ".npy")
        try:
            values: npt.NDArray[np.int64] = np.load(path, allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise Rejected("harness", f"expected the integers of a hospital at {path}") from error
        if values.dtype != np.int64 or values.ndim != 1:
            raise Rejected("harness", f"expected one vector of int64 at {path}")
        return values

    def keep_seconds(self, round_number: int, seconds: Mapping[str, float]) -> None:
        """Keep how long the hospital's steps of a round took."""
        self._path(round_number, ".json").write_text(json.dumps(dict(seconds)), encoding="utf-8")

    def seconds(self, round_number: int) -> dict[str, float]:
        """How long they took; empty when the hospital did not come so far."""
        path = self._path(round_number, ".json")
        if not path.exists():
            return {}
        steps: dict[str, float] = json.loads(path.read_text(encoding="utf-8"))
        return steps

    def say_held(self, round_number: int) -> None:
        """Say that the hospital stands between its header and its payload."""
        self._path(round_number, ".held").touch()

    def is_held(self, round_number: int) -> bool:
        """Whether it said so."""
        return self._path(round_number, ".held").exists()

    def let_go(self, round_number: int) -> None:
        """Let a hospital that is held go on."""
        self._path(round_number, ".go").touch()

    def may_go(self, round_number: int) -> bool:
        """Whether it may."""
        return self._path(round_number, ".go").exists()

    def keep_refusal(self, round_number: int, rule: str) -> None:
        """Keep by which rule a contribution was refused; the file appears whole."""
        draft = self._path(round_number, ".draft")
        draft.write_text(rule, encoding="ascii")
        draft.replace(self._path(round_number, ".refused"))

    def refusal(self, round_number: int) -> str:
        """By which rule the round's contribution was refused, or empty."""
        path = self._path(round_number, ".refused")
        return path.read_text(encoding="ascii") if path.exists() else ""

    def keep_final(self, model: Mapping[str, npt.NDArray[np.float32]]) -> None:
        """Keep the final model that the hospital verified; the file appears whole."""
        draft = self.folder / f"{FINAL}.draft"
        write_arrays(draft, model)
        draft.replace(self.final)

    @property
    def final(self) -> Path:
        """The final model that the hospital verified."""
        return self.folder / FINAL

    def _path(self, round_number: int, suffix: str) -> Path:
        return self.folder / f"{round_number:0{_DIGITS}d}{suffix}"
