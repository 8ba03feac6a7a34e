"""What an auditor checks of a masked round: its pair tables, and whom a dispute left out."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.adversarial.pair_liars import with_other_secrets
from tests.adversarial.people import found
from tests.adversarial.served_study import served, valid_now
from tests.adversarial.world import World

from blindsum_auditor.folder import read_folder
from blindsum_auditor.journal import Journal
from blindsum_auditor.pair_tables import check_pair_tables
from blindsum_auditor.records import RoundRecord
from blindsum_auditor.report import Status
from blindsum_auditor.seals import sum_seal
from blindsum_auditor.verify import verify
from blindsum_rules import transcript
from blindsum_rules.freeze import LeftOut, Member
from blindsum_rules.transitions import AggregatorState

LIAR = "client-00"
TABLES = transcript.round_file(0, transcript.PAIR_TABLES)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[World, Path]]:
    """A transcript of one masked round in which a client lied about two pairs and was left out."""
    folder = tmp_path_factory.mktemp("masked")
    world = World(found((4, 2, 3), 6, "masking", None, **valid_now()), folder / "world")
    with served(world, folder / "aggregator") as study:
        spec = study.is_open(0)
        study.send(with_other_secrets(world, spec, LIAR, "client-02", "client-03"))
        for name in spec.body.cohort[1:]:
            study.send(world.seal(spec, name))
        assert study.carry(0) is AggregatorState.PUBLISHED
        study.close(0)
        yield world, study.transcript
    world.close()


@pytest.fixture
def copied(written: tuple[World, Path], tmp_path: Path) -> Path:
    """The transcript, to be altered."""
    for file in written[1].rglob("*"):
        if file.is_file():
            target = tmp_path / "copy" / file.relative_to(written[1])
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(file.read_bytes())
    return tmp_path / "copy"


def failures(folder: Path) -> dict[str, str]:
    """File to sentence of everything that failed."""
    return {
        one.file: one.sentence for one in verify(folder).findings if one.status is Status.FAILED
    }


def test_a_masked_transcript_with_a_settled_dispute_is_accepted(
    written: tuple[World, Path],
) -> None:
    report = verify(written[1], written[0].people.manifest.digest)

    assert report.accepted
    checked = {one.check for one in report.findings if one.status is Status.OK}
    assert {"pair-tables", "opening", "releases"} <= checked


def test_every_flipped_bit_of_the_pair_tables_is_found(copied: Path) -> None:
    tables = (copied / TABLES).read_bytes()
    for place in (0, 31, 32, len(tables) // 2, len(tables) - 1):
        changed = bytearray(tables)
        changed[place] ^= 1
        (copied / TABLES).write_bytes(changed)
        assert "pair-table-digest" in failures(copied)[TABLES]


@pytest.mark.parametrize("change", [lambda data: data[:-1], lambda data: data + b"\0"])
def test_tables_of_another_length_are_found(copied: Path, change: object) -> None:
    assert callable(change)
    (copied / TABLES).write_bytes(change((copied / TABLES).read_bytes()))
    assert "file-length" in failures(copied)[TABLES]


def test_missing_tables_are_found(copied: Path) -> None:
    (copied / TABLES).unlink()
    assert "missing-file" in failures(copied)[TABLES]


def checked(world: World, record: RoundRecord) -> str:
    """What the check of the pair tables says about a record; "" when it holds."""
    journal = Journal()
    assert record.spec is not None
    check_pair_tables(record, sum_seal(record.spec, world.study), journal)
    (finding,) = journal.findings
    return "" if finding.status is Status.OK else finding.sentence


def test_a_freeze_that_counts_a_disputing_client_is_found(written: tuple[World, Path]) -> None:
    """The aggregator counts whom its own tables contradict: the sum would be unopenable."""
    world, folder = written
    (record,) = read_folder(folder, Journal()).rounds
    assert checked(world, record) == ""

    assert record.freeze is not None
    freeze = record.freeze.body
    (liar,) = freeze.left_out
    members = (Member(liar.client, liar.contribution_digest), *freeze.members)
    counted = replace(record.freeze, body=replace(freeze, members=members, left_out=()))

    assert "pair-dispute" in checked(world, replace(record, freeze=counted))


def test_an_honest_client_that_is_left_out_for_a_dispute_that_is_none_is_found(
    written: tuple[World, Path],
) -> None:
    """An eviction by an invented dispute: whoever reads the tables sees that there is none."""
    world, folder = written
    (record,) = read_folder(folder, Journal()).rounds
    assert record.freeze is not None
    freeze = record.freeze.body
    *rest, victim = freeze.members
    out = LeftOut(victim.client, victim.contribution_digest, "pair-dispute")
    evicting = replace(freeze, members=tuple(rest), left_out=(*freeze.left_out, out))

    sentence = checked(world, replace(record, freeze=replace(record.freeze, body=evicting)))

    assert "pair-dispute" in sentence
    assert victim.client in sentence
