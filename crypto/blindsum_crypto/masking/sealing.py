"""The client's half of masking: y_i = x_i + PRG(K_i(self)) + sum over j of +-PRG(k_ij) mod 2^b.

After Bonawitz et al. (CCS 2017, section 4): the masks of pairs cancel in the sum, the self mask
protects whoever is late. One message: what recovers the masks lies with the custodians already.
Every mask key fits one vector only, as a second one would give away the difference of the two.
"""

import hmac

import numpy as np

from blindsum_crypto.custody import CustodySeeds, UsedSeeds
from blindsum_crypto.errors import Refused
from blindsum_crypto.execution import Course, Execution
from blindsum_crypto.masking.masks import Masks, MaskStreams, chunk_slices
from blindsum_crypto.masking.pairs import (
    Agreements,
    keys_by_sign,
    pair_table,
    self_commitment,
    self_secret,
)
from blindsum_crypto.masking.parameters import CHUNK_VALUES
from blindsum_crypto.masking.round import MaskingRound
from blindsum_crypto.masking.summing import MaskingSumming
from blindsum_crypto.masking.unmasking import unmask
from blindsum_crypto.masking.values import Gates, narrow
from blindsum_crypto.packing import PackedRoom, pack_chunk, packed_bytes
from blindsum_crypto.randomness import Randomness
from blindsum_crypto.seal import Accumulator, FalseCommitments, Integers, SealedVector


class MaskingClientSeal:
    """A client in one round; see `blindsum_crypto.seal.ClientSeal`.

    Args:
        round_: The round.
        agreements: The client's agreements with its peers.
        workers: Threads that share the chunks of a vector; the bytes are the same with any number.
    """

    def __init__(self, round_: MaskingRound, agreements: Agreements, workers: int = 1) -> None:
        self._round = round_
        self._execution = Execution(workers)
        self._agreements = agreements
        self._summing = MaskingSumming(round_.parameters, round_.vector_length, round_.cohort)
        self._used = UsedSeeds()

    @property
    def payload_bytes(self) -> int:
        """The exact length of every payload of the round."""
        return self._summing.payload_bytes

    def seal(
        self,
        values: Integers,
        client: str,
        seeds: CustodySeeds,
        randomness: Randomness,  # noqa: ARG002 - of the door: the seeds are all that is drawn
    ) -> SealedVector:
        """Mask the vector.

        Args:
            values: int64, shape (vector_length,).
            client: The client's permanent id, that of the agreements.
            seeds: Fresh seeds of every part of the committee.
            randomness: Draws nothing.

        Returns:
            The payload, h_i and the pair table.

        Raises:
            Refused: `vector-shape`, `coordinate-bound`, `missing-seed`, `not-invited`,
                `other-client`; `seeds-used-twice` when this object has sealed under these seeds
                before; `unknown-peer`.
            Rejected: `small-order-key`.
        """
        round_ = self._round
        if values.shape != (round_.vector_length,) or values.dtype != np.int64:
            raise Refused("vector-shape", f"expected int64 of shape ({round_.vector_length},)")
        seeds = seeds.of(round_.committee.parts)
        pair_secrets = self._pair_secrets(client)
        own = self_secret(seeds, round_.round_id, client)
        payload = self._masked(values, Masks.of(*keys_by_sign(client, own, pair_secrets)))
        self._used.use(round_.round_id, client, seeds)
        return SealedVector(
            payload,
            self_commitment(round_.round_id, client, own),
            pair_table(client, seeds, round_.round_id, pair_secrets),
        )

    def open_own(self, sealed: SealedVector, client: str, seeds: CustodySeeds) -> Integers:
        """Take one's own masks off again, through the gates of a sum, before it is sent.

        Args:
            sealed: What `seal` gave.
            client: The same id.
            seeds: The same seeds.

        Returns:
            int64, shape (vector_length,).

        Raises:
            Refused: `missing-seed`, `not-invited`, `other-client`.
            Rejected: `payload-length`, `padding-bits`.
            Aborted: `self-commitment`, `pair-commitment`, `padding-gate`, `range-gate`.
        """
        round_ = self._round
        seeds = seeds.of(round_.committee.parts)
        pair_secrets = self._pair_secrets(client)
        own = self_secret(seeds, round_.round_id, client)
        commitment = self_commitment(round_.round_id, client, own)
        if not hmac.compare_digest(commitment, sealed.self_commitment):
            raise FalseCommitments("self-commitment", [client])
        table = pair_table(client, seeds, round_.round_id, pair_secrets)
        if not hmac.compare_digest(table, sealed.pair_table):
            raise FalseCommitments("pair-commitment", [client])
        plus, minus = keys_by_sign(client, own, pair_secrets)
        gates = Gates(round_.parameters, round_.vector_length, round_.coordinate_bound)
        packed = self._summing.packed_chunks(sealed.payload)

        def load(where: slice, words: Accumulator) -> None:
            index = where.start // CHUNK_VALUES
            words[:] = self._summing.words(index, packed[index])

        word_type = round_.parameters.word_type
        unmask(load, word_type, Masks.of(minus, plus), gates, self._execution)
        return gates.opened()

    def _masked(self, values: Integers, masks: Masks) -> bytes:
        """Chunk by chunk from integers to the wire.

        Memory traffic: 8 bytes a value in, b bits out; everything else stays in the cache.
        """
        round_ = self._round
        word_type, bits = round_.parameters.word_type, round_.parameters.value_bits
        sent_values = round_.parameters.sent_values(len(values))
        most_values = min(CHUNK_VALUES, sent_values)
        slices = chunk_slices(sent_values)
        payload = PackedRoom(self.payload_bytes)
        course = Course(self._execution, len(slices))

        def stripe(chunks: range) -> None:
            room = np.empty(most_values, word_type)
            streams = MaskStreams(masks, word_type, chunks.start, most_values)
            for index in chunks:
                where = slices[index]
                words = room[: where.stop - where.start]
                narrow(values[where], round_.coordinate_bound, words)
                streams.apply(words, course)
                pack_chunk(words, bits, payload.at(packed_bytes(where.start, bits)))

        course.share(len(slices), stripe, masks.worth(len(values), word_type.itemsize))
        return payload.filled()

    def _pair_secrets(self, client: str) -> dict[str, bytes]:
        if client != self._agreements.client:
            raise Refused("other-client", f"expected {self._agreements.client!r}, got {client!r}")
        peers = self._round.peers(client)
        return {peer: self._agreements.pair_secret(self._round.round_id, peer) for peer in peers}
