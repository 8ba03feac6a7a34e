"""Rounds on disk: one row each, moved on by the one transition table, a transaction a step."""

from dataclasses import dataclass, fields
from typing import Any, Final

from sqlalchemy import Connection, Row, insert, select, update

from blindsum_aggregator.store.tables import PHASES, ROUNDS
from blindsum_crypto.errors import Refused
from blindsum_rules.signed import Signed
from blindsum_rules.spec import Spec, SpecKind
from blindsum_rules.transitions import AGGREGATOR, AggregatorEvent, AggregatorState, step

NOTHING_FILED: Final = 0
OUTCOME_FILED: Final = 1
CLOSES_FILED: Final = 2

ENDED: Final = frozenset(
    {AggregatorState.PUBLISHED, AggregatorState.ABORTED, AggregatorState.CLOSED}
)
"""States in which a round has an outcome."""


@dataclass(frozen=True, slots=True)
class RoundRow:
    """A round as the aggregator remembers it.

    Attributes:
        study: Study id.
        number: Round number.
        kind: A round, or the end of the study.
        state: Where it stands; an end spec stays OPEN once a quorum accepted it.
        round_id: Digest of the spec, 32 bytes.
        model_version: Version that its clients train from.
        model_digest: Digest of that model, 32 bytes.
        invited: Clients in the cohort.
        proposed_unix: When the spec was signed, UTC seconds.
        contribute_deadline_unix: From the spec.
        release_deadline_unix: From the spec.
        collection_closed_unix: Since when no upload is receipted; None while it is open.
        freeze_digest: Digest of the freeze, or empty.
        commitment: Commitment of the aggregate, or empty.
        next_version: Version after this round; None before its end.
        next_digest: Digest of the model after this round, or empty.
        rule: The rule that aborted it, or, of an end, that ended the study early; or empty.
        expected: The sentence of that rule.
        generation: How often the partial sum was flipped; its parity names the buffer that counts.
        filed: What the transcript has of it.
    """

    study: str
    number: int
    kind: SpecKind
    state: AggregatorState
    round_id: bytes
    model_version: int
    model_digest: bytes
    invited: int
    proposed_unix: float
    contribute_deadline_unix: int
    release_deadline_unix: int
    collection_closed_unix: float | None
    freeze_digest: bytes
    commitment: bytes
    next_version: int | None
    next_digest: bytes
    rule: str
    expected: str
    generation: int
    filed: int

    @property
    def is_published(self) -> bool:
        """Whether an aggregate came of it."""
        return bool(self.commitment)


_COLUMNS: Final = [ROUNDS.c[field.name] for field in fields(RoundRow)]


def _row(values: Row[Any]) -> RoundRow:
    fields_by_name = dict(values._mapping)  # noqa: SLF001 - the documented way to read a row
    fields_by_name["kind"] = SpecKind(fields_by_name["kind"])
    fields_by_name["state"] = AggregatorState(fields_by_name["state"])
    return RoundRow(**fields_by_name)


def all_rounds(connection: Connection, study: str) -> list[RoundRow]:
    """Every round of a study, ascending by number."""
    query = select(*_COLUMNS).where(ROUNDS.c.study == study).order_by(ROUNDS.c.number)
    return [_row(values) for values in connection.execute(query)]


def newest_round(connection: Connection, study: str) -> RoundRow | None:
    """The round of the highest number, or None before the first."""
    query = select(*_COLUMNS).where(ROUNDS.c.study == study).order_by(ROUNDS.c.number.desc())
    values = connection.execute(query.limit(1)).first()
    return None if values is None else _row(values)


def find_round(connection: Connection, study: str, number: int) -> RoundRow | None:
    """A round by its number, or None."""
    query = select(*_COLUMNS).where(ROUNDS.c.study == study, ROUNDS.c.number == number)
    values = connection.execute(query).first()
    return None if values is None else _row(values)


def unfiled_rounds(connection: Connection, study: str) -> list[RoundRow]:
    """Rounds whose end or closes the transcript does not hold yet, ascending."""
    query = (
        select(*_COLUMNS)
        .where(ROUNDS.c.study == study, ROUNDS.c.filed < CLOSES_FILED)
        .order_by(ROUNDS.c.number)
    )
    return [_row(values) for values in connection.execute(query)]


def add_round(connection: Connection, spec: Signed[Spec], now: float) -> None:
    """Remember a signed spec as PROPOSED."""
    body = spec.body
    connection.execute(
        insert(ROUNDS).values(
            study=body.study,
            number=body.round_number,
            kind=body.kind,
            state=AggregatorState.PROPOSED,
            round_id=spec.digest,
            model_version=body.model_version,
            model_digest=body.model_digest,
            invited=len(body.cohort),
            proposed_unix=now,
            contribute_deadline_unix=body.contribute_deadline_unix,
            release_deadline_unix=body.release_deadline_unix,
        )
    )
    _enter(connection, body.study, body.round_number, AggregatorState.PROPOSED, now)


def tell_reason(connection: Connection, study: str, number: int, reason: Refused) -> None:
    """Remember why a study ends at this number, for people; it moves nothing."""
    connection.execute(
        update(ROUNDS)
        .where(ROUNDS.c.study == study, ROUNDS.c.number == number)
        .values(rule=reason.rule, expected=reason.expected)
    )


def move_round(
    connection: Connection, row: RoundRow, event: AggregatorEvent, now: float, **values: object
) -> RoundRow:
    """Take one step of the transition table, with whatever else it fixes.

    Args:
        connection: The transaction.
        row: The round, as read in this transaction.
        event: What happened.
        now: UTC seconds.
        **values: Further columns of the round.

    Raises:
        Refused: `transition`, when the table has no such step.
    """
    state = step(AGGREGATOR, row.state, event)
    change_round(connection, row, state=state, **values)
    _enter(connection, row.study, row.number, state, now)
    changed = find_round(connection, row.study, row.number)
    return row if changed is None else changed


def change_round(connection: Connection, row: RoundRow, **values: object) -> None:
    """Change columns of a round that are no state."""
    connection.execute(
        update(ROUNDS)
        .where(ROUNDS.c.study == row.study, ROUNDS.c.number == row.number)
        .values(**values)
    )


def phases_of(connection: Connection, study: str, number: int) -> dict[AggregatorState, float]:
    """When the round entered each state that it has been in, UTC seconds, in that order."""
    query = select(PHASES.c.state, PHASES.c.at_unix).where(
        PHASES.c.study == study, PHASES.c.number == number
    )
    entered = {AggregatorState(state): at_unix for state, at_unix in connection.execute(query)}
    # Two states may begin in one tick of the clock; the table's order is theirs.
    order = list(AggregatorState)
    return dict(sorted(entered.items(), key=lambda one: (one[1], order.index(one[0]))))


def accepted_rounds(connection: Connection, study: str) -> list[int]:
    """Numbers of the rounds whose spec a quorum accepted, whatever became of them."""
    query = select(PHASES.c.number).where(
        PHASES.c.study == study, PHASES.c.state == AggregatorState.OPEN
    )
    return sorted(int(row.number) for row in connection.execute(query))


def _enter(
    connection: Connection, study: str, number: int, state: AggregatorState, now: float
) -> None:
    connection.execute(insert(PHASES).values(study=study, number=number, state=state, at_unix=now))
