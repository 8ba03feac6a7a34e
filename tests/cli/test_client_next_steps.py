"""What a client refuses ends with a next step: no rule of its own code is left without one."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import blindsum_client
from blindsum_cli.exits import NEXT_STEPS, report
from blindsum_crypto.errors import Refused

ERRORS = frozenset({"Refused", "Rejected", "Aborted", "Unavailable"})

NOT_BY_A_COMMAND = frozenset(
    {
        # Raised only by calls that no command makes, or turned into another word before.
        "integers",
        "stopped",
        "unknown-contribution",
    }
)


def rules_of(folder: Path) -> Iterator[str]:
    """Every rule that the files of a folder raise by its name."""
    for file in folder.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id in ERRORS
                and isinstance(node.args[0], ast.Constant)
            ):
                yield str(node.args[0].value)


def test_every_rule_that_the_client_raises_has_a_next_step() -> None:
    raised = set(rules_of(Path(blindsum_client.__file__).parent))

    assert "restored-state" in raised
    assert raised >= NOT_BY_A_COMMAND
    assert sorted(raised - NOT_BY_A_COMMAND - NEXT_STEPS.keys()) == []


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("one-seal-per-round", "blindsum client contribute"),
        ("state-in-use", "--state"),
        ("wrong-aggregator", "--aggregator"),
        ("bad-signature", "--aggregator"),
        ("receipt-not-honoured", "blindsum verify"),
    ],
)
def test_the_next_step_names_what_to_type(
    rule: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    report(Refused(rule, "expected another"))

    assert words in capsys.readouterr().err.partition("Next:")[2]
