"""How a study stands, for any party of its manifest: states, signers, seconds, refusals."""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from sqlalchemy import Connection

from blindsum_aggregator.board import OpeningProgress
from blindsum_aggregator.store.contributions import count_members, count_received
from blindsum_aggregator.store.messages import MessageKind, subjects_of
from blindsum_aggregator.store.requests import refusals_of
from blindsum_aggregator.store.rounds import RoundRow, all_rounds, phases_of
from blindsum_aggregator.study import Study
from blindsum_rules.spec import SpecKind

_NEWEST_ROUNDS: Final = 100
_MOST_REFUSALS: Final = 20


@dataclass(frozen=True, slots=True)
class RoundStatus:
    """How one round stands.

    Attributes:
        row: What is remembered of it.
        received: Receipted contributions.
        frozen: |U|, 0 before the freeze.
        signers: Who answered each step, ascending.
        seconds: How long the round was in each state that is over.
        refusals: Custodians' refusals, "custodian: rule: sentence", and why the study ended early.
        opening: How far the opening of its sum is, while it runs.
    """

    row: RoundRow
    received: int
    frozen: int
    signers: Mapping[MessageKind, tuple[str, ...]]
    seconds: Mapping[str, float]
    refusals: tuple[str, ...]
    opening: OpeningProgress | None


def study_status(study: Study, connection: Connection) -> list[RoundStatus]:
    """The newest hundred rounds, ascending; an end spec is none.

    Where the study ended before its schedule did, the last round says why.
    """
    rows = all_rounds(connection, study.name)
    rounds = [row for row in rows if row.kind is SpecKind.ROUND]
    standing = [_round_status(study, connection, row) for row in rounds[-_NEWEST_ROUNDS:]]
    end = rows[-1] if rows and rows[-1].kind is SpecKind.END else None
    if end is None or not end.rule or not standing:
        return standing
    reason = f"{study.manifest.aggregator.name}: {end.rule}: {end.expected}"
    return [*standing[:-1], replace(standing[-1], refusals=(*standing[-1].refusals, reason))]


def _round_status(study: Study, connection: Connection, row: RoundRow) -> RoundStatus:
    steps = (
        MessageKind.ACCEPTANCE,
        MessageKind.ENDORSEMENT,
        MessageKind.RELEASE,
        MessageKind.CLOSE,
    )
    return RoundStatus(
        row=row,
        received=count_received(connection, study.name, row.number),
        frozen=count_members(connection, study.name, row.number),
        signers={
            step: tuple(subjects_of(connection, study.name, row.number, step)) for step in steps
        },
        seconds=_seconds(connection, row),
        refusals=tuple(refusals_of(connection, study.name, row.number, _MOST_REFUSALS)),
        opening=study.board.openings.get(row.number),
    )


def _seconds(connection: Connection, row: RoundRow) -> dict[str, float]:
    """A state is over when the next one begins; the newest one is not."""
    entered = list(phases_of(connection, row.study, row.number).items())
    return {
        state.value: following[1] - at_unix
        for (state, at_unix), following in itertools.pairwise(entered)
    }
