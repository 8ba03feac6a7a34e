"""What a client refuses to follow: specs, acceptances, numbers and its own policy (T6, T10)."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.client.stage import Stage

from blindsum_client.client import Client
from blindsum_crypto.errors import Refused, Rejected
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
