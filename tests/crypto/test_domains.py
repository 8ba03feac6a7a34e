"""The one table of domains and the one tree of errors."""

import pytest

from blindsum_crypto import domains
from blindsum_crypto.errors import Aborted, BlindsumError, Refused, Rejected, Unavailable

TABLE = {name: value for name, value in vars(domains).items() if name.isupper()}


def test_no_two_uses_share_a_string() -> None:
    assert len(TABLE) >= 30
    assert len(set(TABLE.values())) == len(TABLE)


def test_every_domain_names_the_product_and_the_version() -> None:
    for name, value in TABLE.items():
        if not name.startswith("LABEL_"):
            assert value.startswith("blindsum/v1/")
            assert value == value.lower()


@pytest.mark.parametrize("kind", [Refused, Rejected, Aborted, Unavailable])
def test_an_error_carries_its_rule_and_what_was_expected(kind: type[BlindsumError]) -> None:
    error = kind("rule-name", "expected this")
    assert (error.rule, error.expected) == ("rule-name", "expected this")
    assert str(error) == "rule-name: expected this"
    assert isinstance(error, BlindsumError)
