"""The promise of SECURITY.md: every test that its table names is there and names the row back."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
NUMBER = re.compile(r"T\d+[a-z]?")
ROW = re.compile(r"^\| (T\d+[^|]*) \|[^|]*\|[^|]*\|([^|]*)\|[^|]*\|$", re.MULTILINE)


def named_tests(cell: str) -> list[str]:
    """The paths in one cell; a bare file name lies in the folder of the path before it."""
    paths: list[str] = []
    for path in re.findall(r"`([^`]+)`", cell):
        bare = "/" not in path and paths
        paths.append(f"{paths[-1].rpartition('/')[0]}/{path}" if bare else path)
    return paths


def text_of(path: Path) -> str:
    """A test file, or the test files of a folder; nothing where neither is."""
    files = [path] if path.is_file() else path.rglob("test_*.py")
    return "\n".join(file.read_text(encoding="utf-8") for file in files)


def broken_promises(page: str, tests: Path) -> list[str]:
    """What the table says of the tests and what is not so; row and path of each."""
    broken = []
    for numbers, cell in ROW.findall(page):
        paths = named_tests(cell)
        broken += [] if paths else [f"{numbers} names no test"]
        for number in NUMBER.findall(numbers):
            broken += [
                f"{number} is not named by {path}"
                for path in paths
                if not re.search(rf"\b{number}\b", text_of(tests / path))
            ]
    return broken


def test_every_row_is_read_and_no_number_stands_twice() -> None:
    rows = ROW.findall(PAGE)
    numbers = NUMBER.findall(" ".join(row for row, _ in rows))

    assert len(rows) == len(re.findall(r"^\| *T\d", PAGE, re.MULTILINE)) >= 20
    assert len(numbers) == len(set(numbers))


def test_every_named_test_is_there_and_names_its_attack_back() -> None:
    assert broken_promises(PAGE, ROOT / "tests") == []


@pytest.mark.parametrize(
    ("said", "altered", "broken"),
    [
        ("test_quorum.py", "test_quorums.py", "T3 is not named by rules/test_quorums.py"),
        ("| T25 |", "| T99 |", "T99 is not named by custodian/rounds/test_instance.py"),
        ("| T6, T10 |", "| T6, T98 |", "T98 is not named by adversarial/test_two_specs.py"),
        ("`adversarial/test_disaggregation.py`", "a test", "T5b names no test"),
        ("`aggregator/service/`", "`aggregator/none/`", "T26 is not named by aggregator/none/"),
    ],
)
def test_the_control_that_an_altered_page_breaks_its_promise(
    said: str, altered: str, broken: str
) -> None:
    assert broken in broken_promises(PAGE.replace(said, altered), ROOT / "tests")


def test_every_test_of_an_adversary_stands_in_the_table() -> None:
    named = {path for _, cell in ROW.findall(PAGE) for path in named_tests(cell)}
    there = {f"adversarial/{path.name}" for path in (ROOT / "tests/adversarial").glob("test_*.py")}

    assert there - named == {"adversarial/test_world.py"}  # the attacks' own ground


def test_the_table_has_a_part_each_for_custody_the_round_and_masking() -> None:
    parts = re.split(r"^### ", PAGE, flags=re.MULTILINE)[1:]
    assert [part.partition("\n")[0].partition(",")[0] for part in parts[:3]] == [
        "Custody",
        "The round",
        "Masking",
    ]
    assert all(len(ROW.findall(part)) >= 3 for part in parts)


def test_the_control_that_a_test_that_lost_its_number_is_found(tmp_path: Path) -> None:
    page = "| T3 | two freezes | a rule | `rules/test_quorum.py` | x_i |"
    test = tmp_path / "rules" / "test_quorum.py"
    test.parent.mkdir()
    test.write_text("threat T3", encoding="utf-8")
    assert broken_promises(page, tmp_path) == []

    test.write_text("threat T31", encoding="utf-8")
    assert broken_promises(page, tmp_path) == ["T3 is not named by rules/test_quorum.py"]
