"""Known answers for disputes: pair tables that contradict each other, and who is left out.

Run `python -m tests.vectors.generate_disputes`; it writes disputes.json beside itself. Nothing of
the product is imported: the cover is that of tests/independent, found without its matching paths.
"""

import json
from pathlib import Path
from typing import Any, Final

from tests.independent.disputes import disputes_of, left_out
from tests.vectors.plain_study import invalid, secret

VECTORS: Final = Path(__file__).with_name("disputes.json")
Test = dict[str, Any]
GRAPHS: Final = {
    "nobody disputes": "",
    "one dispute: both ends": "ab",
    "a disputes two: a alone": "ab ac",
    "a disputes all: a alone": "ab ac ad ae af",
    "a path of three disputes": "ab bc cd",
    "a path of four disputes": "ab bc cd de",
    "a triangle": "ab bc ca",
    "a circle of five": "ab bc cd de ea",
    "a circle of four": "ab bc cd da",
    "two apart": "ab cd",
    "two liars, who dispute the same two": "ac ad bc bd",
    "two liars of two each": "ac ad be bf",
    "a triangle with a tail": "ab bc ca cd",
    "a triangle with two tails": "ab bc ca cd ce",
    "everybody with everybody": "ab ac ad ae af bc bd be bf cd ce cf de df ef",
}


def tables(disputed: str, cohort: str) -> dict[str, bytes]:
    """Pair tables in which exactly these two and two state different h_ij."""
    pairs = {frozenset(pair) for pair in disputed.split()}
    found = dict.fromkeys(cohort, b"")
    for client in cohort:
        for peer in cohort:
            if peer != client:
                ends = "".join(sorted((client, peer)))
                lies = frozenset(ends) in pairs and client == ends[0]
                h_ij = secret(f"h of {ends}{' otherwise' if lies else ''}")
                found[client] += secret(f"ct of {client} {peer}") + h_ij
    return found


def answered(comment: str, disputed: str, members: str, cohort: str = "abcdef") -> Test:
    """Who goes."""
    stated = {client: tables(disputed, cohort)[client] for client in members}
    return {
        "comment": comment,
        "cohort": list(cohort),
        "pairTables": {client: table.hex() for client, table in stated.items()},
        "leftOut": left_out(disputes_of(cohort, stated)),
        "result": "valid",
    }


def document() -> dict[str, Any]:
    """The whole file, in Wycheproof's shape."""
    tests = [answered(comment, disputed, "abcdef") for comment, disputed in GRAPHS.items()]
    tests.append(answered("the other end is absent", "ab", "acdef"))
    tests.append(answered("a disputes two, of whom one is absent", "ab ac", "acdef"))
    tests.append(answered("one alone", "ab", "a"))
    right = {key: tests[1][key] for key in ("cohort", "pairTables")}
    strangers = {**right["pairTables"], "z": right["pairTables"]["a"]}
    short = {**right["pairTables"], "a": right["pairTables"]["a"][:-2]}
    tests.append(
        invalid("of who is not invited", {**right, "pairTables": strangers}, "not-invited")
    )
    tests.append(invalid("a byte less", {**right, "pairTables": short}, "pair-table-length"))
    for number, test in enumerate(tests, start=1):
        test["tcId"] = number
    return {
        "algorithm": "Blindsum disputes, version 1: the half-integral cover",
        "provenance": "tests/vectors/generate_disputes.py, by tests/independent/disputes.py: a "
        "second implementation from docs/specification.md",
        "numberOfTests": len(tests),
        "testGroups": [{"type": "disputes", "tests": tests}],
    }


def render() -> str:
    """The file's text."""
    return json.dumps(document(), indent=1) + "\n"


if __name__ == "__main__":
    VECTORS.write_text(render(), encoding="utf-8")
