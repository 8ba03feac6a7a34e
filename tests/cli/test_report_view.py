"""An audit's report as people read it: the promise, who spent what of it, against whom it holds."""

from dataclasses import replace

import pytest

from blindsum_auditor.amendment_in_force import AmendmentInForce
from blindsum_auditor.exceptions import UsedException
from blindsum_auditor.privacy_account import PrivacyAccount, Spender
from blindsum_auditor.report import Level, Report
from blindsum_cli.report_view import render
from blindsum_rules.privacy.guarantee import Guarantee, Relation, Unit
from blindsum_rules.privacy.noise import Mechanism

PROMISE = Guarantee(2.9971, 1e-5, Unit.RECORD, Relation.ZERO_OUT, 1)
ACCOUNT = PrivacyAccount(
    promise=PROMISE,
    mechanism=Mechanism.SKELLAM,
    noise_multiplier=6.725,
    honest_shares=2,
    order=9,
    budget_steps=1 << 40,
    planned_rounds=20,
    most_rounds=30,
    rounds_charged=1,
    spenders=tuple(Spender(f"hospital-{n:02}", 1, 1 << 30, 0.4321) for n in range(12)),
    against=(PROMISE, replace(PROMISE, epsilon=4.4556, colluders=2)),
)
REPORT = Report("heart", bytes(32), Level.PUBLIC, 1, True, (), ("A limit.",), True, ACCOUNT)  # noqa: FBT003


def test_a_private_study_is_shown_with_its_promise_and_who_spent_of_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    render(REPORT)

    printed = capsys.readouterr().out
    words = " ".join(printed.split())
    assert "epsilon 2.997 at delta 1e-05, zero-out of one record, against 1 colluding" in words
    assert "1 round charged, at most epsilon 0.4321 spent" in words
    assert "hospital-09" in printed
    assert "hospital-10" not in printed
    assert "and 2 more, who spent no more" in printed
    assert "20 at their worst" in printed
    assert "4.456" in printed
    assert "none: no noise is left" in printed
    assert "order 9" in words


@pytest.mark.parametrize(
    ("report", "says"),
    [
        (replace(REPORT, privacy=None), "privacy no differential privacy"),
        (
            replace(REPORT, privacy=None, is_believed=False),
            "privacy not known: the manifest is not believed",
        ),
    ],
)
def test_a_study_without_noise_is_said_to_have_none(
    capsys: pytest.CaptureFixture[str], report: Report, says: str
) -> None:
    render(report)

    printed = capsys.readouterr().out
    assert says in " ".join(printed.split())
    assert "colluding" not in printed


def test_an_exception_is_told_whether_all_findings_are_shown_or_not(
    capsys: pytest.CaptureFixture[str],
) -> None:
    given = tuple(f"beside the sum of round {one} it gives away a difference" for one in range(5))
    used = UsedException(7, 2, 3, "registry", "board", "its [bold]vector[/] spoiled", given)
    render(replace(REPORT, exceptions=(used,)))

    words = " ".join(capsys.readouterr().out.split())
    assert "round 7 is an exception, signed by operator 'registry' and officer 'board'" in words
    assert "its [bold]vector[/] spoiled" in words
    assert "beside the sum of round 2 it gives away a difference; and 2 more" in words
    assert "sum of round 3" not in words


def test_amendments_are_told_one_by_one(capsys: pytest.CaptureFixture[str]) -> None:
    amendment = AmendmentInForce(1, 4, "Asked for.", "operator 'registry'", ("basel joins",))

    render(replace(REPORT, amendments=(amendment,)))

    words = " ".join(capsys.readouterr().out.split())
    assert "amended 1 amendment, in the specs that put them in force" in words
    assert (
        "amendment 1 is in force from round 4 on, signed by operator 'registry': basel joins "
        "(reason: Asked for.)"
    ) in words
