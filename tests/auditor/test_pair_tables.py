"""What an auditor finds in a masked round: altered pair tables, a false freeze (T16, T17, T30)."""

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
from blindsum_protos.convert.signed import signed_from_bytes, signed_to_bytes
from blindsum_rules import transcript
from blindsum_rules.freeze import LeftOut, Member
from blindsum_rules.spec import Spec
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


def frozen_as(record: RoundRecord, members: list[Member], left_out: list[LeftOut]) -> RoundRecord:
    """The record with another freeze, as an aggregator would sign it that lets nobody stop it."""
    assert record.freeze is not None
    body = replace(record.freeze.body, members=tuple(members), left_out=tuple(left_out))
    return replace(record, freeze=replace(record.freeze, body=body))


def test_a_freeze_that_counts_a_disputing_client_is_found(written: tuple[World, Path]) -> None:
    """The aggregator counts whom its own tables contradict: the sum would be unopenable."""
    world, folder = written
    (record,) = read_folder(folder, Journal()).rounds
    assert checked(world, record) == ""

    assert record.freeze is not None
    (liar,) = record.freeze.body.left_out
    members = [Member(liar.client, liar.contribution_digest), *record.freeze.body.members]

    assert "pair-dispute" in checked(world, frozen_as(record, members, []))


@pytest.mark.parametrize("victims", [1, 2])
def test_an_honest_client_that_is_left_out_beside_a_liar_is_found(
    written: tuple[World, Path], victims: int
) -> None:
    """The liar disputes this client too, but the rule leaves out the liar alone."""
    world, folder = written
    (record,) = read_folder(folder, Journal()).rounds
    assert record.freeze is not None
    freeze = record.freeze.body
    evicted = [one for one in freeze.members if one.client in {"client-02", "client-03"}][:victims]
    rest = [one for one in freeze.members if one not in evicted]
    out = [LeftOut(one.client, one.contribution_digest, "pair-dispute") for one in evicted]

    sentence = checked(world, frozen_as(record, rest, [*freeze.left_out, *out]))

    assert "pair-dispute" in sentence
    assert evicted[0].client in sentence


def resigned(world: World, copied: Path, **changes: object) -> None:
    """Another spec in place of the round's, signed by the aggregator."""
    path = copied / transcript.round_file(0, transcript.SPEC)
    spec = signed_from_bytes(Spec, path.read_bytes())
    changed = world.people.sign(replace(spec.body, **changes), "aggregator")  # type: ignore[arg-type]
    path.write_bytes(signed_to_bytes(changed))


@pytest.mark.parametrize(
    "changes",
    [
        {"seal": "ckks"},
        {"vector_length": 1 << 45},
        {"cohort": ("client-00", "client-01", "client-02", "client-04", "client-05", "zz")},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_under_an_invented_spec_sums_are_not_made_and_the_report_says_so(
    written: tuple[World, Path], copied: Path, changes: dict[str, object]
) -> None:
    """The aggregator signs a spec that no study allows: the verification goes on to its end."""
    resigned(written[0], copied, **changes)

    report = verify(copied, written[0].people.manifest.digest)

    assert not report.accepted
    unchecked = [one for one in report.findings if one.status is Status.NOT_CHECKABLE]
    assert {"sealed-sum", "opening"} <= {one.check for one in unchecked}
