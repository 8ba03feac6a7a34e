"""A sealed sum that is not the sum of the members' payloads is found (threat T16)."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from blindsum_auditor.report import Level, Report
from blindsum_rules import transcript

if TYPE_CHECKING:
    from tests.auditor.transcripts.conftest import Player

Players = Callable[..., "Player"]
Audit = Callable[..., Report]
Says = Callable[[Report, str, str, str], bool]


def at(number: int, name: str) -> str:
    return transcript.round_file(number, name)


def test_one_flipped_word_of_the_sealed_sum_is_found_by_recomputation_alone(
    player: Players, audit: Audit
) -> None:
    study = player()
    study.play(sum_bytes=lambda packed: bytes([packed[0] ^ 1]) + packed[1:])

    report = audit(study.end(), level=Level.SEALED)

    # The aggregator signed the root of the altered sum: signatures and root hold.
    assert [finding.check for finding in report.failed] == ["sealed-sum-recomputed"]
    assert report.failed[0].file == at(0, "sealed_sum.bin")
    assert "chunk 0" in report.failed[0].sentence


def test_without_payloads_the_root_alone_tells_of_a_flipped_word(
    player: Players, audit: Audit, says: Says
) -> None:
    study = player()
    study.play()
    file = at(0, "sealed_sum.bin")
    packed = study.files[file]
    study.files = {name: held for name, held in study.files.items() if "/payloads/" not in name}
    study.files[file] = bytes([packed[0] ^ 1]) + packed[1:]

    report = audit(study.end(), level=Level.SEALED)

    assert says(report, "sealed-sum", file, "sealed-sum-root")
    assert len(report.failed) == 1


def test_a_flipped_word_of_the_sealed_sum_does_not_open_to_the_aggregate(
    player: Players, audit: Audit, says: Says
) -> None:
    study = player()
    study.play(sum_bytes=lambda packed: bytes([packed[0] ^ 1]) + packed[1:])

    report = audit(study.end())

    assert says(report, "opening", at(0, "aggregate.bin"), "residual-gate")


def test_a_member_left_out_of_the_sealed_sum_is_found(player: Players, audit: Audit) -> None:
    study = player()
    played = study.play()
    summed = played.seal.sum_of(("cleveland", "hungary", "switzerland"))
    short = player()
    short.play(sum_bytes=lambda _: summed)

    report = audit(short.end(), level=Level.SEALED)

    assert [finding.check for finding in report.failed] == ["sealed-sum-recomputed"]
