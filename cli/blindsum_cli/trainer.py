"""The trainer that a client brings: a Python function, named as MODULE:FUNCTION."""

import importlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, cast

from blindsum_crypto.errors import Refused

if TYPE_CHECKING:
    from blindsum_client.agent import Trainer


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
