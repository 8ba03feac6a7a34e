"""Known answers for exceptions to the rule against differencing: for which freeze they are good.

Run `python -m tests.vectors.generate_exceptions`; it writes exceptions.json beside itself. Nothing
of the product is imported: bodies and signatures are those of tests/independent.
"""

import json
from pathlib import Path
from typing import Any, Final

from tests.independent.notation import Field, Message, digest, message, sign
from tests.vectors.amendment_chains import MANIFESTS, signed_manifests
from tests.vectors.plain_study import BOTH, STUDY, by_hands, in_order, invalid, secret

VECTORS: Final = Path(__file__).with_name("exceptions.json")
OFFICER: Final = "with an officer"
CLIENTS: Final = ["athens", "berlin", "cairo"]
FREEZE: Final = {"round": 7, "version": 5, "members": CLIENTS}
Test = dict[str, Any]


def exception(**changed: Field) -> Message:
    """ExceptionBody for the freeze of round 7, version 5."""
    fields: dict[str, Field] = {
        "study": STUDY,
        "round": 7,
        "version": 5,
        "clients": CLIENTS,
        "reason": "The fourth sent garbage in round 6",
        "manifest": digest("manifest", MANIFESTS[OFFICER]),
    }
    return message(in_order({**fields, **changed}))


def exception_tests() -> list[Test]:
    """One that is good for its freeze, and those that are not."""
    body, other = exception(), exception(reason="Another reason")
    operator, officer = (sign("exception", body, name, secret(name)) for name in BOTH.values())
    twice = sign("exception", other, "officer", secret("officer"))
    flipped = Message(officer[:-1] + bytes([officer[-1] ^ 1]))
    unlikely = by_hands("exception", exception(clients=["athens"]), BOTH)
    hands: list[tuple[str, bytes, dict[str, Any], str]] = [
        ("by the operator alone", message({1: operator}), {}, "malformed-message"),
        ("two bodies", message({1: operator, 2: twice}), {}, "exception-bodies"),
        ("the operator's hand twice", message({1: operator, 2: operator}), {}, "unknown-signer"),
        ("a bit of a signature flipped", message({1: operator, 2: flipped}), {}, "bad-signature"),
        ("signed as an approval", by_hands("approval", body, BOTH), {}, "bad-signature"),
        ("for the round after", by_hands("exception", body, BOTH), {"round": 8}, "exception-round"),
        (
            "for the version before",
            by_hands("exception", body, BOTH),
            {"version": 4},
            "exception-version",
        ),
        (
            "one more member",
            by_hands("exception", body, BOTH),
            {"members": [*CLIENTS, "delhi"]},
            "exception-clients",
        ),
        (
            "one member less",
            by_hands("exception", body, BOTH),
            {"members": CLIENTS[:2]},
            "exception-clients",
        ),
        ("below the floor", unlikely, {"members": ["athens"]}, "min-cohort"),
    ]
    words: list[tuple[str, dict[str, Field], str]] = [
        ("of another study", {"study": "lungs"}, "exception-study"),
        ("of another manifest", {"manifest": secret("x")}, "exception-study"),
        ("for a stranger", {"clients": ["athens", "essen"]}, "unknown-client"),
    ]
    for comment, one, rule in words:
        hands.append((comment, by_hands("exception", exception(**one), BOTH), {}, rule))
    tests = [_valid("by operator and officer", body, {}), _in_round_zero()]
    for comment, signed, freeze, rule in hands:
        given = {"manifest": OFFICER, "exception": signed.hex(), **FREEZE, **freeze}
        tests.append(invalid(comment, given, rule))
    return [*tests, _without_officer()]


def _in_round_zero() -> Test:
    """The one whose numbers are defaults, and so not written."""
    everybody = [*CLIENTS, "delhi"]
    body = exception(round=0, version=0, clients=everybody)
    freeze = {"round": 0, "version": 0, "members": everybody}
    return _valid("for round 0, version 0 and everybody", body, freeze)


def _valid(comment: str, body: Message, freeze: dict[str, Any]) -> Test:
    signed = by_hands("exception", body, BOTH).hex()
    named = digest("exception", body).hex()
    given = {"manifest": OFFICER, "exception": signed, **FREEZE, **freeze}
    return {"comment": comment, **given, "digest": named, "result": "valid"}


def _without_officer() -> Test:
    name = "without an officer"
    body = exception(manifest=digest("manifest", MANIFESTS[name]))
    given = {"manifest": name, "exception": by_hands("exception", body, BOTH).hex(), **FREEZE}
    return invalid("in a study without an officer", given, "exception-without-officer")


def document() -> dict[str, Any]:
    """The whole file, in Wycheproof's shape."""
    tests = exception_tests()
    for number, test in enumerate(tests, start=1):
        test["tcId"] = number
    return {
        "algorithm": "Blindsum exceptions, version 1",
        "provenance": "tests/vectors/generate_exceptions.py, by tests/independent: a second "
        "implementation from docs/specification.md, with hashlib and pycryptodome",
        "numberOfTests": len(tests),
        "testGroups": [{"type": "exception", "manifests": signed_manifests(), "tests": tests}],
    }


def render() -> str:
    """The file's text."""
    return json.dumps(document(), indent=1) + "\n"


if __name__ == "__main__":
    VECTORS.write_text(render(), encoding="utf-8")
