"""Every state against every event: the tables hold exactly what the protocol allows."""

from collections.abc import Mapping
from enum import StrEnum
from itertools import product

import pytest

from blindsum_crypto.errors import Refused
from blindsum_rules.transitions import (
    AGGREGATOR,
    CLIENT,
    CUSTODIAN,
    AggregatorEvent,
    AggregatorState,
    ClientEvent,
    ClientState,
    CustodianEvent,
    CustodianState,
    step,
)

Table = Mapping[tuple[StrEnum, StrEnum], StrEnum]

AGGREGATOR_MAY = """
    PROPOSED  quorum-accepted  OPEN
    PROPOSED  time-out         ABORTED
    PROPOSED  operator-abort   ABORTED
    OPEN      freeze           FROZEN
    OPEN      time-out         ABORTED
    OPEN      operator-abort   ABORTED
    FROZEN    quorum-endorsed  ENDORSED
    FROZEN    operator-abort   ABORTED
    ENDORSED  parts-complete   RELEASED
    ENDORSED  operator-abort   ABORTED
    RELEASED  publish          PUBLISHED
    RELEASED  gate-failed      ABORTED
    RELEASED  operator-abort   ABORTED
    PUBLISHED quorum-closed    CLOSED
    ABORTED   quorum-closed    CLOSED
"""
CUSTODIAN_MAY = """
    ACCEPTED endorse ENDORSED
    ACCEPTED close   CLOSED
    READ     close   CLOSED
    ENDORSED release RELEASED
    ENDORSED close   CLOSED
    RELEASED close   CLOSED
"""
CLIENT_MAY = """
    SEALED receipt     SENT
    SEALED certificate SETTLED
    SEALED closes      FREED
    SENT   certificate SETTLED
    SENT   closes      FREED
"""


def written_out(lines: str) -> dict[tuple[str, str], str]:
    """The table as written out above, word for word apart from the code."""
    rows = [line.split() for line in lines.strip().splitlines()]
    return {(before, event): after for before, event, after in rows}


@pytest.mark.parametrize(
    ("table", "states", "events", "may"),
    [
        (AGGREGATOR, AggregatorState, AggregatorEvent, AGGREGATOR_MAY),
        (CUSTODIAN, CustodianState, CustodianEvent, CUSTODIAN_MAY),
        (CLIENT, ClientState, ClientEvent, CLIENT_MAY),
    ],
    ids=["aggregator", "custodian", "client"],
)
def test_every_state_takes_exactly_the_events_of_the_protocol(
    table: Table, states: type[StrEnum], events: type[StrEnum], may: str
) -> None:
    allowed = written_out(may)
    for state, event in product(states, events):
        if (state.value, event.value) in allowed:
            assert step(table, state, event) == allowed[state.value, event.value]
        else:
            with pytest.raises(Refused) as caught:
                step(table, state, event)
            assert caught.value.rule == "transition"
    assert len(table) == len(allowed)


@pytest.mark.parametrize(
    ("table", "first", "states"),
    [
        (AGGREGATOR, {AggregatorState.PROPOSED}, AggregatorState),
        (CUSTODIAN, {CustodianState.ACCEPTED, CustodianState.READ}, CustodianState),
        (CLIENT, {ClientState.SEALED}, ClientState),
    ],
    ids=["aggregator", "custodian", "client"],
)
def test_every_state_is_reached_and_nothing_leads_back(
    table: Table, first: set[StrEnum], states: type[StrEnum]
) -> None:
    order = list(states)
    reached = first | set(table.values())
    assert reached == set(states)
    for (before, _), after in table.items():
        assert order.index(before) < order.index(after)


def test_nothing_but_the_operator_gives_up_a_freeze_that_was_sent() -> None:
    exits = {event for (state, event) in AGGREGATOR if state is AggregatorState.FROZEN}
    assert exits == {AggregatorEvent.QUORUM_ENDORSED, AggregatorEvent.OPERATOR_ABORT}


def test_a_custodian_releases_only_what_it_endorsed() -> None:
    sources = {state for (state, event) in CUSTODIAN if event is CustodianEvent.RELEASE}
    assert sources == {CustodianState.ENDORSED}


def test_a_closed_round_takes_no_event() -> None:
    assert all(state is not CustodianState.CLOSED for state, _ in CUSTODIAN)
    assert all(state is not AggregatorState.CLOSED for state, _ in AGGREGATOR)
