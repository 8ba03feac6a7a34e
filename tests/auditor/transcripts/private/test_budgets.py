"""What a private study has spent, recomputed from its frozen sets and held against its budget."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from blindsum_auditor.limits import LIMITS, PRIVATE_LIMITS
from blindsum_auditor.privacy_account import PrivacyAccount
from blindsum_auditor.report import Report, Status
from blindsum_crypto import domains
from blindsum_crypto.primitives import digest
from blindsum_rules import transcript
from blindsum_rules.privacy.study_plan import study_plan

if TYPE_CHECKING:
    from tests.auditor.transcripts.conftest import Player

Players = Callable[..., "Player"]
Audit = Callable[..., Report]
Says = Callable[[Report, str, str, str], bool]

ALL = ("cleveland", "hungary", "switzerland", "va-long-beach")
THREE = ALL[:3]


def frozen(number: int) -> str:
    return transcript.round_file(number, transcript.FREEZE)


def account_of(report: Report) -> PrivacyAccount:
    assert report.privacy is not None
    return report.privacy


def spent_by(report: Report) -> dict[str, tuple[int, int]]:
    return {one.name: (one.rounds, one.steps) for one in account_of(report).spenders}


def test_an_honest_private_study_is_accepted_with_its_figures(
    private: Players, audit: Audit
) -> None:
    study = private()
    study.play()
    study.play(sends=("cleveland",), freezes=False, aborts_by="too-few-contributions")
    study.play(cohort=THREE)

    report = audit(study.end())

    assert report.failed == report.not_checkable == ()
    account, plan = account_of(report), study_plan(study.study)
    of_all, of_three = plan.round_charge(3).steps, plan.round_charge(2).steps
    assert account.rounds_charged == 2
    assert account.promise == plan.guarantee
    assert 2.99 < account.promise.epsilon <= 3.0
    assert account.budget_steps == 2 * of_three
    assert spent_by(report) == {
        **{f"org-{name}": (2, of_all + of_three) for name in THREE},
        "org-va-long-beach": (1, of_all),
    }
    assert 0 < account.spent_epsilon < account.promise.epsilon
    assert [(one.colluders, one.epsilon) for one in account.against] == [
        (count, plan.guarantee_against(count).epsilon) for count in (1, 2)
    ]
    holds = [one for one in report.findings if one.check == "privacy-budget"]
    assert [(one.status, one.sentence) for one in holds] == [(Status.OK, account.in_words)]


def test_a_round_beyond_the_budget_is_refused_for_everybody_in_it_and_nobody_else(
    private: Players, audit: Audit, says: Says
) -> None:
    study = private()
    study.play(cohort=ALL[1:])
    for _ in range(2):
        study.play(cohort=THREE)

    report = audit(study.end())

    # Cleveland has spent its two rounds to the last step: only the others are beyond.
    assert says(report, "privacy-budget", frozen(2), "privacy-budget")
    assert [one.sentence.split("'")[1] for one in report.failed] == [
        "org-hungary",
        "org-switzerland",
    ]
    assert spent_by(report)["org-cleveland"][1] == account_of(report).budget_steps
    assert "privacy-budget" not in {one.check for one in report.of_status(Status.OK)}


def test_rounds_of_more_clients_than_the_smallest_sum_last_longer(
    private: Players, audit: Audit, says: Says
) -> None:
    study = private()
    for _ in range(3):
        study.play()
    within = audit(study)
    study.play()

    beyond = audit(study.end())

    assert within.failed == ()
    assert says(beyond, "privacy-budget", frozen(3), "privacy-budget")
    assert len(beyond.failed) == 4


@pytest.mark.parametrize("reason", ["residual-gate", "release-deadline"])
def test_a_round_that_froze_and_gave_no_aggregate_is_charged(
    private: Players, audit: Audit, reason: str
) -> None:
    study = private()
    study.play(aborts_by=reason)

    report = audit(study.end())

    assert report.failed == ()
    assert account_of(report).rounds_charged == 1
    assert spent_by(report)["org-hungary"][0] == 1


def test_failed_gates_burn_a_budget_too(private: Players, audit: Audit, says: Says) -> None:
    study = private()
    for _ in range(4):
        study.play(aborts_by="residual-gate")

    assert says(audit(study.end()), "privacy-budget", frozen(3), "privacy-budget")


def test_a_freeze_that_closes_alone_call_released_is_charged(
    private: Players, audit: Audit
) -> None:
    """The aggregator says operator's abort; two closes name the freeze, so no quorum is silent."""
    study = private()
    study.play(aborts_by="operator", endorsers=2)

    assert account_of(audit(study.end())).rounds_charged == 1


def test_a_freeze_that_a_quorum_left_unnamed_is_free(private: Players, audit: Audit) -> None:
    study = private()
    study.play(aborts_by="operator", endorsers=1)

    report = audit(study.end(closes=study.closes[1:]))

    assert report.failed == ()
    assert account_of(report).rounds_charged == 0
    assert account_of(report).spenders == ()
    assert account_of(report).spent_epsilon == 0.0


