"""What a client refuses to follow: specs, acceptances, numbers and its own policy (T6, T10)."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.client.people import peers, vector
from tests.client.stage import Stage
from tests.client.uploads import StagedRound

from blindsum_client.client import Client
from blindsum_client.round import Round
from blindsum_crypto.errors import Refused, Rejected, Unavailable
from blindsum_rules.local_policy import ClientPolicy
from blindsum_rules.spec import PreviousRound

if TYPE_CHECKING:
    from blindsum_rules.acceptance import Acceptance
    from blindsum_rules.signed import Signed
    from blindsum_rules.spec import Spec

D = b"d" * 32


def refusal(client: Client) -> str:
    """The rule by which the client refuses what is announced now."""
    with pytest.raises((Refused, Rejected)) as caught:
        next(client.rounds())
    return caught.value.rule


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"study": "another-study"}, "spec-study"),
        ({"amendment_digest": D}, "spec-amendment"),
        ({"epoch": 1}, "spec-epoch"),
        ({"round_number": 8}, "spec-number"),
        ({"model_version": 1}, "spec-version"),
        ({"seal": "masking"}, "spec-seal"),
        ({"vector_length": 8}, "spec-vector-length"),
        ({"cohort": ("cleveland", "hungary")}, "spec-cohort"),
        ({"cohort": ("cleveland", "hungary", "stranger")}, "spec-cohort"),
        ({"wrap_key_digests": (D,) * 4}, "spec-wrap-keys"),
        ({"min_cohort": 2}, "spec-min-cohort"),
        ({"contribute_deadline_unix": 1, "release_deadline_unix": 2}, "manifest-not-yet-valid"),
        ({"model_digest": D}, "model-version"),
        ({"previous": PreviousRound(D)}, "previous-round"),
    ],
)
def test_a_first_spec_that_breaks_a_rule_is_refused(
    stage: Stage, tmp_path: Path, changes: dict[str, Any], rule: str
) -> None:
    client = stage.client(tmp_path / "state")
    stage.announce(stage.spec(**changes))
    stage.calls.announced = lambda _: stage.rounds[-1]

    assert refusal(client) == rule
    assert not stage.calls.count("SubmitHeader")


def test_a_spec_that_somebody_else_signed_is_rejected(stage: Stage, tmp_path: Path) -> None:
    spec = stage.people.sign(stage.spec().body, "hungary")
    stage.announce(spec)

    assert refusal(stage.client(tmp_path / "state")) == "unknown-signer"


def test_a_spec_under_the_aggregators_name_with_another_signature_is_rejected(
    stage: Stage, tmp_path: Path
) -> None:
    forged = replace(stage.people.sign(stage.spec().body, "hungary"), signer="aggregator")
    stage.announce(forged)

    assert refusal(stage.client(tmp_path / "state")) == "bad-signature"


def test_too_few_acceptances_are_refused(stage: Stage, tmp_path: Path) -> None:
    spec = stage.spec()
    stage.announce(spec, stage.accept(spec, count=2))

    assert refusal(stage.client(tmp_path / "state")) == "quorum-of-acceptances"


def one_custodian_thrice(stage: Stage, spec: "Signed[Spec]") -> "tuple[Signed[Acceptance], ...]":
    return stage.accept(spec, count=1) * 3


def a_stranger_among_them(stage: Stage, spec: "Signed[Spec]") -> "tuple[Signed[Acceptance], ...]":
    body = stage.accept(spec, count=1)[0].body
    return (*stage.accept(spec, count=2), stage.people.sign(body, "hungary"))


def another_round_id(stage: Stage, spec: "Signed[Spec]") -> "tuple[Signed[Acceptance], ...]":
    body = replace(stage.accept(spec, count=1)[0].body, round_id=D)
    return (*stage.accept(spec, count=2), stage.people.sign(body, "custodian-2"))


@pytest.mark.parametrize(
    ("choose", "rule"),
    [
        (one_custodian_thrice, "repeated-signer"),
        (a_stranger_among_them, "unknown-signer"),
        (another_round_id, "wrong-round"),
    ],
)
def test_acceptances_that_make_no_quorum_are_rejected(
    stage: Stage, tmp_path: Path, choose: Callable[[Stage, Any], Any], rule: str
) -> None:
    spec = stage.spec()
    stage.announce(spec, choose(stage, spec))

    assert refusal(stage.client(tmp_path / "state")) == rule


@pytest.mark.parametrize(
    ("policy", "rule"),
    [
        (ClientPolicy(min_cohort_floor=4), "own-min-cohort"),
        (ClientPolicy(max_rounds=0), "own-max-rounds"),
        (ClientPolicy(allowed_seals=frozenset({"masking"})), "own-seal"),
    ],
)
def test_a_round_that_the_clients_own_policy_forbids_is_refused(
    stage: Stage, tmp_path: Path, policy: ClientPolicy, rule: str
) -> None:
    stage.open_round()

    assert refusal(stage.client(tmp_path / "state", policy=policy)) == rule


def test_a_refused_announcement_leaves_the_client_where_it_stood(
    stage: Stage, tmp_path: Path
) -> None:
    client = stage.client(tmp_path / "state")
    spec = stage.spec()
    staged = stage.announce(spec, stage.accept(spec, count=2))
    assert refusal(client) == "quorum-of-acceptances"

    staged.acceptances = stage.accept(spec)

    assert next(client.rounds()).number == 0


def second_spec(stage: Stage) -> StagedRound:
    """Another spec for the number of the newest round, with a quorum of acceptances of its own."""
    first = stage.rounds.pop()
    later = first.spec.body.contribute_deadline_unix + 1
    return stage.open_round(contribute_deadline_unix=later, release_deadline_unix=later + 300)


@pytest.mark.parametrize("restarted", [False, True])
def test_a_second_spec_for_one_round_number_is_refused_and_kept(
    stage: Stage, tmp_path: Path, *, restarted: bool
) -> None:
    stage.open_round()
    client = stage.client(tmp_path / "state")
    next(client.rounds())
    if restarted:
        client.close()
        client = stage.client(tmp_path / "state")

    other = second_spec(stage)

    assert refusal(client) == "one-spec-per-round-number"
    kept = client._memory.evidence()
    assert [(one.rule, one.round_number) for one in kept] == [("one-spec-per-round-number", 0)]
    assert kept[0].signed == stage.signed[other.spec.digest]


@pytest.mark.parametrize("restarted", [False, True])
def test_a_second_spec_is_refused_after_the_client_sealed_for_the_first(
    stage: Stage, tmp_path: Path, *, restarted: bool
) -> None:
    stage.open_round()
    client = stage.client(tmp_path / "state")
    client.contribute(next(client.rounds()), vector(1))
    if restarted:
        client.close()
        client = stage.client(tmp_path / "state")

    second_spec(stage)

    assert refusal(client) == "one-spec-per-round-number"
    assert stage.calls.count("SubmitHeader") == 1


def test_a_next_round_that_stands_on_another_spec_is_refused_and_kept(
    stage: Stage, tmp_path: Path
) -> None:
    stage.open_round()
    client = stage.client(tmp_path / "state")
    next(client.rounds())

    second_spec(stage)
    stage.abort()
    stage.open_round()

    assert refusal(client) == "one-spec-per-round-number"
    assert len(client._memory.evidence()) == 1


def test_a_round_number_that_is_not_above_the_last_one_is_refused(
    stage: Stage, tmp_path: Path
) -> None:
    first = stage.open_round()
    client = stage.client(tmp_path / "state")
    rounds = client.rounds()
    next(rounds)
    stage.abort()
    stage.open_round()
    next(rounds)

    stage.calls.announced = lambda _: first

    assert refusal(client) == "round-number"


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"round_number": 2}, "previous-round"),
        ({"closes": ()}, "quorum-of-closes"),
        ({"model_version": 1}, "model-version"),
        ({"model_version": 1, "model_digest": D}, "model-version-without-aggregate"),
        ({"model_digest": D}, "model-version"),
    ],
)
def test_a_next_spec_that_may_not_follow_is_refused(
    stage: Stage, tmp_path: Path, changes: dict[str, Any], rule: str
) -> None:
    stage.open_round()
    client = stage.client(tmp_path / "state")
    next(client.rounds())
    stage.abort()
    stage.open_round(**changes)

    assert refusal(client) == rule


def test_too_few_closes_do_not_let_the_next_round_come(stage: Stage, tmp_path: Path) -> None:
    stage.open_round()
    client = stage.client(tmp_path / "state")
    next(client.rounds())
    stage.abort()
    stage.close_round(b"", count=2)
    stage.open_round()

    assert refusal(client) == "quorum-of-closes"


def test_an_aborted_round_repeats_version_and_model(stage: Stage, tmp_path: Path) -> None:
    stage.open_round()
    client = stage.client(tmp_path / "state")
    rounds = client.rounds()
    first = next(rounds)
    stage.abort()
    stage.open_round()

    second = next(rounds)

    assert (second.number, second.model_version) == (1, 0)
    assert (second.model["weight"] == first.model["weight"]).all()


def test_a_round_that_does_not_invite_the_client_is_followed_and_not_given_to_its_trainer(
    stage: Stage, tmp_path: Path
) -> None:
    stage.open_round(cohort=("hungary", "switzerland", "va-long-beach"))
    client = stage.client(tmp_path / "state")
    rounds = client.rounds()

    def go_on(after: int) -> StagedRound | None:
        if after == 0:
            stage.publish(peers())
            stage.open_round()
        return stage.rounds[-1]

    stage.calls.announced = go_on

    round_ = next(rounds)

    assert (round_.number, round_.model_version) == (1, 1)


def test_a_round_past_its_deadline_is_followed_and_not_given_to_the_trainer(
    stage: Stage, tmp_path: Path
) -> None:
    stage.open_round()
    client = stage.client(tmp_path / "state")
    stage.now += stage.manifest.body.schedule.contribute_seconds + 301

    assert refusal(client) == "nothing-staged"
    assert client._follower.round_number == 0


def test_a_round_within_the_clocks_skew_of_its_deadline_is_given_to_the_trainer(
    stage: Stage, tmp_path: Path
) -> None:
    stage.open_round()
    stage.now += stage.manifest.body.schedule.contribute_seconds + 299

    assert next(stage.client(tmp_path / "state").rounds()).number == 0


def test_a_deadline_further_away_than_the_schedule_allows_is_refused(
    stage: Stage, tmp_path: Path
) -> None:
    stage.open_round()
    client = stage.client(tmp_path / "state")
    stage.now -= 361

    assert refusal(client) == "spec-deadline"


def test_a_client_that_stopped_while_it_trained_is_shown_its_round_again(
    stage: Stage, tmp_path: Path
) -> None:
    stage.open_round()
    client = stage.client(tmp_path / "state")
    first = next(client.rounds())
    client.close()

    again = next(stage.client(tmp_path / "state").rounds())

    assert again.round_id == first.round_id
    assert (again.model["weight"] == first.model["weight"]).all()


def test_a_client_that_contributed_is_not_shown_its_round_again(
    stage: Stage, tmp_path: Path
) -> None:
    stage.open_round()
    client = stage.client(tmp_path / "state")
    client.contribute(next(client.rounds()), vector(1))
    client.close()

    assert refusal(stage.client(tmp_path / "state")) == "nothing-staged"


def test_a_study_that_ended_has_no_further_rounds_also_after_a_restart(
    stage: Stage, tmp_path: Path
) -> None:
    stage.open_round()
    client = stage.client(tmp_path / "state")
    rounds = client.rounds()
    next(rounds)
    stage.abort()
    stage.end_study()

    assert list(rounds) == []
    client.close()
    again = stage.client(tmp_path / "state")
    made = len(stage.calls.made)
    assert list(again.rounds()) == []
    assert len(stage.calls.made) == made
    assert set(again.final()) == {"weight", "bias"}


def test_there_is_no_final_model_before_the_end(stage: Stage, tmp_path: Path) -> None:
    stage.open_round()
    client = stage.client(tmp_path / "state")
    next(client.rounds())

    with pytest.raises(Refused) as caught:
        client.final()
    assert caught.value.rule == "study-not-ended"


def test_a_closed_client_waits_no_longer(stage: Stage, tmp_path: Path) -> None:
    stage.open_round()
    client = stage.client(tmp_path / "state")
    rounds = client.rounds()
    next(rounds)

    client.close()

    assert list(rounds) == []


def test_rounds_and_positions_show_no_value_of_a_model(stage: Stage, tmp_path: Path) -> None:
    stage.open_round()
    client = stage.client(tmp_path / "state")

    round_: Round = next(client.rounds())

    assert repr(round_) == "Round(number=0, model_version=0)"
    assert repr(client._follower.position) == "Position(round_number=0, model_version=0)"


def test_the_network_may_fail_at_every_step_of_following(stage: Stage, tmp_path: Path) -> None:
    stage.open_round()
    stage.publish({**peers(), "cleveland": vector(1)})
    stage.open_round()
    for method in ("NextRound", "FetchSigned", "FetchBlob"):
        stage.calls.fail(method, *[Unavailable("aggregator-unreachable", "cut")] * 2)

    round_ = next(stage.client(tmp_path / "state").rounds())

    assert round_.model_version == 1
