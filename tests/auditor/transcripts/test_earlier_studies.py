"""Words of an earlier study of the same name prove nothing in this one (threats T5, T10)."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from blindsum_auditor.report import Report
from blindsum_protos.convert.exception import exception_file_to_bytes
from blindsum_rules import transcript
from blindsum_rules.close import Close
from blindsum_rules.endorsement import Endorsement
from blindsum_rules.exception import DifferencingException

if TYPE_CHECKING:
    from tests.auditor.transcripts.conftest import Player

    from blindsum_rules.signed import Signed

Players = Callable[..., "Player"]
Audit = Callable[..., Report]
Says = Callable[[Report, str, str, str], bool]

EARLIER = b"\x07" * 32
END = transcript.end_file("spec.pb")
OVERLAPPING = ("cleveland", "hungary", "switzerland")


def at(number: int, name: str) -> str:
    return transcript.round_file(number, name)


def closes_of(study: "Player", number: int, manifest_digest: bytes) -> tuple["Signed[Close]", ...]:
    """What a quorum signed who left a round without a freeze."""
    close = Close("heart", number, b"", "", manifest_digest)
    return study.founding.by_all(close, ("custodian-a", "custodian-b", "custodian-c"))


def accused(report: Report) -> list[str]:
    return [one.sentence for one in report.failed if one.check == "equivocation"]


def test_an_earlier_studys_endorsement_in_a_spec_is_no_evidence_against_its_signer(
    player: Players, audit: Audit
) -> None:
    study = player()
    study.play(aborts_by="operator")
    old = Endorsement("heart", 0, EARLIER, b"\x08" * 32, "")
    study.endorsements = (study.founding.sign(old, "custodian-a"),)

    assert accused(audit(study.end())) == []


def test_an_endorsement_in_a_spec_of_another_freeze_of_the_round_before_is_evidence(
    player: Players, audit: Audit
) -> None:
    study = player()
    played = study.play()
    second = Endorsement(*played.place, b"\x08" * 32, "")
    signed = study.founding.sign(second, "custodian-d")
    study.endorsements = (*study.endorsements[:3], signed)

    (evidence,) = accused(audit(study.end()))

    assert "evidence against 'custodian-d'" in evidence


@pytest.mark.parametrize("is_earlier", [True, False])
def test_a_close_in_a_spec_is_evidence_only_under_this_manifest(
    player: Players, audit: Audit, says: Says, *, is_earlier: bool
) -> None:
    study = player()
    study.play()
    digest = EARLIER if is_earlier else study.founding.manifest.digest
    close = Close("heart", 0, b"\x08" * 32, "", digest)
    study.closes = (study.founding.sign(close, "custodian-a"), *study.closes[1:])

    report = audit(study.end())

    rule = "wrong-manifest" if is_earlier else "freeze-in-closes"
    assert says(report, "chain", END, rule)
    assert len(accused(report)) == (0 if is_earlier else 1)


def test_another_studys_spec_in_a_folder_accuses_nobody_who_signed_the_rounds_own(
    player: Players, audit: Audit, says: Says
) -> None:
    study = player()
    played = study.play()
    body = replace(played.spec.body, amendment_digest=EARLIER)
    played.write("spec.pb", study.founding.sign(body, "aggregator"))

    report = audit(study.end())

    assert says(report, "spec", at(0, "spec.pb"), "spec-amendment")
    assert accused(report) == []


@pytest.mark.parametrize("is_earlier", [True, False])
def test_an_earlier_studys_closes_clear_no_freeze_of_the_last_round(
    player: Players, audit: Audit, says: Says, *, is_earlier: bool
) -> None:
    study = player()
    study.play(aborts_by="operator")
    played = study.play(cohort=OVERLAPPING, aborts_by="operator", endorsers=0)
    digest = EARLIER if is_earlier else study.founding.manifest.digest
    played.write("closes.pb", closes_of(study, 1, digest))

    report = audit(study)

    assert says(report, "closes", at(1, "closes.pb"), "wrong-manifest") == is_earlier
    overlaps = says(report, "no-differencing", at(1, "freeze.pb"), "no-differencing")
    assert overlaps == is_earlier


def test_closes_that_fit_a_spec_of_another_manifest_are_refused_and_clear_no_freeze(
    player: Players, audit: Audit, says: Says
) -> None:
    study = player()
    study.play(aborts_by="operator")
    foreign = {"amendment_digest": EARLIER}
    played = study.play(cohort=OVERLAPPING, spec=foreign, aborts_by="operator", endorsers=0)
    played.write("closes.pb", closes_of(study, 1, EARLIER))
    study.closes = closes_of(study, 1, EARLIER)

    report = audit(study.end(**foreign))

    assert says(report, "closes", at(1, "closes.pb"), "wrong-manifest")
    assert says(report, "no-differencing", at(1, "freeze.pb"), "no-differencing")


def test_an_exception_that_fits_a_spec_of_another_manifest_is_refused(
    player: Players, audit: Audit, says: Says
) -> None:
    study = player(with_officer=True)
    study.play(aborts_by="release-deadline")
    foreign = {"amendment_digest": EARLIER}
    played = study.play(cohort=OVERLAPPING, spec=foreign, aborts_by="release-deadline")
    body = DifferencingException("heart", 1, 0, OVERLAPPING, "Asked for.", EARLIER)
    operator, officer = study.founding.by_all(body, ("operator", "officer"))
    played.write("exception.pb", exception_file_to_bytes(operator, officer))

    report = audit(study.end())

    assert says(report, "exception", at(1, "exception.pb"), "exception-study")
    assert says(report, "no-differencing", at(1, "freeze.pb"), "no-differencing")
