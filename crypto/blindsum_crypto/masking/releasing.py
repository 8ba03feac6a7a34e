"""The custodian's half of masking: leaves for the frozen set, and nothing else, ever.

For every member i of U: leaf_T(self), and leaf_T(pair/j) for everybody j who was invited and is not
in U. Never a pair with both ends in U, never anything for i outside U: from what is released, each
survivor keeps the masks that it shares with every other survivor.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from blindsum_crypto import domains
from blindsum_crypto.custody import SEED_BYTES, leaves
from blindsum_crypto.errors import Refused, Rejected


@dataclass(frozen=True, slots=True)
class MaskingCustodianSeal:
    """A custodian in one round; see `blindsum_crypto.seal.CustodianSeal`.

    Attributes:
        round_id: 32 bytes.
    """

    round_id: bytes

    def release(
        self, part: int, members: Iterable[tuple[str, bytes]], absent: Sequence[str]
    ) -> bytes:
        """The leaves of one part, member after member.

        Args:
            part: The part's bitmask.
            members: Client id and custody seed of this part, for every member of the frozen set,
                ascending by client; read once. Whether the set may be released at all is the
                caller's to decide, before it calls.
            absent: Everybody invited who is not in the set, ascending.

        Returns:
            For each member leaf(self), then leaf(pair/j) for each absent j: 32 bytes each.

        Raises:
            Refused: `no-members`, `members-order`, `absent-member`.
            Rejected: `seed-length`.
        """
        labels = [domains.LABEL_SELF, *(domains.LABEL_PAIR + peer for peer in absent)]
        outside = frozenset(absent)
        released: list[bytes] = []
        before = ""
        for client, seed in members:
            if client <= before:
                raise Refused("members-order", "expected members ascending, each once")
            if client in outside:
                raise Refused("absent-member", f"expected {client!r} in the set or outside it")
            if len(seed) != SEED_BYTES:
                raise Rejected("seed-length", f"expected {SEED_BYTES} bytes for part {part}")
            released.append(leaves(seed, self.round_id, client, labels))
            before = client
        if not released:
            raise Refused("no-members", f"expected members of the frozen set for part {part}")
        return b"".join(released)