def test_closes_that_came_late_free_nothing_that_the_next_spec_charged(
    private: Players, audit: Audit
) -> None:
    """All ledgers settle by the closes of the next spec: one of its three names the freeze."""
    study = private()
    study.play(aborts_by="operator", endorsers=1)
    assert len(study.closes) == 4

    assert account_of(audit(study.end())).rounds_charged == 1


def test_a_round_that_no_spec_settled_is_free_where_it_cannot_have_been_released(
    private: Players, audit: Audit
) -> None:
    study = private()
    study.play(aborts_by="operator", endorsers=1)

    assert account_of(audit(study)).rounds_charged == 0


def test_a_freeze_that_is_named_and_not_there_leaves_the_budget_unchecked(
    private: Players, audit: Audit
) -> None:
    study = private()
    other = digest(domains.FREEZE, b"another")
    study.play(closes_with=lambda name, named: other if name == "custodian-a" else named)

    report = audit(study.end())

    assert (frozen(0), "privacy-budget") in {(one.file, one.check) for one in report.not_checkable}
    assert "privacy-budget" not in {one.check for one in report.of_status(Status.OK)}


def test_a_round_under_way_is_charged_since_it_may_yet_be_released(
    private: Players, audit: Audit
) -> None:
    study = private()
    study.play()
    for name in ("certificate.pb", "releases.pb", "sealed_sum.bin", "aggregate.bin", "closes.pb"):
        del study.files[transcript.round_file(0, name)]

    assert account_of(audit(study)).rounds_charged == 1


def test_a_set_without_noise_that_nobody_knows_is_refused_by_name(
    private: Players, audit: Audit, says: Says
) -> None:
    study = private()
    study.play(sends=("cleveland",))

    report = audit(study.end())

    assert says(report, "privacy-budget", frozen(0), "privacy-no-honest-noise")


def test_clients_that_are_the_unit_are_charged_one_by_one(private: Players, audit: Audit) -> None:
    wish = {"unit": "client", "units_per_client": 1, "allow_few_clients": True}
    study = private(wish)
    study.play(cohort=THREE)

    assert set(spent_by(audit(study.end()))) == set(THREE)


def test_an_organisation_of_several_clients_is_charged_once_a_round(
    private: Players, audit: Audit
) -> None:
    enrolled = private().study.clients
    clients = (*enrolled[:2], replace(enrolled[2], organisation="org-hungary"), enrolled[3])
    study = private(clients=clients)
    study.play()

    report = audit(study.end())

    plan = study_plan(study.study)
    # Two shares count: Hungary's own two are those that a colluder may know.
    assert spent_by(report)["org-hungary"] == (1, plan.round_charge(2).steps)
    assert len(spent_by(report)) == 3


def test_the_report_of_a_private_study_says_everything_in_json(
    private: Players, audit: Audit
) -> None:
    study = private()
    study.play()

    document = json.loads(audit(study.end()).to_json())

    privacy = document["privacy"]
    assert privacy["differential_privacy"] is True
    assert (privacy["unit"], privacy["relation"], privacy["mechanism"]) == (
        "record",
        "zero-out",
        "skellam",
    )
    assert (privacy["delta"], privacy["colluders"], privacy["honest_shares"]) == (1e-5, 1, 2)
    assert (privacy["planned_rounds"], privacy["most_rounds"]) == (2, 6)
    assert privacy["rounds_charged"] == 1
    assert len(privacy["spent"]) == 4
    assert len(privacy["against"]) == 2
    assert document["limits"] == [*LIMITS, *PRIVATE_LIMITS]


def test_a_study_without_noise_is_said_to_have_no_differential_privacy(
    player: Players, audit: Audit
) -> None:
    study = player()
    study.play()

    report = audit(study.end())

    assert report.privacy is None
    assert report.privacy_in_words == "no differential privacy"
    assert json.loads(report.to_json())["privacy"] == {
        "in_words": "no differential privacy",
        "differential_privacy": False,
    }
    assert report.limits == LIMITS


def test_noise_so_little_that_no_delta_holds_is_refused(
    private: Players, audit: Audit, says: Says
) -> None:
    policy = private().study.privacy
    assert policy is not None
    bare = replace(policy, levels=1 << 18, share_variance=1, field_bits=40)
    study = private(privacy=bare)

    report = audit(study)

    assert says(report, "manifest", transcript.MANIFEST, "privacy-epsilon")
    assert report.privacy is None


def test_nothing_is_said_of_privacy_where_the_manifest_is_not_believed(
    private: Players, audit: Audit
) -> None:
    report = audit(private(quorum=2))

    assert report.privacy is None
    assert report.privacy_in_words == "not known: the manifest is not believed"
    assert "differential_privacy" not in json.loads(report.to_json())["privacy"]
