"""Looking clients up by bisection finds exactly who is there."""

from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from blindsum_rules.roster import enrolled_client, is_invited, organisations_of

if TYPE_CHECKING:
    from tests.rules.conftest import SmallStudy

IDS = st.from_regex(r"[a-z0-9][a-z0-9._-]{0,5}", fullmatch=True)


@settings(deadline=None)
@given(st.sets(IDS), IDS)
def test_the_invited_are_found_and_nobody_else(cohort: set[str], name: str) -> None:
    ascending = sorted(cohort, key=str.encode)
    assert all(is_invited(ascending, one) for one in cohort)
    assert is_invited(ascending, name) == (name in cohort)


def test_the_enrolled_are_found_and_nobody_else(study: "SmallStudy") -> None:
    for client in study.body.clients:
        assert enrolled_client(study.body, client.name) is client
    for name in ("", "client", "client-99", "custodian-0", "zzz"):
        assert enrolled_client(study.body, name) is None


def test_organisations_are_counted_once_and_strangers_not_at_all(study: "SmallStudy") -> None:
    found = organisations_of(study.body, ["client-00", "client-00", "client-01", "client-99"])
    assert found == {"organisation-00", "organisation-01"}
