"""The secrets of one opening: what the leaves give, held against what every client committed to."""

import hmac
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Self

import numpy as np
import numpy.typing as npt

from blindsum_crypto.masking.masks import Flags, Masks
from blindsum_crypto.masking.pairs import adds, pair_commitment, self_commitment
from blindsum_crypto.primitives import KEY_BYTES
from blindsum_crypto.seal import FalseCommitments, SealedMember

Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Secrets:
    """The secrets that one set of parts gives, right or wrong; the repr shows none.

    Attributes:
        members: The frozen set.
        absent: Who was invited and is not in it.
        own: K_i(self): uint8, shape (members, 32).
        pairs: k_ij for everybody absent: uint8, shape (members, absent, 32).
        stated: h_ij for everybody absent: uint8, shape (members, absent, 32).
    """

    members: Sequence[SealedMember]
    absent: Sequence[str]
    own: Bytes = field(repr=False)
    pairs: Bytes = field(repr=False)
    stated: Bytes = field(repr=False)

    @classmethod
    def of(
        cls, members: Sequence[SealedMember], absent: Sequence[str], leaves: Bytes, entries: Bytes
    ) -> Self:
        """From leaves and pair tables.

        Args:
            members: The frozen set.
            absent: Who was invited and is not in it.
            leaves: K_i(self), then K_i(pair/j) for everybody absent: (members, 1 + absent, 32).
            entries: ct_ij and h_ij for everybody absent: (members, absent, 2, 32).
        """
        pairs = leaves[:, 1:] ^ entries[:, :, 0]
        return cls(members, absent, leaves[:, 0], pairs, entries[:, :, 1])

    def check(self, round_id: bytes) -> None:
        """Check every secret against what its client committed to: before a mask is made of it.

        Raises:
            FalseCommitments: with everybody whose commitment does not hold.
        """
        false = [
            member.client
            for member, own in zip(self.members, self.own, strict=True)
            if not hmac.compare_digest(
                self_commitment(round_id, member.client, own.tobytes()), member.self_commitment
            )
        ]
        if false:
            raise FalseCommitments("self-commitment", false)
        false = [
            self.members[row].client
            for row, key, stated in self._pairs()
            if not hmac.compare_digest(pair_commitment(round_id, key), stated)
        ]
        if false:
            raise FalseCommitments("pair-commitment", false)

    def masks(self) -> Masks:
        """The masks that take everything off the sum that members have put on it."""
        added = np.array(
            # What a member added is subtracted, and the other way round.
            [[not adds(one.client, peer) for peer in self.absent] for one in self.members],
            np.bool_,
        )
        keys = np.concatenate([self.own, self.pairs.reshape(-1, KEY_BYTES)])
        self_masks: Flags = np.zeros(len(self.own), np.bool_)
        return Masks(keys, np.concatenate([self_masks, added.reshape(-1)]))

    def _pairs(self) -> Iterator[tuple[int, bytes, bytes]]:
        for row, (keys, stated) in enumerate(zip(self.pairs, self.stated, strict=True)):
            for key, digest in zip(keys, stated, strict=True):
                yield row, key.tobytes(), digest.tobytes()
