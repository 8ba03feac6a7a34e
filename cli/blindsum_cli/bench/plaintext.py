"""The same round in the clear: float32 values sent as they are, and added. It hides nothing."""

import numpy as np
import numpy.typing as npt

from blindsum_cli.bench.figures import Figures, Stopwatch
from blindsum_cli.bench.scenario import Scenario
from blindsum_cli.bench.updates import update

_FLOAT: np.dtype[np.float32] = np.dtype("<f4")


def run_in_the_clear(scenario: Scenario) -> Figures:
    """Every survivor sends its values, the aggregator adds and divides."""
    watch = Stopwatch()
    total: npt.NDArray[np.float64] = np.zeros(scenario.values)
    sent = mean = b""
    for _ in range(scenario.survivors):
        values = update(scenario.values)
        with watch.phase("header"):
            sent = values.astype(_FLOAT).tobytes()
        with watch.phase("add"):
            total += np.frombuffer(sent, _FLOAT)
    with watch.phase("open"):
        mean = (total / scenario.survivors).astype(_FLOAT).tobytes()
    return Figures(
        way="plaintext",
        seconds=watch.medians(),
        sizes={"payload": len(sent), "aggregate": len(mean)},
        memory={"client": values.nbytes + len(sent), "aggregator": total.nbytes + len(sent)},
        is_exact=False,
    )
