"""A private study of which somebody leaves: who gave before is charged for it all the same."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from tests.auditor.transcripts.amending import BASEL, AmendedPlayer

from blindsum_auditor.report import Report
from blindsum_rules.privacy.study_plan import study_plan

if TYPE_CHECKING:
    from tests.auditor.transcripts.conftest import Player


def test_who_left_stays_charged_and_who_joined_is_charged_from_then_on(
    private: "Callable[..., Player]", audit: Callable[..., Report]
) -> None:
    study = AmendedPlayer(private().founding)
    study.play()
    study.amend(joined=(BASEL,), left=("hungary",))
    study.play()

    report = audit(study.end())

    assert report.accepted, report.failed
    assert report.privacy is not None
    steps = study_plan(study.study).round_charge(3).steps
    spent = {one.name: (one.rounds, one.steps) for one in report.privacy.spenders}
    assert spent == {
        "org-basel": (1, steps),
        "org-cleveland": (2, 2 * steps),
        "org-hungary": (1, steps),
        "org-switzerland": (2, 2 * steps),
        "org-va-long-beach": (2, 2 * steps),
    }
