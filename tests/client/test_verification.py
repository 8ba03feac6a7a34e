"""Verification after the fact: the certificate, one's own place in it, and the evidence (T16)."""

# ruff: noqa: ANN401

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.client.people import peers, vector
from tests.client.stage import Stage

from blindsum_client.client import Client
from blindsum_client.round import Round
from blindsum_crypto.errors import Refused, Rejected, Unavailable
from blindsum_rules.freeze_checks import freeze_root
from blindsum_rules.transitions import ClientState

D = b"d" * 32


def contributed(stage: Stage, folder: Path) -> tuple[Client, Round]:
    """A client whose contribution to round 0 has its receipt."""
    stage.open_round()
    client = stage.client(folder)
    round_ = next(client.rounds())
    client.contribute(round_, vector(1))
    return client, round_


def refusal(client: Client, round_: Round) -> str:
    with pytest.raises((Refused, Rejected)) as caught:
        client.outcome(round_)
    return caught.value.rule


def test_a_published_round_with_the_clients_contribution_settles_it(
    stage: Stage, tmp_path: Path
) -> None:
    client, round_ = contributed(stage, tmp_path / "state")
    staged = stage.publish(peers())

    outcome = client.outcome(round_)

    assert outcome.published
    assert outcome.included
    assert outcome.certificate == staged.certificate
    assert outcome.freeze == staged.freeze
    assert outcome.left_out_by_rule is None
    assert outcome.aborted_by_rule is None


def test_closes_that_come_with_the_certificate_do_not_hide_it(stage: Stage, tmp_path: Path) -> None:
    client, round_ = contributed(stage, tmp_path / "state")
    stage.publish(peers())
    assert len(stage.rounds[0].closes) == 3

    assert client.outcome(round_).included

    entry = client._contributor.outbox.entry(0)
    assert entry is not None
    assert entry.state is ClientState.SETTLED
    assert client.outcome(round_).included


def test_a_receipted_contribution_that_was_left_out_is_reported_with_the_reason(
    stage: Stage, tmp_path: Path
) -> None:
    client, round_ = contributed(stage, tmp_path / "state")
    stage.publish(peers(), left_out={"cleveland": "bad-wrap"})

    outcome = client.outcome(round_)

    assert outcome.published
    assert not outcome.included
    assert outcome.left_out_by_rule == "bad-wrap"


def test_a_round_to_which_the_client_sent_nothing_is_verified_all_the_same(
    stage: Stage, tmp_path: Path
) -> None:
    stage.open_round()
    client = stage.client(tmp_path / "state")
    round_ = next(client.rounds())
    stage.publish(peers())

    outcome = client.outcome(round_)

    assert outcome.published
    assert not outcome.included
    assert outcome.left_out_by_rule is None


def test_a_receipt_that_the_freeze_does_not_honour_is_rejected_and_kept(
    stage: Stage, tmp_path: Path
) -> None:
    client, round_ = contributed(stage, tmp_path / "state")
    dropped = stage.rounds[0].uploads.pop("cleveland")
    stage.publish(peers())

    assert refusal(client, round_) == "receipt-not-honoured"

    kept = client._memory.evidence()
    assert {one.rule for one in kept} == {"receipt-not-honoured"}
    assert len(kept) == 2
    assert dropped.receipt is not None
    assert any(dropped.receipt.signature in one.signed for one in kept)


def test_another_contribution_under_the_clients_name_is_rejected(
    stage: Stage, tmp_path: Path
) -> None:
    stage.open_round()
    client = stage.client(tmp_path / "state")
    round_ = next(client.rounds())
    client._contributor._seal(round_, vector(1))  # sealed, and its receipt never came back
    stage.publish({**peers(), "cleveland": vector(2)})

    assert refusal(client, round_) == "not-my-contribution"


