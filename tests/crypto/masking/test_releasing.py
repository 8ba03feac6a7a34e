"""The custodian's half of masking: leaves for the frozen set and nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blindsum_crypto.custody import leaf
from blindsum_crypto.errors import BlindsumError, Refused
from blindsum_crypto.masking.releasing import MaskingCustodianSeal

ROUND_ID = b"r" * 32
NAMES = [f"client-{number:02}" for number in range(12)]


def seed_of(name: str) -> bytes:
    return name.encode().ljust(32, b".")


@given(st.sets(st.sampled_from(NAMES), min_size=1))
def test_exactly_the_leaves_of_the_set_are_released(members: set[str]) -> None:
    """A pure function of U: self leaves of members, and their pairs with whoever is absent."""
    absent = [name for name in NAMES if name not in members]
    held = [(name, seed_of(name)) for name in sorted(members)]

    released = MaskingCustodianSeal(ROUND_ID).release(1, held, absent)

    leaves = [released[start : start + 32] for start in range(0, len(released), 32)]
    expected = [
        leaf(seed_of(name), ROUND_ID, name, label)
        for name in sorted(members)
        for label in ("self", *(f"pair/{peer}" for peer in absent))
    ]
    assert leaves == expected
    never = {
        leaf(seed_of(name), ROUND_ID, name, f"pair/{peer}") for name in members for peer in members
    } | {leaf(seed_of(name), ROUND_ID, name, "self") for name in absent}
    assert never.isdisjoint(leaves)


@pytest.mark.parametrize(
    ("members", "absent", "rule"),
    [
        ([], ["c"], "no-members"),
        (["a", "b"], ["b"], "absent-member"),
        (["b", "a"], [], "members-order"),
        (["a", "a"], [], "members-order"),
    ],
)
def test_a_crooked_set_is_refused(members: list[str], absent: list[str], rule: str) -> None:
    with pytest.raises(Refused) as caught:
        MaskingCustodianSeal(ROUND_ID).release(1, [(one, seed_of(one)) for one in members], absent)
    assert caught.value.rule == rule


@pytest.mark.parametrize("length", [0, 31, 33])
def test_a_seed_of_a_wrong_length_is_rejected(length: int) -> None:
    with pytest.raises(BlindsumError) as caught:
        MaskingCustodianSeal(ROUND_ID).release(1, [("a", bytes(length))], [])
    assert caught.value.rule == "seed-length"


def test_another_round_or_seed_gives_other_leaves() -> None:
    held = [("a", seed_of("a"))]
    one = MaskingCustodianSeal(ROUND_ID).release(1, held, ["b"])
    assert one != MaskingCustodianSeal(b"s" * 32).release(1, held, ["b"])
    assert one != MaskingCustodianSeal(ROUND_ID).release(1, [("a", seed_of("x"))], ["b"])
