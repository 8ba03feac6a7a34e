"""The Merkle tree of RFC 6962 (section 2.1): one digest for a list, and proofs of its leaves.

Leaves and inner nodes are hashed under different first bytes, so no inner node passes for a leaf.
The root of no leaves is the digest of nothing.
"""

import hashlib
import hmac
from collections.abc import Iterable, Sequence

from blindsum_crypto.errors import Refused, Rejected


def leaf_hash(leaf: bytes) -> bytes:
    """SHA-256(0x00 || leaf); 32 bytes."""
    return hashlib.sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 || left || right); 32 bytes."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def root(leaves: Iterable[bytes]) -> bytes:
    """The tree's root; 32 bytes. Reads the leaves once and keeps one digest a level."""
    # The stack holds the roots of full subtrees, largest first; equal sizes merge at once, like the
    # carries of a binary counter.
    stack: list[tuple[int, bytes]] = []
    for leaf in leaves:
        size, node = 1, leaf_hash(leaf)
        while stack and stack[-1][0] == size:
            node = node_hash(stack.pop()[1], node)
            size *= 2
        stack.append((size, node))
    if not stack:
        return hashlib.sha256(b"").digest()
    _, node = stack.pop()
    while stack:
        node = node_hash(stack.pop()[1], node)
    return node


def inclusion_proof(leaves: Sequence[bytes], index: int) -> tuple[bytes, ...]:
    """The audit path of one leaf: sibling digests from the leaf upwards.

    Raises:
        Refused: `leaf-index` outside 0..len(leaves)-1.
    """
    if not 0 <= index < len(leaves):
        raise Refused("leaf-index", f"expected 0 to {len(leaves) - 1}, got {index}")
    path: list[bytes] = []
    while len(leaves) > 1:
        split = _split(len(leaves))
        if index < split:
            path.append(root(leaves[split:]))
            leaves = leaves[:split]
        else:
            path.append(root(leaves[:split]))
            leaves, index = leaves[split:], index - split
    return tuple(reversed(path))


def verify_inclusion(
    expected_root: bytes, leaf: bytes, index: int, size: int, proof: Sequence[bytes]
) -> None:
    """Check that the leaf stands at this index of a tree of this size and root.

    Raises:
        Rejected: `inclusion-proof` when it does not, or the proof has a wrong length.
    """
    if not 0 <= index < size:
        raise Rejected("inclusion-proof", f"expected an index below {size}, got {index}")
    sides = _sides(index, size)
    if len(sides) != len(proof):
        raise Rejected("inclusion-proof", f"expected {len(sides)} digests, got {len(proof)}")
    node = leaf_hash(leaf)
    for is_right, sibling in zip(sides, proof, strict=True):
        node = node_hash(sibling, node) if is_right else node_hash(node, sibling)
    if not hmac.compare_digest(node, expected_root):
        raise Rejected("inclusion-proof", "expected a path that leads to the root")


def _split(size: int) -> int:
    """The largest power of two below size."""
    return 1 << ((size - 1).bit_length() - 1)


def _sides(index: int, size: int) -> list[bool]:
    """From the leaf upwards: whether the node is the right child of its parent."""
    sides: list[bool] = []
    while size > 1:
        split = _split(size)
        is_right = index >= split
        sides.append(is_right)
        index, size = (index - split, size - split) if is_right else (index, split)
    return sides[::-1]
