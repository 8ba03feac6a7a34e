"""The opening of a masked sum: secrets from leaves, their commitments, unmasking, the gates.

After Bonawitz et al. (CCS 2017, section 4, round 4). The self masks of all members go, and the
masks that members shared with whoever is absent; those between members cancelled in the sum.
"""

import hmac
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from blindsum_crypto.errors import Refused, Rejected
from blindsum_crypto.masking.masks import apply_masks
from blindsum_crypto.masking.pairs import (
    adds,
    pair_commitment,
    read_pair_table,
    self_commitment,
)
from blindsum_crypto.masking.round import MaskingRound
from blindsum_crypto.masking.summing import MaskingSumming
from blindsum_crypto.masking.values import opened
from blindsum_crypto.primitives import KEY_BYTES
from blindsum_crypto.seal import (
    Accumulator,
    FalseCommitments,
    Integers,
    SealedMember,
    sum_bound,
)

Bytes = npt.NDArray[np.uint8]


class MaskingAggregatorSeal(MaskingSumming):
    """The aggregator in one round; see `blindsum_crypto.seal.AggregatorSeal`.

    Args:
        round_: The round.
    """

    def __init__(self, round_: MaskingRound) -> None:
        super().__init__(round_.parameters, round_.vector_length, round_.cohort)
        self._round = round_

    def part_bytes(self, members: int) -> int:
        """32 bytes for the self mask of each member, and for each pair with who is absent."""
        return KEY_BYTES * members * (1 + len(self._cohort) - members)

    def open(
        self,
        accumulator: Accumulator,
        members: Sequence[SealedMember],
        parts: Mapping[int, bytes],
    ) -> Integers:
        """Open the sum of exactly the members' payloads.

        Args:
            accumulator: As `zero` makes it and `add` fills it; it is left as it is.
            members: The frozen set, ascending by client.
            parts: The released bytes of every part of the committee.

        Returns:
            The sum, int64, shape (vector_length,).

        Raises:
            Refused: `missing-part`, `unknown-part`, `client-count`, `field-overflow` when so many
                members could overflow, `members-order`, `not-invited`, `accumulator-shape`.
            Rejected: `part-length`, `pair-table-length`.
            FalseCommitments: `self-commitment` or `pair-commitment`, when a secret is not the one
                that its client committed to: a part is wrong, or the client lied.
            Aborted: `padding-gate` when the zeros behind the vector are none, `range-gate` when a
                sum exceeds its bound: a contribution is garbage.
        """
        round_ = self._round
        self._check_accumulator(accumulator)
        bounds = len(members), round_.coordinate_bound, round_.round_bound
        round_.parameters.check_sum(*bounds)
        secrets = self._secrets(members, parts)
        secrets.check(round_.round_id)
        words = accumulator.copy()
        apply_masks(words, *secrets.keys_by_sign())
        return opened(words, round_.parameters, round_.vector_length, sum_bound(*bounds))

    def _secrets(self, members: Sequence[SealedMember], parts: Mapping[int, bytes]) -> "_Secrets":
        names = [member.client for member in members]
        if names != sorted(set(names)):
            raise Refused("members-order", "expected members ascending, each once")
        strangers = set(names).difference(self._cohort)
        if strangers:
            raise Refused("not-invited", f"expected clients of the cohort, got {sorted(strangers)}")
        absent = [client for client in self._cohort if client not in set(names)]
        self._round.committee.check_parts(parts)
        leaves = self._combined(parts, len(members), 1 + len(absent))
        return _Secrets(members, absent, leaves, self._entries(members, absent))

    def _combined(self, parts: Mapping[int, bytes], members: int, labels: int) -> Bytes:
        """K(label) for every member and label: uint8, shape (members, labels, 32)."""
        expected = self.part_bytes(members)
        total = np.zeros((members, labels, KEY_BYTES), np.uint8)
        for part in parts.values():
            if len(part) != expected:
                raise Rejected("part-length", f"expected {expected} bytes, got {len(part)}")
            total ^= np.frombuffer(part, np.uint8).reshape(total.shape)
        return total

    def _entries(self, members: Sequence[SealedMember], absent: Sequence[str]) -> Bytes:
        """ct_ij and h_ij of every member for everybody absent: (members, absent, 2, 32)."""
        places = {client: place for place, client in enumerate(self._cohort)}
        columns = np.array([places[client] for client in absent], np.intp)
        entries = np.empty((len(members), len(absent), 2, KEY_BYTES), np.uint8)
        for row, member in enumerate(members):
            table = read_pair_table(member.pair_table, len(self._cohort) - 1)
            # A table has no entry of its own client: behind it every peer stands one earlier.
            entries[row] = table[columns - (columns > places[member.client])]
        return entries


@dataclass(frozen=True, slots=True)
class _Secrets:
    """The secrets that one set of parts gives, right or wrong; the repr shows none.

    Attributes:
        members: The frozen set.
        absent: Who was invited and is not in it.
        leaves: K_i(self), then K_i(pair/j) for everybody absent: uint8, (members, 1 + absent, 32).
        entries: ct_ij and h_ij for everybody absent: uint8, (members, absent, 2, 32).
    """

    members: Sequence[SealedMember]
    absent: Sequence[str]
    leaves: Bytes = field(repr=False)
    entries: Bytes = field(repr=False)

    def check(self, round_id: bytes) -> None:
        """Check every secret against what its client committed to.

        Raises:
            FalseCommitments: with everybody whose commitment does not hold.
        """
        false = [
            member.client
            for member, own in zip(self.members, self._own(), strict=True)
            if not hmac.compare_digest(
                self_commitment(round_id, member.client, own), member.self_commitment
            )
        ]
        if false:
            raise FalseCommitments("self-commitment", false)
        stated = self.entries[:, :, 1]
        false = [
            self.members[row].client
            for row, column, key in self._pairs()
            if not hmac.compare_digest(
                pair_commitment(round_id, key), stated[row, column].tobytes()
            )
        ]
        if false:
            raise FalseCommitments("pair-commitment", false)

    def keys_by_sign(self) -> tuple[list[bytes], list[bytes]]:
        """Which masks are added and which subtracted, so that those in the sum vanish."""
        plus: list[bytes] = []
        minus = list(self._own())
        for row, column, key in self._pairs():
            is_added = adds(self.members[row].client, self.absent[column])
            (minus if is_added else plus).append(key)
        return plus, minus

    def _own(self) -> Iterator[bytes]:
        return (row.tobytes() for row in self.leaves[:, 0])

    def _pairs(self) -> Iterator[tuple[int, int, bytes]]:
        keys = self.leaves[:, 1:] ^ self.entries[:, :, 0]
        for row, column in np.ndindex(*keys.shape[:2]):
            yield row, column, keys[row, column].tobytes()
