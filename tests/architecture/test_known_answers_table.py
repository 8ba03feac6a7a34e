"""The table of known answers in docs/specification.md, section 15, tells what is there."""

import json
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROW = re.compile(r"^\| (\w+\.json) \| .+ \| (\d+), (\d+) \| .+ \|$", re.MULTILINE)


def test_the_specification_counts_the_known_answers_that_are_there() -> None:
    said = {
        name: (int(tests), int(invalid))
        for name, tests, invalid in ROW.findall(
            (ROOT / "docs" / "specification.md").read_text(encoding="utf-8")
        )
    }

    found = {}
    for path in (ROOT / "tests" / "vectors").glob("*.json"):
        groups = json.loads(path.read_text(encoding="utf-8"))["testGroups"]
        results = [test["result"] for group in groups for test in group["tests"]]
        found[path.name] = len(results), results.count("invalid")

    assert said == found
