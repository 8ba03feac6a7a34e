"""Which freezes count as released, whatever the aggregator says it did with them (threat T5)."""

import pytest

from blindsum_rules.close import Close
from blindsum_rules.differencing import counts_as_released
from blindsum_rules.signed import Signed


def close(custodian: int, freeze_digest: bytes) -> Signed[Close]:
    return Signed(
        Close("small-study", 0, freeze_digest, f"custodian-{custodian}", bytes(32)),
        b"",
        f"custodian-{custodian}",
        b"",
    )


F, G = b"F" * 32, b"G" * 32


@pytest.mark.parametrize(
    ("named", "released"),
    [
        ([], True),
        ([b"", b""], True),
        ([b"", b"", b""], False),
        ([b"", b"", b"", b""], False),
        ([F, b"", b""], True),
        ([F, b"", b"", b""], False),
        ([F, F, b"", b""], True),
        ([F, F, F, F], True),
        ([G, G, G], False),
        ([G, G, F, b""], False),
        ([G, G, F, F], True),
    ],
)
def test_a_freeze_counts_as_released_until_a_quorum_of_closes_does_not_name_it(
    named: list[bytes],
    released: bool,  # noqa: FBT001 - a case of the table, never a caller's
) -> None:
    closes = [close(index, digest) for index, digest in enumerate(named)]
    assert counts_as_released(F, closes, 3) is released


def test_one_custodian_that_closes_often_does_not_clear_a_freeze() -> None:
    assert counts_as_released(F, [close(0, b"")] * 3, 3)


def test_a_custodian_that_named_a_freeze_once_named_it() -> None:
    two_faced = [close(0, F), close(0, b""), close(1, b""), close(2, b"")]
    assert counts_as_released(F, two_faced, 3)


@pytest.mark.parametrize(("custodians", "threshold", "quorum"), [(4, 2, 3), (7, 3, 5), (1, 1, 1)])
def test_an_endorsed_freeze_is_never_cleared_while_fewer_than_t_lie(
    custodians: int, threshold: int, quorum: int
) -> None:
    """Third script: an endorsed freeze is said to be aborted, or a quorum that missed it closes.

    Every quorum of closes contains an honest endorser, whose close names the freeze.
    """
    liars = frozenset(range(threshold - 1))
    for endorsers in _subsets(custodians, quorum):
        honest_endorsers = endorsers - liars
        for closers in _subsets(custodians, quorum):
            closes = [close(one, F if one in honest_endorsers else b"") for one in closers]
            assert counts_as_released(F, closes, quorum)


def test_with_a_quorum_below_the_rule_an_endorsed_freeze_can_be_cleared() -> None:
    """The control of the test before: (4, 2) with a quorum of 2."""
    closes = [close(2, b""), close(3, b"")]  # 0 and 1 endorsed
    assert not counts_as_released(F, closes, 2)


def _subsets(size: int, count: int) -> list[frozenset[int]]:
    masks = range(1 << size)
    chosen = [frozenset(one for one in range(size) if mask >> one & 1) for mask in masks]
    return [subset for subset in chosen if len(subset) == count]
