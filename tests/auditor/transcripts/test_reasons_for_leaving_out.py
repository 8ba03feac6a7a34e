"""A client that is left out by a rule that nobody said it broke is a signed lie, and is found."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from blindsum_auditor.report import Report
from blindsum_rules import transcript

if TYPE_CHECKING:
    from tests.auditor.transcripts.conftest import Player

Players = Callable[..., "Player"]
Audit = Callable[..., Report]
FREEZE = transcript.round_file(0, "freeze.pb")


@pytest.mark.parametrize("rule", ["bad-wrap", "wrap-hpke", "pair-dispute"])
def test_a_rule_that_no_custodian_denied_by_is_found(
    player: Players, audit: Audit, rule: str
) -> None:
    study = player()
    study.play(left_out=("hungary",), left_out_by=rule)

    (failure,) = audit(study.end()).failed

    assert (failure.check, failure.file) == ("left-out", FREEZE)
    assert failure.sentence.startswith("left-out-rule:")
    assert f"hungary ({rule})" in failure.sentence


def test_another_clients_denial_is_no_reason(player: Players, audit: Audit) -> None:
    study = player()
    denies = {"custodian-d": ("cleveland",)}
    study.play(left_out=("hungary",), left_out_by="bad-wrap", denies=denies, endorsers=3)

    assert [one.check for one in audit(study.end()).failed] == ["left-out"]


def test_a_denial_that_stands_in_an_admission_is_a_reason(player: Players, audit: Audit) -> None:
    study = player()
    denies = {"custodian-d": ("hungary",)}
    study.play(left_out=("hungary",), left_out_by="bad-wrap", denies=denies, endorsers=3)

    assert audit(study.end()).failed == ()


@pytest.mark.parametrize("rule", ["not-admitted", "spool-damaged"])
def test_what_the_aggregator_alone_saw_is_not_contradicted_by_later_admissions(
    player: Players, audit: Audit, rule: str
) -> None:
    study = player()
    study.play(left_out=("hungary",), left_out_by=rule)

    assert audit(study.end()).failed == ()


def test_whom_an_exception_does_not_name_is_left_out_for_that(
    player: Players, audit: Audit
) -> None:
    study = player(with_officer=True)
    study.play(left_out=("hungary",), left_out_by="not-in-exception", exception=True)

    assert audit(study.end()).failed == ()


def test_without_an_exception_nobody_is_left_out_for_one(player: Players, audit: Audit) -> None:
    study = player(with_officer=True)
    study.play(left_out=("hungary",), left_out_by="not-in-exception")

    (failure,) = audit(study.end()).failed

    assert failure.sentence.startswith("left-out-rule:")


def test_who_is_named_by_an_exception_is_not_left_out_for_it(player: Players, audit: Audit) -> None:
    study = player(with_officer=True)
    played = study.play(left_out=("hungary",), left_out_by="not-in-exception", exception=True)
    everybody = ["cleveland", "hungary", "switzerland", "va-long-beach"]
    _, file = study.founding.exception(0, 0, everybody)
    played.write("exception.pb", file)

    failed = {one.sentence.partition(":")[0] for one in audit(study.end()).failed}

    assert failed == {"left-out-rule", "exception-clients", "certificate-lists"}
