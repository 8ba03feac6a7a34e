"""A sparse study's models are recomputed by the auditor, who draws the same coordinates."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pytest

from blindsum_auditor.report import Level, Report
from blindsum_rules.sparsity import Sparsity, SparsityRule

if TYPE_CHECKING:
    from tests.auditor.transcripts.conftest import Player

KEPT = 4


@pytest.mark.parametrize("rule", list(SparsityRule))
def test_an_honest_sparse_study_is_accepted_with_nothing_left_to_check(
    player: "Callable[..., Player]", audit: Callable[..., Report], rule: SparsityRule
) -> None:
    study = player(sparsity=Sparsity(rule, KEPT))
    before = study.model
    study.play()
    study.play(left_out=("hungary",), denies={"custodian-d": ("hungary",)}, endorsers=3)

    report = audit(study.end())

    assert report.failed == ()
    assert report.not_checkable == ()
    assert (report.level, report.rounds, report.ended) == (Level.ENTITLED, 2, True)
    assert report.accepted
    assert study.version == 2
    assert not np.array_equal(study.model, before)


def moved_elsewhere(model: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """The model with what every coordinate holds at the next one."""
    return np.roll(model, 1)


@pytest.mark.parametrize("rule", list(SparsityRule))
def test_a_mean_that_was_put_at_other_coordinates_is_found(
    player: "Callable[..., Player]", audit: Callable[..., Report], rule: SparsityRule
) -> None:
    study = player(sparsity=Sparsity(rule, KEPT))
    study.play(next=moved_elsewhere)
    study.play()

    report = audit(study.end())

    assert not report.accepted
    assert {finding.check for finding in report.failed} == {"model-chain"}
