"""Amendments drawn, and their fields that are altered one by one."""

from operator import attrgetter
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from tests.protos.summing import LINE, UINT32

from blindsum_crypto.identity import Identity
from blindsum_protos.convert.signed import sign
from blindsum_rules.amendment import Amendment, NewCommittee, SignedAmendment
from blindsum_rules.manifest import EnrolledClient, EnrolledCustodian

KEY = st.binary(min_size=32, max_size=32)
NAME = st.from_regex(r"[a-z0-9][a-z0-9._-]{0,62}", fullmatch=True)

# Path, what is put there, and the field that the error must name.
FIELDS: list[tuple[str, Any, str]] = [
    ("number", 0, "AmendmentBody.number"),
    ("previous_digest", bytes(31), "AmendmentBody.previous_digest"),
    ("reason", "", "AmendmentBody.reason"),
    ("joined.0.identity", bytes(31), "EnrolledClient.identity"),
    ("joined.0.name", "A", "EnrolledClient.name"),
    ("rotated.0.agreement_key", b"", "EnrolledClient.agreement_key"),
    ("rotated.0.name", "a b", "EnrolledClient.name"),
    ("left", ["b", "a"], "AmendmentBody.left"),
    ("revoked", ["a", "a"], "AmendmentBody.revoked"),
    ("committee.custodians.0.wrap_key", bytes(31), "EnrolledCustodian.wrap_key"),
    ("committee.custodians.0.name", "zzz", "NewCommittee.custodians"),
]


def amendments() -> SearchStrategy[Amendment]:
    """Anything that the wire can carry; whether it may be, the rules say."""
    clients = st.builds(EnrolledClient, NAME, NAME, KEY, KEY, UINT32)
    custodians = st.builds(EnrolledCustodian, NAME, KEY, st.just("x25519"), KEY)
    committees = st.builds(NewCommittee, _ascending(custodians, named=True), UINT32, UINT32)
    return st.builds(
        Amendment,
        study=NAME,
        number=st.integers(1, (1 << 32) - 1),
        previous_digest=KEY,
        reason=LINE,
        joined=_ascending(clients, named=True),
        rotated=_ascending(clients, named=True),
        left=_ascending(NAME, named=False),
        revoked=_ascending(NAME, named=False),
        committee=st.none() | committees,
    )


def signed_amendments(identity: Identity) -> SearchStrategy[tuple[SignedAmendment, ...]]:
    """None, or one by one hand or by two."""
    signed = st.builds(lambda body: sign(body, "operator", identity), amendments())
    return st.lists(st.builds(SignedAmendment, signed, st.none() | signed), max_size=1).map(tuple)


def _ascending(items: SearchStrategy[Any], *, named: bool) -> SearchStrategy[tuple[Any, ...]]:
    order = attrgetter("name") if named else str
    several = st.lists(items, max_size=3, unique_by=order)
    return several.map(lambda found: tuple(sorted(found, key=order)))
