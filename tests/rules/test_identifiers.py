"""Identifiers are short and printable, and lists of them ascend bytewise."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blindsum_crypto.errors import Rejected
from blindsum_rules.identifiers import check_identifier, check_sorted_distinct


@pytest.mark.parametrize("name", ["a", "0", "va-long-beach", "a.b_c-d", "x" * 63])
def test_identifiers_pass(name: str) -> None:
    assert check_identifier(name, "client") == name


@pytest.mark.parametrize(
    "name",
    ["", "A", "-a", ".a", "_a", "a b", "a/b", "..", "ä", "a\n", "a\x00", "x" * 64, "\u0661"],
)
def test_everything_else_is_rejected(name: str) -> None:
    with pytest.raises(Rejected) as caught:
        check_identifier(name, "client")
    assert caught.value.rule == "identifier"


@settings(deadline=None)
@given(st.lists(st.from_regex(r"[a-z0-9][a-z0-9._-]{0,3}", fullmatch=True)))
def test_a_list_passes_exactly_when_it_ascends_without_repeats(names: list[str]) -> None:
    ascends = names == sorted(set(names), key=str.encode)
    if ascends:
        check_sorted_distinct(names, "clients")
        return
    with pytest.raises(Rejected) as caught:
        check_sorted_distinct(names, "clients")
    assert caught.value.rule == "sorted-distinct"
