"""Statistics: from a site's records to the integers that answer the query of a round.

The operator writes queries into study.toml (`[[queries]]`) or makes their cells with `count`,
`histogram` and `mean`; a site answers the query that the manifest has for the round:

    for round in client.rounds():
        client.contribute(round, client.statistics.answer(round, records))
    for result in client.statistics.results():
        print(result.query.name, result.values, result.deviation)
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from blindsum_client.records import Records, batches
from blindsum_crypto.errors import Refused
from blindsum_crypto.randomness import Randomness
from blindsum_rules.codec.units import encode_units
from blindsum_rules.manifest import Manifest, StudyKind
from blindsum_rules.privacy.study_plan import study_codec
from blindsum_rules.statistics.answered import query_of
from blindsum_rules.statistics.building import count, histogram, mean
from blindsum_rules.statistics.query import Cell, Condition, Query
from blindsum_rules.statistics.result import Estimate, StatisticResult

__all__ = [
    "Cell",
    "Condition",
    "Estimate",
    "Query",
    "Records",
    "StatisticResult",
    "answer",
    "check_records",
    "count",
    "encode_statistic",
    "histogram",
    "mean",
]


def answer(query: Query, records: Records) -> npt.NDArray[np.int64]:
    """A site's exact answer, without noise.

    A missing value (NaN, None, a word) meets no condition, so its record is not counted where the
    column is asked about.

    Args:
        query: What is asked.
        records: The site's records; where the query names no date column, those of the window.

    Returns:
        int64, shape (cells,): the sum over the records, no rounding anywhere.

    Raises:
        Refused: `query-range`, when a record would add something else than a whole number within
            the cell's range; `query-max-records`, when more records are in the window than the
            query allows. Neither says the value, nor whose.
        Rejected: `records-column`, `records-length`.
    """
    total = np.zeros(len(query.cells), np.int64)
    asked = 0
    for batch in batches(query, records):
        bad = ~batch.permitted.all(axis=0)
        if bad.any():
            cell = query.cells[int(np.flatnonzero(bad)[0])]
            raise Refused(
                "query-range",
                f"{query.name}: expected whole numbers of {cell.lowest + cell.offset} to "
                f"{cell.highest + cell.offset} for {cell.name!r}",
            )
        asked += int(np.count_nonzero(batch.in_window))
        total += np.add.reduce(batch.values.astype(np.int64), axis=0)
    if asked > query.max_records:
        raise Refused(
            "query-max-records",
            f"{query.name}: expected at most {query.max_records} records in the window",
        )
    return total


def encode_statistic(
    model_version: int, records: Records, manifest: Manifest, randomness: Randomness
) -> npt.NDArray[np.int64]:
    """The integers that a site seals for a round of this version.

    In a private study every record is one unit: each cell in units of its scale, clipped to the
    query's norm, which no permitted record exceeds; summed, rounded once, with this site's share
    of noise. A record that the query does not permit adds nothing, and so does one outside of the
    window; it keeps its place, so that no record decides about another, nor whether its site takes
    part. Records beyond the B units of a client are left out: `check_records` first.

    Args:
        model_version: The version of the round, which says which query it answers.
        records: The site's records.
        manifest: The verified manifest of a statistic study.
        randomness: For rounding and noise; fresh for every call.

    Returns:
        int64, shape (manifest.vector_length,): the answer, and zeros, or noise, behind it.

    Raises:
        Refused: `study-kind`, when the study trains a model; `query-left`; as `answer`, without
            noise.
        Rejected: as `answer`.
    """
    if manifest.kind is not StudyKind.STATISTIC:
        raise Refused("study-kind", "expected a statistic study, got one that trains a model")
    query, length = query_of(manifest, model_version), manifest.vector_length
    if manifest.privacy is None:
        padded = np.zeros(length, np.int64)
        padded[: len(query.cells)] = answer(query, records)
        return padded
    units = units_of(query, records, length)
    return encode_units(units, study_codec(manifest, query.norm), randomness)[0]


def check_records(records: Records, manifest: Manifest) -> None:
    """Refuse a table of more records than a private study sums of a site: once, before any round.

    Every record of the table has its place among the B units that are summed, in the window or
    not; of a longer table the last ones would be left out of every answer, in silence.

    Args:
        records: The site's records, for all queries.
        manifest: The verified manifest; one without noise, or that trains, passes.

    Raises:
        Refused: `units-per-client`.
        Rejected: as `answer`.
    """
    if manifest.kind is not StudyKind.STATISTIC or manifest.privacy is None:
        return
    for query in manifest.queries:
        units = sum(batch.in_window.size for batch in batches(query, records))
        study_codec(manifest, query.norm).check_units(units)


def units_of(query: Query, records: Records, length: int) -> Iterator[npt.NDArray[np.float64]]:
    """Every record as a unit of a private study, some at a time, in their order.

    Args:
        query: What is asked.
        records: The site's records.
        length: Values of a unit; those behind the query's cells are zero.

    Returns:
        float64, shape (records, length), each cell in units of its scale: of norm `query.norm` at
        most where the record is permitted, and zero where it is not or lies outside of the window.

    Raises:
        Rejected: as `answer`.
    """
    scale = np.array([cell.scale for cell in query.cells], np.float64)
    for batch in batches(query, records):
        counts = batch.in_window & batch.permitted.all(axis=1)
        units = np.zeros((counts.size, length), np.float64)
        units[counts, : scale.size] = batch.values[counts] / scale
        yield units
