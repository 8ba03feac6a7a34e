"""What an exception says, for which freeze it is, and what it gives away."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from blindsum_crypto.errors import BlindsumError, Refused
from blindsum_rules.differencing import check_exception_fits, check_exception_words
from blindsum_rules.exception import DifferencingException, given_away

if TYPE_CHECKING:
    from tests.rules.conftest import SmallStudy

NAMES = frozenset(f"client-{index:02}" for index in range(12))
SET = frozenset({"a", "b", "c"})
EXCEPTION = DifferencingException("small-study", 9, 2, ("a", "b", "c"), "spoiled", bytes(32))


def test_an_exception_fits_its_round_version_and_set() -> None:
    check_exception_fits(EXCEPTION, 9, 2, SET)


@pytest.mark.parametrize(
    ("number", "version", "clients", "rule"),
    [
        (8, 2, SET, "exception-round"),
        (10, 2, SET, "exception-round"),
        (9, 1, SET, "exception-version"),
        (9, 2, SET | {"d"}, "exception-clients"),
        (9, 2, SET - {"c"}, "exception-clients"),
        (9, 2, frozenset(), "exception-clients"),
    ],
)
def test_an_exception_fits_no_other_freeze(
    number: int, version: int, clients: frozenset[str], rule: str
) -> None:
    with pytest.raises(Refused) as caught:
        check_exception_fits(EXCEPTION, number, version, clients)

    assert caught.value.rule == rule


@pytest.mark.parametrize(
    ("now", "earlier", "words"),
    [
        ({"a", "b", "c"}, {"a", "b", "c", "d"}, "the contribution of d alone"),
        ({"a", "b", "c"}, {"a", "b"}, "the contribution of c alone"),
        ({"a", "b"}, {"a", "b", "c", "d"}, "the sum over c, d"),
        (
            {"a", "b", "c"},
            {"b", "c", "d"},
            "the contribution of d alone less the contribution of a alone",
        ),
        (
            {"a"},
            {"a"} | NAMES,
            f"the sum over {', '.join(sorted(NAMES)[:10])} and 2 more",
        ),
    ],
)
def test_the_difference_of_two_sums_is_said_in_words(
    now: set[str], earlier: set[str], words: str
) -> None:
    assert given_away(frozenset(now), frozenset(earlier)) == words


def test_an_exception_lifts_no_floor(study: "SmallStudy") -> None:
    digest = study.manifest.digest
    fewest = study.body.min_cohort
    body = replace(EXCEPTION, clients=tuple(study.clients[:fewest]), manifest_digest=digest)
    check_exception_words(body, study.body, digest)
    few = replace(body, clients=body.clients[1:])
    alone = replace(study.body, min_organisations=fewest + 1)

    def rule_of(*said: Any) -> str:  # noqa: ANN401
        with pytest.raises(BlindsumError) as caught:
            check_exception_words(*said)
        return caught.value.rule

    assert rule_of(few, study.body, digest) == "min-cohort"
    assert rule_of(body, alone, digest) == "min-organisations"
    assert rule_of(body, replace(study.body, officer=None), digest) == "exception-without-officer"
