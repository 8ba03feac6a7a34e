"""The custodian's half of CKKS: the sum of its leaves' keys for a frozen set, one part at a time.

A custodian holds no sealed vector and runs no transform: it adds keys that it expands from seeds.
The sum is a function of part, round and members alone, so every twin gives the same bytes and a
retry gives them again. What it reveals beside the sum of keys is nothing: each key is uniform.

Measured (one core of a Xeon, process time, median of 5): 22 us for each member and part in set A,
37 us in set B.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from blindsum_crypto import domains
from blindsum_crypto.ckks.keys import encode_key, sum_of_leaves
from blindsum_crypto.ckks.parameters import CkksParameters
from blindsum_crypto.custody import SEED_BYTES, leaf
from blindsum_crypto.errors import Refused, Rejected


@dataclass(frozen=True, slots=True)
class CkksCustodianSeal:
    """A custodian in one round; see `blindsum_crypto.seal.CustodianSeal`.

    Attributes:
        parameters: The round's parameters; only the ring matters here.
        round_id: 32 bytes.
    """

    parameters: CkksParameters
    round_id: bytes

    def release(
        self,
        part: int,
        members: Iterable[tuple[str, bytes]],
        absent: Sequence[str],  # noqa: ARG002 - of the door: whoever is absent costs nothing here
    ) -> bytes:
        """The sum over the members of expand(leaf of this part), packed; constant memory.

        Args:
            part: The part's bitmask.
            members: Client id and custody seed of this part, for every member of the frozen set,
                each once, in any order; read once. Whether the set may be released at all is the
                caller's to decide, before it calls.
            absent: Who was invited and is not in the set; they play no part in this seal.

        Returns:
            30,720 bytes (A) or 53,248 (B), whatever the vector's length and the set's size.

        Raises:
            Refused: `no-members`.
            Rejected: `seed-length`.
        """
        total = sum_of_leaves(self._leaves(part, members), self.parameters.ring)
        return encode_key(total, self.parameters.ring)

    def _leaves(self, part: int, members: Iterable[tuple[str, bytes]]) -> Iterator[bytes]:
        nobody = True
        for client, seed in members:
            if len(seed) != SEED_BYTES:
                raise Rejected("seed-length", f"expected {SEED_BYTES} bytes for part {part}")
            yield leaf(seed, self.round_id, client, domains.LABEL_CKKS_KEY)
            nobody = False
        if nobody:
            raise Refused("no-members", f"expected members of the frozen set for part {part}")
