"""Sealing: draw seeds, seal the integers, open one's own seal, wrap the seeds, sign the header.

The seeds are drawn here, live in memory while this runs, and are written nowhere. Everything that
leaves is in `SealedContribution`; the outbox persists it before anything is sent.
"""

from dataclasses import dataclass
from typing import cast

import numpy as np
import numpy.typing as npt

from blindsum_client.seals import client_seal
from blindsum_crypto import custody, domains
from blindsum_crypto.custody import CustodySeeds
from blindsum_crypto.errors import BlindsumError, Refused
from blindsum_crypto.identity import Identity
from blindsum_crypto.masking.pairs import Agreements, pair_table_digest
from blindsum_crypto.primitives import DigestStream, WrapSuite, hpke_wrap
from blindsum_crypto.randomness import Randomness
from blindsum_crypto.seal import ClientSeal, SealedVector
from blindsum_protos.convert.contribution import core_header_bytes
from blindsum_protos.convert.signed import sign
from blindsum_rules.header import Contribution, CoreHeader, core_digest, wrap_digest
from blindsum_rules.manifest import Manifest
from blindsum_rules.signed import Signed
from blindsum_rules.spec import Spec


@dataclass(frozen=True, slots=True)
class SealedContribution:
    """What leaves the client, as bytes that never change again.

    Attributes:
        contribution: The signed header.
        wraps: Each custodian's seeds, wrapped to it alone, in manifest order.
        payload: The sealed vector.
        pair_table: Masking: what recovers and compares the pairs; else empty.
    """

    contribution: Signed[Contribution]
    wraps: tuple[bytes, ...]
    payload: bytes
    pair_table: bytes

    def __repr__(self) -> str:
        """Show the lengths alone."""
        return f"SealedContribution(payload_bytes={len(self.payload)}, wraps={len(self.wraps)})"


@dataclass(frozen=True, slots=True)
class Sealer:
    """Who seals, in which study.

    Attributes:
        manifest: The verified manifest.
        client: This client's id.
        identity: Its signing key.
        randomness: Where seeds and the seal's errors come from, fresh for every seal.
        agreements: Its agreements with its peers, for the seal that has pairs.
    """

    manifest: Manifest
    client: str
    identity: Identity
    randomness: Randomness
    agreements: Agreements

    def seal(self, spec: Signed[Spec], integers: npt.NDArray[np.int64]) -> SealedContribution:
        """Seal one vector for one round.

        Args:
            spec: The round's verified spec.
            integers: int64, shape (vector_length,), from `encode`.

        Raises:
            Refused: `integers`, when dtype or shape differ; `own-opening`, when the sealed bytes
                do not open to the same integers; `coordinate-bound`; `unknown-seal`.
        """
        if integers.dtype != np.int64 or integers.shape != (spec.body.vector_length,):
            raise Refused(
                "integers",
                f"expected int64 of shape {(spec.body.vector_length,)}, got {integers.dtype} of "
                f"shape {integers.shape}",
            )
        seal = client_seal(spec, self.manifest, self.agreements)
        seeds = custody.deal(self.manifest.committee, self.randomness)
        sealed = seal.seal(integers, self.client, seeds, self.randomness)
        check_own_opening(seal, sealed, self.client, seeds, integers)
        return self.contribution(spec, sealed, seeds)

    def contribution(
        self, spec: Signed[Spec], sealed: SealedVector, seeds: CustodySeeds
    ) -> SealedContribution:
        """A sealed vector with its header, signed, and its seeds wrapped to every custodian.

        Args:
            spec: The round's verified spec.
            sealed: The vector, sealed under these seeds.
            seeds: They live as long as this runs.
        """
        core_bytes = core_header_bytes(core := self._core_header(spec, sealed, seeds))
        wraps = self._wraps(seeds, spec.body.epoch, core_digest(core_bytes))
        body = Contribution(core, core_bytes, tuple(wrap_digest(wrap) for wrap in wraps))
        contribution = sign(body, self.client, self.identity)
        return SealedContribution(contribution, wraps, sealed.payload, sealed.pair_table)

    def _core_header(
        self, spec: Signed[Spec], sealed: SealedVector, seeds: CustodySeeds
    ) -> CoreHeader:
        commitments = tuple(
            custody.commitment(spec.digest, self.client, part, seed) for part, seed in seeds.items()
        )
        return CoreHeader(
            study=spec.body.study,
            round_number=spec.body.round_number,
            round_id=spec.digest,
            client=self.client,
            seal=spec.body.seal,
            payload_digest=payload_digest(sealed.payload),
            payload_bytes=len(sealed.payload),
            seed_commitments=commitments,
            self_commitment=sealed.self_commitment,
            pair_table_digest=pair_table_digest(sealed.pair_table) if sealed.pair_table else b"",
        )

    def _wraps(self, seeds: CustodySeeds, epoch: int, core: bytes) -> tuple[bytes, ...]:
        committee = self.manifest.committee
        return tuple(
            hpke_wrap(
                cast(WrapSuite, custodian.wrap_suite),
                custodian.wrap_key,
                custody.wrap_info(self.manifest.study, epoch, custodian.name, core),
                custody.encode_seeds(seeds, committee.parts_of(index)),
            )
            for index, custodian in enumerate(self.manifest.custodians)
        )


def payload_digest(payload: bytes) -> bytes:
    """The digest of sealed bytes as it stands in the header, 32 bytes."""
    stream = DigestStream(domains.PAYLOAD)
    stream.update(payload)
    return stream.digest()


def check_own_opening(
    seal: ClientSeal,
    sealed: SealedVector,
    client: str,
    seeds: CustodySeeds,
    integers: npt.NDArray[np.int64],
) -> None:
    """Look before sending: one garbage contribution spoils a round for everybody (threat T15).

    Raises:
        Refused: `own-opening`, when the sealed bytes do not open to these integers.
    """
    try:
        opened = seal.open_own(sealed, client, seeds)
    except BlindsumError as error:
        raise Refused(
            "own-opening", f"expected the sealed bytes to open, got {error.rule}"
        ) from error
    if not np.array_equal(opened, integers):
        raise Refused("own-opening", "expected the sealed bytes to open to the same integers")
