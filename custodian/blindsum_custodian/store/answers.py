"""The answers that were given: unique on (study, round, step, page), resent as stored bytes."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, insert, select, update

from blindsum_custodian.store.tables import ANSWERS
from blindsum_protos.convert.signed import signed_from_bytes, signed_to_bytes
from blindsum_rules.signed import BodyT, Signed


class Step(StrEnum):
    """What a custodian answers in a round."""

    ACCEPT = "accept"
    ADMIT = "admit"
    ENDORSE = "endorse"
    RELEASE = "release"
    CLOSE = "close"


@dataclass(frozen=True, slots=True)
class Place:
    """Where one answer stands; there is never a second one.

    Attributes:
        study: Study id.
        round_number: Number of the round.
        step: The step.
        page: The page of headers for `admit`, of the release for `release`, else 0.
    """

    study: str
    round_number: int
    step: Step
    page: int = 0


def find_answer(connection: Connection, place: Place, kind: type[BodyT]) -> Signed[BodyT] | None:
    """The answer that was given there, with its very bytes, or None."""
    data = connection.scalar(select(ANSWERS.c.answer).where(*_there(place)))
    return None if data is None else signed_from_bytes(kind, data)


def find_answers(
    connection: Connection, study: str, round_number: int, step: Step, kind: type[BodyT]
) -> tuple[Signed[BodyT], ...]:
    """Every answer of a step that was given in a round, by page, with its very bytes.

    None once they are erased.
    """
    query = select(ANSWERS.c.answer).where(
        *_of_step(study, round_number, step), ANSWERS.c.answer != b""
    )
    return tuple(
        signed_from_bytes(kind, data) for data in connection.scalars(query.order_by(ANSWERS.c.page))
    )


def keep_answer(connection: Connection, place: Place, answer: Signed[Any]) -> None:
    """Remember an answer before it leaves; a second one for the place violates the primary key."""
    connection.execute(
        insert(ANSWERS).values(
            study=place.study,
            round_number=place.round_number,
            step=place.step.value,
            page=place.page,
            answer=signed_to_bytes(answer),
        )
    )


def count_answers(connection: Connection, study: str, round_number: int, step: Step) -> int:
    """How many answers of a step were given in a round."""
    query = select(func.count()).where(*_of_step(study, round_number, step))
    return connection.execute(query).scalar_one()


def next_page(connection: Connection, study: str, round_number: int, step: Step) -> int:
    """The number behind the last answered page of a step; pages are answered without a gap."""
    query = (
        select(ANSWERS.c.page)
        .where(*_of_step(study, round_number, step))
        .order_by(ANSWERS.c.page.desc())
        .limit(1)
    )
    last: int | None = connection.scalar(query)
    return 0 if last is None else last + 1


def erase_answers(connection: Connection, study: str, round_number: int, step: Step) -> None:
    """Forget what the answers of a step said; that they were given stays known."""
    connection.execute(
        update(ANSWERS).where(*_of_step(study, round_number, step)).values(answer=b"")
    )


def _there(place: Place) -> tuple[ColumnElement[bool], ...]:
    step = _of_step(place.study, place.round_number, place.step)
    return (*step, ANSWERS.c.page == place.page)


def _of_step(study: str, round_number: int, step: Step) -> tuple[ColumnElement[bool], ...]:
    return (
        ANSWERS.c.study == study,
        ANSWERS.c.round_number == round_number,
        ANSWERS.c.step == step.value,
    )
