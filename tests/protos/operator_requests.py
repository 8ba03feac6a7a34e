"""Requests of the operator drawn, and their fields that are altered one by one."""

from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from tests.protos.amendments import KEY, NAME
from tests.protos.summing import LINE, UINT32

from blindsum_rules.requests import OperatorAction, OperatorRequest

# Path, what is put there, and the field that the error must name.
FIELDS: list[tuple[str, Any, str]] = [
    ("action", "sum-all", "OperatorRequestBody.action"),
    ("manifest_digest", bytes(31), "OperatorRequestBody.manifest_digest"),
    ("exception_digest", bytes(31), "OperatorRequestBody.exception_digest"),
    ("amendment_digest", bytes(31), "OperatorRequestBody.amendment_digest"),
    ("reason", "\x00", "OperatorRequestBody.reason"),
    ("issued_unix", -1, "OperatorRequestBody.issued_unix"),
    ("nonce", bytes(15), "OperatorRequestBody.nonce"),
]


def operator_requests(unix: SearchStrategy[int]) -> SearchStrategy[OperatorRequest]:
    """Anything that the wire can carry: two actions name what comes beside them, no other does."""
    beside = {
        OperatorAction.EXCEPT_ROUND: "exception_digest",
        OperatorAction.AMEND_STUDY: "amendment_digest",
    }
    alone = st.sampled_from(sorted(set(OperatorAction) - set(beside)))
    drawn = {
        "study": NAME,
        "round_number": UINT32,
        "reason": LINE,
        "issued_unix": unix,
        "nonce": st.binary(min_size=16, max_size=16),
        "manifest_digest": KEY,
    }
    naming = [
        st.builds(OperatorRequest, action=st.just(action), **{field: KEY}, **drawn)
        for action, field in beside.items()
    ]
    return st.one_of(st.builds(OperatorRequest, action=alone, **drawn), *naming)
