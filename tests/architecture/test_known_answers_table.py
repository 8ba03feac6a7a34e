"""The table of known answers in docs/specification.md, section 15, tells what is there."""

import json
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
ROW = re.compile(r"^\| (\w+\.json) \| .+ \| (\d+), (\d+) \| .+ \|$", re.MULTILINE)


PAGE = (ROOT / "docs" / "specification.md").read_text(encoding="utf-8")
# Of a draw of noise, which ADR 16 describes, and its keystream.
ELSEWHERE = {"keystream-key-length", "noise-count", "noise-variance"}


def groups_by_file() -> dict[str, list[dict[str, Any]]]:
    return {
        path.name: json.loads(path.read_text(encoding="utf-8"))["testGroups"]
        for path in (ROOT / "tests" / "vectors").glob("*.json")
    }


def test_the_specification_counts_the_known_answers_that_are_there() -> None:
    said = {name: (int(tests), int(invalid)) for name, tests, invalid in ROW.findall(PAGE)}

    found = {}
    for name, groups in groups_by_file().items():
        results = [test["result"] for group in groups for test in group["tests"]]
        found[name] = len(results), results.count("invalid")

    assert said == found


def test_every_rule_of_a_known_answer_stands_on_the_page() -> None:
    rules = {
        test["rule"]
        for groups in groups_by_file().values()
        for group in groups
        for test in group["tests"]
        if test.get("rule")
    }

    assert len(rules) > 50
    assert {rule for rule in rules if f"`{rule}`" not in PAGE} == ELSEWHERE
