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

    from blindsum_client.agent import Trainer
    from blindsum_client.round import Round
    from blindsum_client.update import Update


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
    """A trainer whose answers are looked at: another type is the caller's mistake, said in words.

    It is wrong usage and not a broken rule: the agent waits after broken rules and tries again.

    Raises:
        BadParameter: when a call returns something else than an Update.
    """
    from blindsum_client.update import Update

    def train(model: "dict[str, npt.NDArray[np.float32]]", round_: "Round") -> "Update":
        update: object = trainer(model, round_)
        if not isinstance(update, Update):
            raise typer.BadParameter(
                f"expected {name} to return blindsum_client.Update(changes, records), got "
                f"{type(update).__name__}",
                param_hint="--trainer",
            )
        return update

    return train
