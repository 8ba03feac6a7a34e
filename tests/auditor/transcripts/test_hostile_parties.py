"""What hostile aggregators and custodians do is found in the transcript, and said by rule and file.

Every party signs here with its own key, so that nothing but the rule in question is broken.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from blindsum_auditor.report import Report
from blindsum_protos.convert.manifest import manifest_file_to_bytes
from blindsum_protos.convert.signed import signed_list_to_bytes, signed_to_bytes
from blindsum_rules import transcript
from blindsum_rules.manifest import DifferencingScope

if TYPE_CHECKING:
    from tests.auditor.transcripts.conftest import Player

Players = Callable[..., "Player"]
Audit = Callable[..., Report]
Says = Callable[[Report, str, str, str], bool]


def at(number: int, name: str) -> str:
    return transcript.round_file(number, name)


def lies(custodian: str, share: bytes) -> bytes:
    """Garbage from custodian b, where the others would give the same."""
    return bytes([share[0] ^ 1]) + share[1:] if custodian == "custodian-b" else share


@pytest.mark.parametrize(
    ("plan", "failure"),
    [
        ({"acceptors": 2}, ("acceptances", "acceptances.pb", "quorum-of-acceptances")),
        ({"endorsers": 2}, ("endorsements", "endorsements.pb", "quorum-of-endorsements")),
        ({"closers": 2}, ("closes", "closes.pb", "quorum-of-closes")),
        ({"spec": {"min_cohort": 1}}, ("spec", "spec.pb", "spec-min-cohort")),
        ({"spec": {"epoch": 1}}, ("spec", "spec.pb", "spec-epoch")),
        ({"spec": {"model_digest": bytes(32)}}, ("chain", "spec.pb", "model-version")),
        (
            {"cohort": ("cleveland", "hungary"), "sends": ("cleveland", "hungary", "switzerland")},
            ("contributions", "contributions.pb", "stranger"),
        ),
        ({"sends": ("cleveland",)}, ("freeze", "freeze.pb", "min-cohort")),
        ({"hidden": ("hungary",)}, ("contributions", "contributions.pb", "freeze-contributions")),
        ({"hidden": ("hungary",)}, ("certificate", "certificate.pb", "certificate-contributions")),
        ({"denies": {"custodian-a": ("hungary",)}}, ("admitted", "admissions.pb", "not-admitted")),
        ({"silent": ("custodian-a",)}, ("admitted", "admissions.pb", "not-admitted")),
        (
            {"closes_with": lambda name, named: b"" if name == "custodian-a" else named},
            ("closes", "closes.pb", "close-denies-endorsement"),
        ),
        ({"opened": lambda values: values + 1}, ("opening", "aggregate.bin", "opening")),
        ({"releases": lies}, ("twins", "releases.pb", "twins-differ")),
        ({"exception": True}, ("exception", "exception.pb", "exception-without-officer")),
        (
            {"certificate": {"opened_by": ("custodian-a",)}},
            ("certificate", "certificate.pb", "certificate-opened-by"),
        ),
        ({"certificate": {"page_digests": ()}}, ("listed", "pages.pb", "certificate-lists")),
        (
            {"certificate": {"release_digests": ()}},
            ("releases", "releases.pb", "certificate-lists"),
        ),
        (
            {"certificate": {"aggregate_commitment": bytes(32)}},
            ("aggregate", "aggregate.bin", "aggregate-commitment"),
        ),
    ],
)
def test_a_round_that_breaks_a_rule_is_refused_by_rule_and_file(
    player: Players,
    audit: Audit,
    says: Says,
    plan: Mapping[str, Any],
    failure: tuple[str, str, str],
) -> None:
    study = player()
    study.play(**plan)

    report = audit(study.end())

    check, name, rule = failure
    assert says(report, check, at(0, name), rule)


def test_a_liar_that_the_certificate_names_for_no_reason_is_refused(
    player: Players, audit: Audit, says: Says
) -> None:
    study = player()
    study.play(certificate={"disagreeing": ("custodian-b",)})

    assert says(audit(study.end()), "twins", at(0, "releases.pb"), "twins-differ")


def test_a_false_model_is_refused_where_a_spec_pins_it(player: Players, audit: Audit) -> None:
    study = player()
    study.play(next=lambda model: model + 1)
    study.play()

    report = audit(study.end())

    assert [(one.check, one.file) for one in report.failed] == [("model-chain", at(1, "spec.pb"))]


def test_a_false_last_model_is_refused_where_the_end_pins_it(player: Players, audit: Audit) -> None:
    study = player()
    study.play(next=lambda model: model + 1)

    report = audit(study.end())

    assert [one.file for one in report.failed] == [transcript.end_file("spec.pb")]


def test_a_version_that_grows_after_an_abort_is_refused(
    player: Players, audit: Audit, says: Says
) -> None:
    study = player()
    study.play(aborts_by="residual-gate")
    study.play(spec={"model_version": 1, "model_digest": bytes(32)})

    report = audit(study.end())

    assert says(report, "chain", at(1, "spec.pb"), "model-version-without-aggregate")


def test_an_aborted_round_that_the_next_record_calls_published_is_refused(
    player: Players, audit: Audit, says: Says
) -> None:
    study = player()
    study.play(aborts_by="residual-gate")
    previous = replace(study.previous, aggregate_commitment=bytes(32))
    study.play(spec={"previous": previous})

    assert says(audit(study.end()), "record", at(1, "spec.pb"), "previous-round")


def test_differencing_after_an_endorsed_abort_is_refused(
    player: Players, audit: Audit, says: Says
) -> None:
    study = player()
    study.play(aborts_by="release-deadline")
    study.play(cohort=("cleveland", "hungary", "switzerland"))

    report = audit(study.end())

    assert says(report, "no-differencing", at(1, "freeze.pb"), "no-differencing")


def test_the_same_set_after_an_endorsed_abort_is_accepted(player: Players, audit: Audit) -> None:
    study = player()
    study.play(aborts_by="release-deadline")
    study.play()

    assert audit(study.end()).failed == ()


def test_differencing_over_versions_is_refused_where_the_study_forbids_it(
    player: Players, audit: Audit, says: Says
) -> None:
    study = player(no_differencing=DifferencingScope.STUDY)
    study.play()
    study.play(left_out=("hungary",), denies={"custodian-d": ("hungary",)}, endorsers=3)

    report = audit(study.end())

    assert says(report, "no-differencing", at(1, "freeze.pb"), "no-differencing")


def test_a_lost_exception_leaves_differencing_without_excuse(
    player: Players, audit: Audit, says: Says
) -> None:
    study = player(with_officer=True)
    study.play(aborts_by="release-deadline")
    study.play(cohort=("cleveland", "hungary", "switzerland"), exception=True)
    del study.files[at(1, "exception.pb")]

    report = audit(study.end())

    assert says(report, "no-differencing", at(1, "freeze.pb"), "no-differencing")
    assert says(report, "listed", at(1, "exception.pb"), "certificate-lists")


@pytest.mark.parametrize(
    ("allowed", "rule"),
    [
        ((1, 0, ["cleveland", "hungary"]), "exception-clients"),
        ((2, 0, ["cleveland", "hungary", "switzerland"]), "exception-round"),
        ((1, 1, ["cleveland", "hungary", "switzerland"]), "exception-version"),
    ],
)
def test_an_exception_for_something_else_is_refused(
    player: Players, audit: Audit, says: Says, allowed: tuple[int, int, list[str]], rule: str
) -> None:
    study = player(with_officer=True)
    study.play(aborts_by="release-deadline")
    played = study.play(cohort=("cleveland", "hungary", "switzerland"), exception=True)
    _, other = study.founding.exception(*allowed)
    played.write("exception.pb", other)

    report = audit(study.end())

    assert says(report, "exception", at(1, "exception.pb"), rule)


@pytest.mark.parametrize(
    ("changes", "rule"),
    [({"quorum": 2}, "quorum-rule"), ({"min_cohort": 1}, "min-cohort")],
)
def test_a_study_that_no_role_may_join_is_refused(
    player: Players, audit: Audit, changes: Mapping[str, Any], rule: str, says: Says
) -> None:
    study = player(**changes)

    assert says(audit(study), "manifest", transcript.MANIFEST, rule)


def test_a_manifest_without_its_officers_approval_is_refused(
    player: Players, audit: Audit, says: Says
) -> None:
    study = player(with_officer=True)
    study.files[transcript.MANIFEST] = manifest_file_to_bytes(study.founding.manifest, None)

    assert says(audit(study), "manifest", transcript.MANIFEST, "officer-approval")


def test_a_certificate_and_an_abort_of_one_round_are_refused(
    player: Players, audit: Audit, says: Says
) -> None:
    study, other = player(), player()
    study.play()
    other.play(aborts_by="residual-gate")
    study.files[at(0, "abort.pb")] = other.files[at(0, "abort.pb")]

    assert says(audit(study.end()), "outcome", at(0, "abort.pb"), "outcome")


def test_messages_of_a_stranger_are_not_believed(player: Players, audit: Audit, says: Says) -> None:
    study = player()
    played = study.play()
    forged = replace(played.endorsements[0], signer="cleveland")
    study.files[at(0, "endorsements.pb")] = signed_list_to_bytes((forged, *played.endorsements[1:]))
    study.files[at(0, "certificate.pb")] = signed_to_bytes(replace(played.spec, signer="cleveland"))

    report = audit(study.end())

    assert says(report, "signatures", at(0, "endorsements.pb"), "unknown-signer")
    assert at(0, "certificate.pb") in {finding.file for finding in report.failed}
