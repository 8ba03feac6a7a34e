"""The anchor: what a client remembers outside the folder that gets restored (threat T14)."""

from pathlib import Path

import pytest

from blindsum_client.anchor import NONE_SEALED, Anchor, default_anchor_path
from blindsum_crypto.errors import Refused, Rejected

STUDY, OTHER_STUDY = b"s" * 32, b"o" * 32


def test_a_new_anchor_knows_of_no_seal(tmp_path: Path) -> None:
    anchor = Anchor(tmp_path / "new" / "a.anchor", STUDY, expected=False)

    assert anchor.sealed_through == NONE_SEALED
    assert (tmp_path / "new" / "a.anchor").stat().st_mode & 0o777 == 0o600


def test_an_anchor_remembers_the_highest_seal_and_never_falls(tmp_path: Path) -> None:
    path = tmp_path / "a.anchor"
    anchor = Anchor(path, STUDY, expected=False)

    anchor.raise_to(7)
    anchor.raise_to(3)

    assert Anchor(path, STUDY, expected=True).sealed_through == 7


def test_a_missing_anchor_of_a_used_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused) as caught:
        Anchor(tmp_path / "a.anchor", STUDY, expected=True)
    assert caught.value.rule == "anchor-missing"


def test_the_anchor_of_another_study_is_refused(tmp_path: Path) -> None:
    Anchor(tmp_path / "a.anchor", STUDY, expected=False)

    with pytest.raises(Refused) as caught:
        Anchor(tmp_path / "a.anchor", OTHER_STUDY, expected=False)
    assert caught.value.rule == "anchor-study"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"[]",
        b"not json",
        b'{"manifest": 1}',
        b'{"manifest": "", "sealed_through": "7"}',
    ],
)
def test_a_damaged_anchor_is_rejected(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.anchor").write_bytes(content)

    with pytest.raises(Rejected) as caught:
        Anchor(tmp_path / "a.anchor", STUDY, expected=True)
    assert caught.value.rule == "anchor-damaged"


def test_the_anchor_lies_beside_the_state_folder_and_not_in_it() -> None:
    assert default_anchor_path(Path("state/cleveland")) == Path("state/cleveland.anchor")
