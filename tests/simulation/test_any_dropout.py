"""Whoever drops out, and whenever: the exact sum over U, or an end by name; never another sum.

`BLINDSUM_DROPOUT_SETS=2000 pytest tests/simulation/test_any_dropout.py` draws 2,000 cases.
"""

from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.simulation.conftest import DROPOUT_SETS, settings_for
from tests.simulation.dropouts import Dropouts, Fate, LayeredRound, Step
from tests.simulation.people import CLIENTS, Shape

from blindsum_crypto.custody import MAX_PARTS
from blindsum_crypto.errors import Refused
from blindsum_rules.quorum import smallest_quorum

COMMITTEES = [
    (custodians, threshold, quorum)
    for custodians in range(1, 8)
    for threshold in range(1, min(custodians, 4) + 1)
    if comb(custodians, threshold - 1) <= MAX_PARTS
    for quorum in range(smallest_quorum(custodians, threshold), custodians + 1)
]
"""Every legal one up to (7, 4)."""

ENDS = frozenset({"quorum-of-acceptances", "min-cohort", "quorum-of-endorsements", "missing-part"})


@st.composite
def some_dropouts(draw: st.DrawFn) -> Dropouts:
    committee = draw(st.sampled_from(COMMITTEES))
    clients = draw(st.integers(2, len(CLIENTS)))
    shape = Shape(draw(st.sampled_from(["ckks", "masking"])), committee, clients)
    cohort = draw(
        st.lists(st.sampled_from(CLIENTS[:clients]), min_size=2, max_size=clients, unique=True)
    )
    # Most come through, or nearly every round would end before its sum.
    fates = st.sampled_from([Fate.NO_HEADER, Fate.NO_PAYLOAD, *[Fate.SENT] * 8])
    steps = st.sampled_from([*Step, *[Step.NEVER] * 20])
    admits = st.one_of(st.just(clients), st.just(clients), st.integers(0, clients))
    custodians = committee[0]
    return Dropouts(
        shape,
        {client: draw(fates) for client in cohort},
        tuple(draw(steps) for _ in range(custodians)),
        tuple(draw(admits) for _ in range(custodians)),
    )


def awaited(dropouts: Dropouts) -> str:
    """The rule by which so many silent custodians end a round, or nothing if they cannot."""
    _, threshold, quorum = dropouts.shape.committee
    steps = dropouts.silent_from
    if sum(step > Step.ACCEPT for step in steps) < quorum:
        return "quorum-of-acceptances"
    if sum(step > Step.ENDORSE for step in steps) < quorum:
        return "quorum-of-endorsements"
    if sum(step > Step.RELEASE for step in steps) < threshold:
        return "missing-part"
    return ""


def require_named(end: Refused) -> None:
    assert end.rule in ENDS


@pytest.mark.slow
def test_whoever_drops_at_whatever_step_the_sum_is_exact_or_the_round_ends_by_name() -> None:
    opened: list[str] = []

    @settings(settings_for(DROPOUT_SETS, 200))
    @given(dropouts=some_dropouts())
    def drop(dropouts: Dropouts) -> None:
        played = LayeredRound(dropouts)
        try:
            members, values = played.play()
        except Refused as end:
            require_named(end)
            opened.append(end.rule)
            return
        assert len(members) >= played.people.study.min_cohort
        assert not awaited(dropouts)
        assert np.array_equal(values, played.total(members))
        opened.append("")

    drop()
    assert opened.count("") > len(opened) // 4, "hardly any round came to its sum"


@pytest.mark.slow
@pytest.mark.parametrize("seal", ["ckks", "masking"])
@pytest.mark.parametrize("committee", [(1, 1, 1), (4, 2, 3), (7, 3, 5), (7, 4, 6)])
@pytest.mark.parametrize("step", list(Step))
def test_a_step_with_one_custodian_too_few_ends_the_round_by_its_own_name(
    seal: str, committee: tuple[int, int, int], step: Step
) -> None:
    custodians, threshold, quorum = committee
    needed = threshold if step is Step.RELEASE else quorum
    silent = 0 if step is Step.NEVER else custodians - needed + 1
    silent_from = (step,) * silent + (Step.NEVER,) * (custodians - silent)
    fates = dict.fromkeys(CLIENTS[:3], Fate.SENT) | {CLIENTS[3]: Fate.NO_PAYLOAD}
    played = LayeredRound(
        Dropouts(Shape(seal, committee, 4), fates, silent_from, (4,) * custodians)
    )
    ends = dict(
        zip(
            Step,
            ["quorum-of-acceptances", "min-cohort", "quorum-of-endorsements", "missing-part"],
            strict=False,
        )
    )

    if step is Step.NEVER:
        members, values = played.play()
        assert members == list(CLIENTS[:3])
        assert np.array_equal(values, played.total(members))
        return
    with pytest.raises(Refused) as caught:
        played.play()
    assert caught.value.rule == ends[step]