def test_a_client_that_lost_its_receipt_finds_itself_in_the_certificate(
    stage: Stage, tmp_path: Path
) -> None:
    stage.open_round()
    client = stage.client(tmp_path / "state")
    round_ = next(client.rounds())
    stage.calls.cut_after_bytes = 1 << 30  # everything arrives, the answer does not
    stage.calls.fail("SubmitHeader")
    entry = client._contributor._seal(round_, vector(1))
    with pytest.raises(Unavailable):
        client._contributor.sender.send(entry)
    stage.publish(peers())
    stage.rounds[0].closes = ()

    assert client.outcome(round_).included

    settled = client._contributor.outbox.entry(0)
    assert settled is not None
    assert settled.state is ClientState.SETTLED


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"study": "lungs"}, "wrong-study"),
        ({"round_number": 1}, "wrong-round"),
        ({"round_id": D}, "wrong-round"),
        ({"acceptance_digests": (D,)}, "certificate-acceptances"),
        ({"endorsement_digests": (D,)}, "certificate-endorsements"),
        ({"contribution_digests": (D,)}, "certificate-contributions"),
        ({"opened_by": ("custodian-0",)}, "certificate-opened-by"),
    ],
)
def test_a_certificate_that_does_not_fit_its_round_is_refused(
    stage: Stage, tmp_path: Path, changes: dict[str, Any], rule: str
) -> None:
    client, round_ = contributed(stage, tmp_path / "state")
    stage.publish(peers())
    stage.certify(**changes)

    assert refusal(client, round_) == rule


def test_a_certificate_that_somebody_else_signed_is_rejected(stage: Stage, tmp_path: Path) -> None:
    client, round_ = contributed(stage, tmp_path / "state")
    staged = stage.publish(peers())
    assert staged.certificate is not None
    staged.certificate = stage.people.sign(staged.certificate.body, "hungary")

    assert refusal(client, round_) == "unknown-signer"


def test_too_few_endorsements_are_refused(stage: Stage, tmp_path: Path) -> None:
    client, round_ = contributed(stage, tmp_path / "state")
    staged = stage.publish(peers())
    staged.endorsements = staged.endorsements[:2]

    assert refusal(client, round_) == "quorum-of-endorsements"


def test_a_freeze_below_min_cohort_is_refused(stage: Stage, tmp_path: Path) -> None:
    client, round_ = contributed(stage, tmp_path / "state")
    staged = stage.publish(peers())
    assert staged.freeze is not None
    few = staged.freeze.body.members[:2]
    body = replace(staged.freeze.body, members=few, root=freeze_root(few))
    staged.freeze = stage.people.sign(body, "aggregator")
    stage.keep(staged.freeze)
    stage.certify()

    assert refusal(client, round_) == "min-cohort"


def test_another_freeze_under_the_certificates_digest_is_rejected(
    stage: Stage, tmp_path: Path
) -> None:
    client, round_ = contributed(stage, tmp_path / "state")
    staged = stage.publish(peers())
    assert staged.freeze is not None
    other = stage.people.sign(replace(staged.freeze.body, round_number=1), "aggregator")
    stage.keep(other)
    stage.signed[staged.freeze.digest] = stage.signed[other.digest]

    assert refusal(client, round_) == "fetched-digest"


def test_an_aborted_round_is_reported_by_its_rule(stage: Stage, tmp_path: Path) -> None:
    client, round_ = contributed(stage, tmp_path / "state")
    stage.abort("residual-gate")

    outcome = client.outcome(round_)

    assert not outcome.published
    assert not outcome.included
    assert outcome.aborted_by_rule == "residual-gate"


@pytest.mark.parametrize(
    ("signer", "changes", "rule"),
    [
        ("hungary", {}, "unknown-signer"),
        ("aggregator", {"round_id": D}, "wrong-round"),
        ("aggregator", {"study": "lungs"}, "wrong-round"),
    ],
)
def test_a_false_notice_of_an_abort_is_rejected(
    stage: Stage, tmp_path: Path, signer: str, changes: dict[str, Any], rule: str
) -> None:
    client, round_ = contributed(stage, tmp_path / "state")
    staged = stage.abort()
    assert staged.abort is not None
    staged.abort = stage.people.sign(replace(staged.abort.body, **changes), signer)

    assert refusal(client, round_) == rule


def test_the_outcome_is_awaited_while_the_round_goes_on(stage: Stage, tmp_path: Path) -> None:
    client, round_ = contributed(stage, tmp_path / "state")
    asked = []
    original = stage.calls._get_outcome

    def ask(request: Any) -> Any:
        asked.append(request.wait_seconds)
        if len(asked) == 3:
            stage.publish(peers())
        return original(request)

    stage.calls._get_outcome = ask  # type: ignore[method-assign]
    stage.calls.fail("GetOutcome", Unavailable("aggregator-unreachable", "cut"))

    assert client.outcome(round_).published
    assert len(asked) == 3
    assert max(asked) <= 60


def test_a_closed_client_waits_for_no_outcome(stage: Stage, tmp_path: Path) -> None:
    client, round_ = contributed(stage, tmp_path / "state")
    client.close()

    with pytest.raises(Unavailable) as caught:
        client.outcome(round_)
    assert caught.value.rule == "stopped"
