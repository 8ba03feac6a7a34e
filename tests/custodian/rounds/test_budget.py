"""A custodian's ledger: what it endorses or learns of from closes is charged (threats T28)."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import create_engine
from tests.rules.privacy.private_study import privately

from blindsum_custodian.accept import AcceptDuty
from blindsum_custodian.close import CloseDuty
from blindsum_custodian.endorse import EndorseDuty
from blindsum_custodian.store.charges import (
    FreezeKey,
    free_charge,
    keep_charge,
    settled_steps,
    stored_accounts,
)
from blindsum_custodian.store.tables import METADATA
from blindsum_rules.endorsement import Endorsement
from blindsum_rules.exception import DifferencingException
from blindsum_rules.freeze import Freeze
from blindsum_rules.privacy.charging import Charging
from blindsum_rules.refusal import Refusal
from blindsum_rules.signed import Signed
from blindsum_rules.spec import Spec

if TYPE_CHECKING:
    from tests.custodian.rounds.conftest import Play

A = "custodian-0"


def organisations(*indices: int) -> set[str]:
    return {f"organisation-{index:02}" for index in indices}


@pytest.fixture
def found_play(make_play: Callable[..., "Play"]) -> Callable[..., "Play"]:
    """A private study whose budget pays so many rounds at their worst."""

    def make(planned_rounds: int, clients: int = 6) -> "Play":
        study = privately(
            make_play(clients=clients).study, max_rounds=8, planned_rounds=planned_rounds
        )
        return make_play(
            clients=clients,
            codec=None,
            privacy=study.privacy,
            schedule=study.schedule,
            update_rule=study.update_rule,
        )

    return make


def ledger(play: "Play", name: str = A) -> dict[str, int]:
    custodian = play.custodian(name)
    with custodian.store.reading() as connection:
        return dict(settled_steps(connection, play.study.study))


def price(play: "Play", clients: Sequence[str]) -> int:
    return Charging.of(play.study).price(clients).steps


def frozen(play: "Play", spec: Signed[Spec], clients: Sequence[str]) -> Signed[Freeze]:
    """A freeze of these clients, all of whom custodian A admitted."""
    return play.freeze(spec, play.opened(A, spec, clients))


def after(play: "Play", before: Signed[Spec], freeze: Signed[Freeze], *named: str) -> Signed[Spec]:
    """The next spec, of a new model: B, C and D closed, and who is named names the freeze."""
    others = play.names[1:]
    closes = [*play.closes_of(before, freeze, named)]
    closes += play.closes_of(before, None, [name for name in others if name not in named])
    return play.spec_after(before, closes, play.endorsements_of(before, freeze, others))


def endorsed(play: "Play", freeze: Signed[Freeze]) -> None:
    (answer,) = play.perform(A, EndorseDuty(freeze.body.round_number, freeze.digest))
    assert isinstance(answer.body, Endorsement), answer.body


def test_an_endorsement_charges_every_organisation_once_at_the_noise_that_is_there(
    found_play: Callable[..., "Play"],
) -> None:
    play = found_play(planned_rounds=4)
    spec = play.spec()
    freeze = frozen(play, spec, play.clients[:4])

    endorsed(play, freeze)
    endorsed(play, freeze)

    charged = dict.fromkeys(organisations(0, 1, 2, 3), price(play, play.clients[:4]))
    assert ledger(play) == charged
    play.restart(A)
    assert ledger(play) == charged
    play.perform(A, AcceptDuty(after(play, spec, freeze, *play.names[1:])))
    assert ledger(play) == charged


def test_a_sum_by_an_exception_is_charged_as_any_other(found_play: Callable[..., "Play"]) -> None:
    play = found_play(planned_rounds=4)
    spec = play.spec()
    first, fewer = frozen(play, spec, play.clients), play.clients[:-1]
    endorsed(play, first)
    again = play.spec_after(spec, play.closes_of(spec, first, play.names[1:]))
    second = frozen(play, again, fewer)
    digest = play.people.manifest.digest
    body = DifferencingException(play.study.study, 1, 0, tuple(fewer), "spoiled", digest)
    hands = (play.people.sign(body, "operator"), play.people.sign(body, "officer"))

    (answer,) = play.perform(A, EndorseDuty(1, second.digest, *hands))

    assert isinstance(answer.body, Endorsement), answer.body
    charged = dict.fromkeys(organisations(*range(6)), price(play, play.clients))
    for organisation in organisations(*range(5)):
        charged[organisation] += price(play, fewer)
    assert ledger(play) == charged


def test_what_others_endorsed_is_charged_before_the_next_round_is_accepted(
    found_play: Callable[..., "Play"],
) -> None:
    play = found_play(planned_rounds=4)
    spec = play.spec()
    freeze = frozen(play, spec, play.clients)
    assert ledger(play) == {}

    # One of three names it: two silent ones are no quorum, so it counts as released.
    play.perform(A, AcceptDuty(after(play, spec, freeze, play.names[1])))

    assert ledger(play) == dict.fromkeys(organisations(*range(6)), price(play, play.clients))


def test_who_was_away_charges_every_round_that_it_reads_about(
    found_play: Callable[..., "Play"],
) -> None:
    play = found_play(planned_rounds=8)
    spec = play.spec()
    for _ in range(3):
        freeze = play.freeze(spec, play.submissions(spec, play.clients))
        spec = after(play, spec, freeze, *play.names[1:])

    play.perform(A, AcceptDuty(spec))

    assert ledger(play) == dict.fromkeys(organisations(*range(6)), 3 * price(play, play.clients))


def test_a_quorum_of_closes_that_do_not_name_it_gives_the_charge_back_exactly(
    found_play: Callable[..., "Play"],
) -> None:
    play = found_play(planned_rounds=4)
    spec = play.spec()
    freeze = frozen(play, spec, play.clients)
    endorsed(play, freeze)

    play.perform(A, AcceptDuty(play.spec_after(spec, play.closes_of(spec, None, play.names[1:]))))

    assert ledger(play) == dict.fromkeys(organisations(*range(6)), 0)
    with play.custodian(A).store.reading() as connection:
        assert {one.rounds for one in stored_accounts(connection, play.study.study)} == {0}


def test_a_close_that_the_spec_does_not_carry_gives_nothing_back(
    found_play: Callable[..., "Play"],
) -> None:
    # All others settle by the spec alone: with its own silent close A would know of three.
    play = found_play(planned_rounds=4)
    spec = play.spec()
    freeze = frozen(play, spec, play.clients)
    play.perform(A, CloseDuty(0))

    play.perform(A, AcceptDuty(after(play, spec, freeze, play.names[1])))

    assert ledger(play) == dict.fromkeys(organisations(*range(6)), price(play, play.clients))


def test_a_freeze_is_refused_when_one_organisation_of_it_cannot_pay(
    found_play: Callable[..., "Play"],
) -> None:
    play = found_play(planned_rounds=1)
    spec = play.spec()
    first = frozen(play, spec, play.clients[:3])
    endorsed(play, first)
    following = after(play, spec, first, *play.names[1:])
    mixed = play.opened(A, following, [play.clients[0], *play.clients[3:]])

    with_a_poor_one = play.freeze(following, mixed[:3])
    (refusal,) = play.perform(A, EndorseDuty(1, with_a_poor_one.digest))

    assert isinstance(refusal.body, Refusal)
    assert refusal.body.rule == "privacy-budget"
    assert "'organisation-00'" in refusal.body.expected
    assert ledger(play) == dict.fromkeys(organisations(0, 1, 2), price(play, play.clients[:3]))
    endorsed(play, play.freeze(following, mixed[1:]))


def test_what_happened_is_recorded_even_if_it_overdraws(
    found_play: Callable[..., "Play"],
) -> None:
    play = found_play(planned_rounds=1)
    spec = play.spec()
    first = frozen(play, spec, play.clients[:3])
    endorsed(play, first)
    following = after(play, spec, first, *play.names[1:])
    play.perform(A, AcceptDuty(following))
    second = play.freeze(following, play.submissions(following, play.clients[:3]))

    third = after(play, following, second, *play.names[1:])
    play.perform(A, AcceptDuty(third))

    assert ledger(play)["organisation-00"] == 2 * price(play, play.clients[:3])
    assert ledger(play)["organisation-00"] > Charging.of(play.study).budget.steps


def test_a_round_that_too_few_can_pay_is_refused_and_what_was_learned_stays(
    found_play: Callable[..., "Play"],
) -> None:
    play = found_play(planned_rounds=1)
    spec = play.spec()
    freeze = frozen(play, spec, play.clients)  # all of them: cheaper than the worst
    following = after(play, spec, freeze, *play.names[1:])

    assert play.refused(A, AcceptDuty(following)) == "privacy-budget"

    charged = dict.fromkeys(organisations(*range(6)), price(play, play.clients))
    assert ledger(play) == charged
    play.restart(A)
    assert play.refused(A, AcceptDuty(following)) == "privacy-budget"
    assert ledger(play) == charged
    (closed,) = play.perform(A, CloseDuty(0))
    assert closed.body.freeze_digest == b""


def test_the_end_of_a_study_asks_for_no_budget(found_play: Callable[..., "Play"]) -> None:
    play = found_play(planned_rounds=1)
    spec = play.spec()
    freeze = frozen(play, spec, play.clients)
    endorsed(play, freeze)
    closes = play.closes_of(spec, freeze, play.names[1:])

    *_, acceptance = play.perform(A, AcceptDuty(play.end_after(spec, closes)))

    assert not isinstance(acceptance.body, Refusal)


def test_a_study_without_noise_charges_nothing(play: "Play") -> None:
    spec = play.spec()
    endorsed(play, play.freeze(spec, play.opened(A, spec, play.clients)))
    assert ledger(play) == {}


@given(
    st.lists(
        st.tuples(
            st.booleans(), st.integers(0, 4), st.frozensets(st.sampled_from("abc"), min_size=1)
        ),
        max_size=30,
    )
)
def test_accounts_are_the_sums_of_the_charges_that_stand_in_any_order(
    steps: list[tuple[bool, int, frozenset[str]]],
) -> None:
    engine = create_engine("sqlite://")
    METADATA.create_all(engine)
    payers: dict[int, frozenset[str]] = {}
    standing: dict[int, bool] = {}
    with engine.begin() as connection:
        for is_charge, number, named in steps:
            key = FreezeKey("study", number, bytes(32))
            if is_charge:
                payers.setdefault(number, named)
                standing.setdefault(number, True)
                keep_charge(connection, key, 1 << (40 + number), named)
            else:
                if number in standing:
                    standing[number] = False
                free_charge(connection, key, payers.get(number, named))
        kept = settled_steps(connection, "study")
    engine.dispose()
    for payer in "abc":
        expected = sum(
            1 << (40 + number)
            for number, stands in standing.items()
            if stands and payer in payers[number]
        )
        assert kept.get(payer, 0) == expected
