"""What stands in a statistic study where a model study has a model: how many queries are answered.

Version v of this counter answers query v. So what earns a new model earns the next query (a
freeze, its endorsements, a commitment), an aborted round asks the same one again, and no rule of
succession had to be written anew (ADR 18).
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from blindsum_crypto.errors import Refused
from blindsum_rules.manifest import Manifest
from blindsum_rules.model import Layout, Model, NamedArray
from blindsum_rules.statistics.query import Query

ANSWERED_LAYOUT: Final = Layout((NamedArray("answered", ()),))
ANSWERED_RULE: Final = "answered"
"""The update rule of statistic studies: one more query is answered."""


def nothing_answered() -> Model:
    """Version 0: float32, shape (1,), zero."""
    return np.zeros(1, np.float32)


def query_of(manifest: Manifest, model_version: int) -> Query:
    """The query that rounds of this version answer.

    Raises:
        Refused: `query-left`, when all are answered.
    """
    if not 0 <= model_version < len(manifest.queries):
        raise Refused(
            "query-left",
            f"expected one of {len(manifest.queries)} queries, got version {model_version}",
        )
    return manifest.queries[model_version]


def next_answered(manifest: Manifest, model: Model, aggregate: npt.NDArray[np.int64]) -> Model:
    """The counter after a round: one more, or the same where the sum cannot be an answer.

    Without noise every cell of an honest sum stays within what all clients' records can add up to,
    and what pads a shorter query is zero. A sum that does not was spoiled, and the query is asked
    again. With noise nothing of the kind can be told.

    Args:
        manifest: The study.
        model: How many queries were answered before.
        aggregate: int64, shape (manifest.vector_length,).
    """
    version = int(model[0])
    asked = 0 <= version < len(manifest.queries)
    if not asked or (manifest.privacy is None and not _is_possible(manifest, version, aggregate)):
        return model.copy()
    return model + np.float32(1)


def _is_possible(manifest: Manifest, version: int, aggregate: npt.NDArray[np.int64]) -> bool:
    query = manifest.queries[version]
    records = len(manifest.clients) * query.max_records
    lowest = np.array([min(0, records * one.lowest) for one in query.cells], np.int64)
    highest = np.array([max(0, records * one.highest) for one in query.cells], np.int64)
    answer, padding = np.split(aggregate, [len(query.cells)])
    return bool((lowest <= answer).all() and (answer <= highest).all() and not padding.any())
