"""Patients as units: the rows of a patient's records become one row, before it is clipped.

    >>> import numpy as np
    >>> records = [np.array([[1.0, 0.0], [5.0, 5.0]]), np.array([[0.0, 3.0]])]
    >>> [rows.tolist() for rows in patient_units(records, ["anna", "berit", "anna"])]
    [[[0.5, 1.5], [5.0, 5.0]]]

A patient's row is the *mean* of the rows of her records. Each patient then counts once, however
often she came: the sum of rows over the public number of patients is the gradient of a loss in
which patients weigh alike, and one clip norm fits a patient with one record and one with a hundred.
A sum would grow with the visits: a clip norm wide enough for those who come often drowns the others
in noise, and a narrow one makes the sum a mean of directions. The divisor is a patient's own number
of records, so her row is a function of her records alone.

The study's clip norm C then bounds what a patient does to the site's sum, whatever her records are.
It bounds one site: who was at k of a study's hospitals is in k sums and moves the study's by k*C,
because no hospital may tell another whom it treated. Where that matters, plan for it: epsilon for
k*C is that of z/k (`docs/specification.md`, section 9).

Keys stay here. They are compared, and never hashed into anything that leaves, sent, logged or put
into an error; so are their number and how often each comes.

Memory: 8 bytes a value for every patient whose records have begun and whose row has not been given
on, which waits for its own last record and for the rows before it. Sorted by patient that is one
row at a time; in any other order at most one row a patient.
"""

from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, cast

import numpy as np
import numpy.typing as npt

from blindsum_crypto.errors import Rejected
from blindsum_rules.codec.unit_sum import UnitBatch


class _Array(Protocol):
    """What is needed of a numpy array, a pandas series or a torch tensor of keys."""

    def tolist(self) -> list[Any]: ...


PatientKeys = Sequence[Hashable] | _Array
"""One key a record, in the records' order: anything hashable, or an array of such."""

_MATRIX = 2


def patient_units(batches: Iterable[UnitBatch], keys: PatientKeys) -> Iterator[UnitBatch]:
    """Make one row a patient of one row a record, for `Client.encode_units`.

    Args:
        batches: Records as rows, as `record_gradients` makes them: shape (records, d), float64 or
            float32. One is held at a time.
        keys: Whose record each is, for all records and in their order. Keys that Python finds equal
            are one patient; a row of a two-dimensional array is one key.

    Returns:
        Batches of shape (patients, d), float64, in the order in which patients first appear, each
        fresh. How records are cut into batches changes no bit of a row, only which rows come
        together. A row with a record that is not finite is not finite, nor is one whose sum
        overflows: `encode_units` takes such a patient as zero.

    Raises:
        Rejected: `patient-keys`, when a key is missing (None, NaN) or cannot be hashed, or there
            are more or fewer keys than records: then records would go to the wrong patients.
    """
    return _Grouping.of(_as_list(keys)).means(batches)


@dataclass(slots=True)
class _Row:
    """A patient whose records are being added."""

    records: int
    total: npt.NDArray[np.float64] | None = None
    added: int = 0

    def add(self, record: npt.NDArray[Any]) -> None:
        if self.total is None:
            self.total = record.astype(np.float64)
        else:
            # In the records' order, whatever the batches: floats add up to other bits in another.
            self.total += record
        self.added += 1


@dataclass(slots=True)
class _Grouping:
    """Patients by number, in the order of their first records.

    Attributes:
        patient_of: The patient of every record.
        records_of: How many records each patient has.
    """

    patient_of: list[int]
    records_of: list[int]

    @classmethod
    def of(cls, keys: list[Hashable]) -> "_Grouping":
        numbers: dict[Hashable, int] = {}
        patient_of = [numbers.setdefault(key, len(numbers)) for key in keys]
        records_of = [0] * len(numbers)
        for patient in patient_of:
            records_of[patient] += 1
        return cls(patient_of, records_of)

    def means(self, batches: Iterable[UnitBatch]) -> Iterator[UnitBatch]:
        begun: dict[int, _Row] = {}
        seen = given = 0
        for batch in batches:
            if batch.ndim != _MATRIX:
                raise Rejected("unit-batch", f"expected records as rows, got {batch.ndim} axes")
            if seen + len(batch) > len(self.patient_of):
                raise _other_number()
            with np.errstate(over="ignore", invalid="ignore"):
                for record in batch:
                    patient = self.patient_of[seen]
                    row = begun.setdefault(patient, _Row(self.records_of[patient]))
                    row.add(record)
                    seen += 1
            done = self._done(begun, given)
            given += len(done)
            if done:
                yield np.stack(done)
        if seen != len(self.patient_of):
            raise _other_number()

    @staticmethod
    def _done(begun: dict[int, _Row], first: int) -> list[npt.NDArray[np.float64]]:
        """Take out the rows from this patient on that have all their records."""
        done = []
        while (row := begun.get(first)) is not None and row.added == row.records:
            if row.total is not None:
                done.append(row.total / row.records)
            del begun[first]
            first += 1
        return done


def _as_list(keys: PatientKeys) -> list[Hashable]:
    listed = cast("_Array", keys).tolist() if hasattr(keys, "tolist") else list(cast("Any", keys))
    made: list[Hashable] = [tuple(key) if isinstance(key, list) else key for key in listed]
    if any(_is_missing(key) for key in made):
        raise Rejected("patient-keys", "expected a patient for every record, one has none")
    return made


def _is_missing(key: object) -> bool:
    """Whether a key stands for nobody: such a record could be anybody's, and escape her clip."""
    if isinstance(key, tuple):
        return any(_is_missing(part) for part in key)
    try:
        hash(key)
        return key is None or bool(key != key)  # noqa: PLR0124 - NaN is another than itself
    except TypeError:  # cannot be hashed, or pandas' NA, which is neither equal nor unequal
        return True


def _other_number() -> Rejected:
    # No numbers: how many records a site holds belongs in no log.
    return Rejected("patient-keys", "expected one key for every record, in the records' order")
