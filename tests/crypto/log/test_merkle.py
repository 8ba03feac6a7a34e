"""The Merkle tree of RFC 6962: Certificate Transparency's vectors, and proofs of every leaf."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blindsum_crypto.errors import Refused, Rejected
from blindsum_crypto.log.merkle import inclusion_proof, leaf_hash, node_hash, root, verify_inclusion

# The eight leaves of certificate-transparency's tests, and the roots of their first 1 to 8.
LEAVES = [
    b"",
    b"\x00",
    b"\x10",
    b"\x20\x21",
    b"\x30\x31",
    b"\x40\x41\x42\x43",
    bytes(range(0x50, 0x58)),
    bytes(range(0x60, 0x70)),
]
ROOT_BEGINNINGS = [
    "6e340b9c",
    "fac54203",
    "aeb6bcfe",
    "d37ee418",
    "4e3bbb1f",
    "76e67dad",
    "ddb89be4",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def plain_root(leaves: list[bytes]) -> bytes:
    """RFC 6962, section 2.1, word for word."""
    if len(leaves) == 0:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    halves = plain_root(leaves[:split]) + plain_root(leaves[split:])
    return hashlib.sha256(b"\x01" + halves).digest()


@pytest.mark.parametrize("size", range(1, 9))
def test_the_roots_are_those_of_certificate_transparency(size: int) -> None:
    assert root(LEAVES[:size]).hex().startswith(ROOT_BEGINNINGS[size - 1])


def test_the_root_of_nothing_is_the_digest_of_nothing() -> None:
    assert root([]).hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@given(st.lists(st.binary(max_size=5), max_size=70))
def test_the_streamed_root_is_the_recursive_one(leaves: list[bytes]) -> None:
    assert root(iter(leaves)) == plain_root(leaves)


@given(st.lists(st.binary(max_size=5), min_size=1, max_size=40), st.data())
def test_every_leaf_proves_its_place_and_no_other(leaves: list[bytes], data: st.DataObject) -> None:
    size = len(leaves)
    index = data.draw(st.integers(0, size - 1))
    proof = inclusion_proof(leaves, index)
    verify_inclusion(root(leaves), leaves[index], index, size, proof)
    for claimed in range(size):
        if leaves[claimed] != leaves[index]:
            with pytest.raises(Rejected) as caught:
                verify_inclusion(root(leaves), leaves[claimed], index, size, proof)
            assert caught.value.rule == "inclusion-proof"


@pytest.mark.parametrize("size", range(1, 9))
def test_a_proof_that_was_changed_cut_or_moved_is_rejected(size: int) -> None:
    leaves = LEAVES[:size]
    for index in range(size):
        proof = list(inclusion_proof(leaves, index))
        attempts: list[tuple[bytes, int, int, list[bytes]]] = [
            (leaves[index] + b"x", index, size, proof),
            (leaves[index], index, size, [*proof, bytes(32)]),
            (leaves[index], size, size, proof),
            (leaves[index], -1, size, proof),
        ]
        if proof:
            attempts.append((leaves[index], index, size, proof[:-1]))
            attempts.append((leaves[index], index ^ 1, size, proof))
        for place in range(len(proof)):
            changed = [*proof[:place], bytes(32), *proof[place + 1 :]]
            attempts.append((leaves[index], index, size, changed))
        for leaf, claimed, claimed_size, path in attempts:
            with pytest.raises(Rejected) as caught:
                verify_inclusion(root(leaves), leaf, claimed, claimed_size, path)
            assert caught.value.rule == "inclusion-proof"


def test_an_inner_node_does_not_pass_for_a_leaf() -> None:
    left, right = leaf_hash(b"a"), leaf_hash(b"b")
    assert root([b"a", b"b"]) == node_hash(left, right)
    assert root([left + right]) != root([b"a", b"b"])


@pytest.mark.parametrize("index", [-1, 8])
def test_a_proof_for_no_leaf_is_refused(index: int) -> None:
    with pytest.raises(Refused) as caught:
        inclusion_proof(LEAVES, index)
    assert caught.value.rule == "leaf-index"
