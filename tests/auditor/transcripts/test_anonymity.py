"""The report says among how many clients every sum hides each, whoever tells (threat T4)."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

from blindsum_auditor.verify import verify
from blindsum_rules.anonymity import anonymity_of

if TYPE_CHECKING:
    from tests.auditor.transcripts.conftest import Player


def test_every_frozen_set_is_said_to_hide_its_members_but_the_largest_organisations(
    honest: "Player", folder: Path
) -> None:
    report = verify(folder, honest.founding.manifest.digest)

    manifest = honest.founding.manifest.body
    everybody = [client.name for client in manifest.clients]
    assert report.anonymity
    for one in report.anonymity:
        assert one.members <= len(everybody)
        assert one.hidden.clients < one.members
    largest = max(report.anonymity, key=lambda one: one.members)
    assert largest.hidden == anonymity_of(manifest, everybody[: largest.members])
    said = [finding.sentence for finding in report.findings if finding.check == "anonymity"]
    assert len(said) == len(report.anonymity)
    assert all("against 1 colluding organisation" in sentence for sentence in said)


def test_the_report_names_the_round_of_the_smallest_set(honest: "Player", folder: Path) -> None:
    report = verify(folder, honest.founding.manifest.digest)

    least = min(one.hidden.clients for one in report.anonymity)
    assert f"each client among at least {least} of" in report.anonymity_in_words
    document = json.loads(report.to_json())["anonymity"]
    assert document["in_words"] == report.anonymity_in_words
    assert [one["clients"] for one in document["rounds"]] == [
        one.hidden.clients for one in report.anonymity
    ]


def test_of_a_study_that_is_not_believed_nothing_is_said(honest: "Player", folder: Path) -> None:
    assert honest.files
    report = verify(folder, b"\x01" * 32)

    assert report.anonymity == ()
    assert report.anonymity_in_words == "not known: the manifest is not believed"
