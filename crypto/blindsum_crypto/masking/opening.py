"""The opening of a masked sum: secrets from leaves, their commitments, unmasking, the gates.

After Bonawitz et al. (CCS 2017, section 4, round 4). The self masks of all members go, and the
masks that members shared with whoever is absent; those between members cancelled in the sum.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from blindsum_crypto.errors import Refused, Rejected
from blindsum_crypto.execution import ALONE, Execution
from blindsum_crypto.masking.pairs import ENTRY_BYTES, read_pair_table
from blindsum_crypto.masking.round import MaskingRound
from blindsum_crypto.masking.secrets import Bytes, Secrets
from blindsum_crypto.masking.summing import MaskingSumming
from blindsum_crypto.masking.unmasking import unmask
from blindsum_crypto.masking.values import Gates
from blindsum_crypto.primitives import KEY_BYTES
from blindsum_crypto.seal import Accumulator, Integers, SealedMember, sum_bound


class MaskingAggregatorSeal(MaskingSumming):
    """The aggregator in one round; see `blindsum_crypto.seal.AggregatorSeal`.

    Args:
        round_: The round.
    """

    def __init__(self, round_: MaskingRound) -> None:
        super().__init__(round_.parameters, round_.vector_length, round_.cohort)
        self._round = round_
        self._places = {client: place for place, client in enumerate(round_.cohort)}

    def part_bytes(self, members: int) -> int:
        """32 bytes for the self mask of each member, and for each pair with who is absent."""
        return KEY_BYTES * members * (1 + len(self._cohort) - members)

    def needed(
        self, members: Iterable[SealedMember], frozen: Collection[str]
    ) -> list[SealedMember]:
        """What an opening needs of each member: of its pair table, the entries of who is absent.

        Args:
            members: Read one after the other, each with its whole pair table.
            frozen: The clients of the frozen set.

        Raises:
            Refused: `not-invited`.
            Rejected: `pair-table-length`.
        """
        absent = self._absent(frozen)
        return [
            replace(member, pair_table=self._entries(member, absent).tobytes())
            for member in members
        ]

    def open(
        self,
        accumulator: Accumulator,
        members: Sequence[SealedMember],
        parts: Mapping[int, bytes],
        execution: Execution = ALONE,
    ) -> Integers:
        """Open the sum of exactly the members' payloads: nothing is unmasked by a false secret.

        Args:
            accumulator: As `zero` makes it and `add` fills it; it is left as it is.
            members: The frozen set, ascending by client; pair tables whole, or as `needed` cuts
                them.
            parts: The released bytes of every part of the committee.
            execution: How it is carried out.

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
            Cancelled: when it was ended before its time.
        """
        round_ = self._round
        self._check_accumulator(accumulator)
        bounds = len(members), round_.coordinate_bound, round_.round_bound
        round_.parameters.check_sum(*bounds)
        secrets = self._secrets(members, parts)
        secrets.check(round_.round_id)
        gates = Gates(round_.parameters, round_.vector_length, sum_bound(*bounds))

        def load(where: slice, words: Accumulator) -> None:
            words[:] = accumulator[where]

        unmask(load, accumulator.dtype, secrets.masks(), gates, execution)
        return gates.opened()

    def _secrets(self, members: Sequence[SealedMember], parts: Mapping[int, bytes]) -> Secrets:
        names = [member.client for member in members]
        if names != sorted(set(names)):
            raise Refused("members-order", "expected members ascending, each once")
        absent = self._absent(names)
        self._round.committee.check_parts(parts)
        leaves = self._combined(parts, len(members), 1 + len(absent))
        entries = np.empty((len(members), len(absent), 2, KEY_BYTES), np.uint8)
        for row, member in enumerate(members):
            entries[row] = self._entries(member, absent)
        return Secrets.of(members, absent, leaves, entries)

    def _absent(self, frozen: Collection[str]) -> list[str]:
        members = set(frozen)
        strangers = members.difference(self._cohort)
        if strangers:
            raise Refused("not-invited", f"expected clients of the cohort, got {sorted(strangers)}")
        return [client for client in self._cohort if client not in members]

    def _combined(self, parts: Mapping[int, bytes], members: int, labels: int) -> Bytes:
        """K(label) for every member and label: uint8, shape (members, labels, 32)."""
        expected = self.part_bytes(members)
        total = np.zeros((members, labels, KEY_BYTES), np.uint8)
        for part in parts.values():
            if len(part) != expected:
                raise Rejected("part-length", f"expected {expected} bytes, got {len(part)}")
            total ^= np.frombuffer(part, np.uint8).reshape(total.shape)
        return total

    def _entries(self, member: SealedMember, absent: Sequence[str]) -> Bytes:
        """ct_ij and h_ij of a member for everybody absent: uint8, shape (absent, 2, 32)."""
        if len(member.pair_table) == len(absent) * ENTRY_BYTES:
            # As `needed` cut it. A whole table is as long only where everybody else is absent.
            return read_pair_table(member.pair_table, len(absent))
        table = read_pair_table(member.pair_table, len(self._cohort) - 1)
        columns = np.array([self._places[client] for client in absent], np.intp)
        # A table has no entry of its own client: behind it every peer stands one earlier.
        return table[columns - (columns > self._places[member.client])]
