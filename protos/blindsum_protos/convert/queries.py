"""manifest.proto: what a statistic study asks."""

from datetime import date, timedelta
from typing import Final

from blindsum_protos.convert import fields
from blindsum_protos.v1 import manifest_pb2
from blindsum_rules.statistics.query import Cell, Condition, Query

_DAY_ZERO: Final = date(1970, 1, 1)
_FIRST_DAY: Final = (date.min - _DAY_ZERO).days
_LAST_DAY: Final = (date.max - _DAY_ZERO).days


def query_to_message(value: Query) -> manifest_pb2.Query:
    """A query as a message."""
    return manifest_pb2.Query(
        name=value.name,
        description=value.description,
        window_from_day=(value.window_from - _DAY_ZERO).days,
        window_to_day=(value.window_to - _DAY_ZERO).days,
        date_column=value.date_column,
        max_records=value.max_records,
        cells=[_cell_to_message(cell) for cell in value.cells],
    )


def query_from_message(message: manifest_pb2.Query) -> Query:
    """Read a query; its own ranges hold here, `study_checks` judges it beside the others.

    Raises:
        Rejected: `malformed-message`.
    """
    name = fields.identifier(message.name, "Query.name")
    description = fields.words(message.description, "Query.description")
    window_from = _day(message.window_from_day, "Query.window_from_day")
    window_to = _day(message.window_to_day, "Query.window_to_day")
    date_column = _optional_column(message.date_column, "Query.date_column")
    cells = tuple(_cell_from_message(cell) for cell in message.cells)
    return fields.built(
        "Query",
        lambda: Query(
            name, description, window_from, window_to, date_column, message.max_records, cells
        ),
    )


def _cell_to_message(cell: Cell) -> manifest_pb2.Cell:
    return manifest_pb2.Cell(
        name=cell.name,
        value_column=cell.value_column,
        lowest=cell.lowest,
        highest=cell.highest,
        group=cell.group,
        where=[
            manifest_pb2.Condition(column=one.column, at_least=one.at_least, below=one.below)
            for one in cell.where
        ],
        offset=cell.offset,
    )


def _cell_from_message(message: manifest_pb2.Cell) -> Cell:
    name = fields.sentence(message.name, "Cell.name")
    value_column = _optional_column(message.value_column, "Cell.value_column")
    group = _optional_column(message.group, "Cell.group")
    where = tuple(_condition_from_message(condition) for condition in message.where)
    return fields.built(
        "Cell",
        lambda: Cell(
            name, value_column, message.lowest, message.highest, group, where, message.offset
        ),
    )


def _condition_from_message(message: manifest_pb2.Condition) -> Condition:
    column = fields.sentence(message.column, "Condition.column")
    return fields.built("Condition", lambda: Condition(column, message.at_least, message.below))


def _optional_column(text: str, field: str) -> str:
    return fields.sentence(text, field) if text else ""


def _day(days: int, field: str) -> date:
    return _DAY_ZERO + timedelta(days=fields.number(days, field, _FIRST_DAY, _LAST_DAY))
