"""OpenDP's discrete Gaussian, where it is installed: exact sampling, a draw at a time in Rust.

Canonne, Kamath and Steinke's rejection sampler over OpenSSL's generator, with rationals:
as exact as ours, by another way. `pip install opendp`; it is no dependency of the project.
"""

import importlib
import importlib.util
from collections.abc import Callable
from typing import Any


def gaussian_noise(deviation: float, values: int) -> Callable[[], object] | None:
    """What draws so many values of that deviation, or None where OpenDP is not installed."""
    if importlib.util.find_spec("opendp") is None:
        return None
    # Any: the package is not there to be looked at wherever types are checked.
    prelude: Any = importlib.import_module("opendp.prelude")
    prelude.enable_features("contrib")
    space = prelude.vector_domain(prelude.atom_domain(T="i64")), prelude.l2_distance(T="f64")
    measurement = prelude.m.make_gaussian(*space, scale=deviation)
    zeros = [0] * values
    return lambda: measurement(zeros)
