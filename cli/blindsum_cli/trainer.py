"""The trainer that a client brings: a Python function, named as MODULE:FUNCTION."""

import importlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, cast

import typer

from blindsum_crypto.errors import Refused

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from blindsum_client.round import Round
    from blindsum_client.training import Answer, Trainer


def load_trainer(name: str) -> "Trainer":
    """Import a trainer; modules in the current folder are found too.

    Args:
        name: "package.module:function".

    Raises:
        Refused: `trainer`, when there is no such module or function.
    """
    module_name, separator, function_name = name.partition(":")
    if not (separator and module_name and function_name):
        raise Refused("trainer", f"expected MODULE:FUNCTION, got {name!r}")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        function = getattr(importlib.import_module(module_name), function_name)
    except (ImportError, AttributeError) as error:
        raise Refused("trainer", f"expected {name!r} to be importable: {error}") from error
    if not callable(function):
        raise Refused("trainer", f"expected {name!r} to be a function")
    return cast("Trainer", function)


def checked(trainer: "Trainer", name: str) -> "Trainer":
    """A trainer whose answers are looked at: another kind is the caller's mistake, said in words.

    It is wrong usage and not a broken rule: the agent waits after broken rules and tries again.

    Raises:
        BadParameter: when a call returns something else than the round takes: an Update, or units
            where the study hides records or patients.
    """
    from blindsum_client.training import problem_of

    def train(model: "dict[str, npt.NDArray[np.float32]]", round_: "Round") -> "Answer":
        answer = trainer(model, round_)
        problem = problem_of(answer, round_)
        if problem is not None:
            raise typer.BadParameter(f"{name}: {problem}", param_hint="--trainer")
        return answer

    return train
