"""The clients of a measured round: what `blindsum_client` does to contribute, step by step.

The steps are those of `blindsum_client.sealing.Sealer`, which takes them in one go; a test holds
the two against each other.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, cast

import numpy as np
import numpy.typing as npt

from blindsum_cli.bench.figures import Stopwatch
from blindsum_cli.bench.memory import traced
from blindsum_cli.bench.study import ARRAY, Study
from blindsum_cli.bench.updates import update
from blindsum_client.encode import encode_update
from blindsum_client.sealing import SealedContribution, payload_digest
from blindsum_client.seals import client_seal
from blindsum_client.update import Update
from blindsum_crypto import custody
from blindsum_crypto.custody import CustodySeeds
from blindsum_crypto.errors import Aborted
from blindsum_crypto.masking.pairs import Agreements, pair_table_digest
from blindsum_crypto.primitives import WrapSuite, hpke_wrap
from blindsum_crypto.randomness import SystemRandomness
from blindsum_crypto.seal import ClientSeal, SealedVector
from blindsum_protos.convert.contribution import core_header_bytes
from blindsum_protos.convert.signed import sign
from blindsum_rules.header import Contribution, CoreHeader, core_digest, wrap_digest

_RECORDS: Final = 500
_RANDOMNESS: Final = SystemRandomness()

Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Contributed:
    """What one client did: its integers, kept to compare the sum, and what leaves it."""

    client: str
    integers: Integers = field(repr=False)
    sealed: SealedContribution


@dataclass(slots=True)
class Contributors:
    """Everybody invited.

    Attributes:
        study: Keys, manifest and spec.
        watch: Where the seconds go.
        peak_bytes: The most that a client allocates, from its floats to what it sends.
    """

    study: Study
    watch: Stopwatch
    peak_bytes: int = field(init=False, default=0)

    def contributions(self) -> Iterator[Contributed]:
        """One client after the other, ascending."""
        clients = list(self.study.clients)
        # Once untimed: to watch memory, and because what libraries make on first use is made once.
        _, self.peak_bytes = traced(lambda: self._contribute(clients[0], Stopwatch()))
        for client in clients:
            yield self._contribute(client, self.watch)

    def _contribute(self, client: str, watch: Stopwatch) -> Contributed:
        manifest, spec = self.study.manifest.body, self.study.spec
        seal = client_seal(spec, manifest, self._agreements(client, watch))
        values = update(manifest.layout.size)
        with watch.phase("codec"):
            integers = encode_update(Update({ARRAY: values}, _RECORDS), manifest, _RANDOMNESS)
        with watch.phase("seal"):
            seeds = custody.deal(manifest.committee, _RANDOMNESS)
            sealed = seal.seal(integers, client, seeds, _RANDOMNESS)
        with watch.phase("check"):
            _check_own_opening(seal, sealed, client, seeds, integers)
        with watch.phase("header"):
            contribution = self._signed(client, sealed, seeds)
        return Contributed(client, integers, contribution)

    def _agreements(self, client: str, watch: Stopwatch) -> Agreements:
        """A client's agreements; where the seal has pairs they are all made here, and timed."""
        agreements = Agreements(
            client, self.study.clients[client].agreement, self.study.manifest.body.agreement_keys
        )
        if self.study.has_pairs:
            with watch.phase("agreements"):
                for peer in self.study.clients:
                    if peer != client:
                        agreements.pair_secret(self.study.spec.digest, peer)
        return agreements

    def _signed(self, client: str, sealed: SealedVector, seeds: CustodySeeds) -> SealedContribution:
        spec = self.study.spec
        core = CoreHeader(
            study=spec.body.study,
            round_number=spec.body.round_number,
            round_id=spec.digest,
            client=client,
            seal=spec.body.seal,
            payload_digest=payload_digest(sealed.payload),
            payload_bytes=len(sealed.payload),
            seed_commitments=tuple(
                custody.commitment(spec.digest, client, part, seed) for part, seed in seeds.items()
            ),
            self_commitment=sealed.self_commitment,
            pair_table_digest=pair_table_digest(sealed.pair_table) if sealed.pair_table else b"",
        )
        core_bytes = core_header_bytes(core)
        wraps = self._wraps(seeds, core_digest(core_bytes))
        body = Contribution(core, core_bytes, tuple(map(wrap_digest, wraps)))
        signed = sign(body, client, self.study.clients[client].identity)
        return SealedContribution(signed, wraps, sealed.payload, sealed.pair_table)

    def _wraps(self, seeds: CustodySeeds, bound_to: bytes) -> tuple[bytes, ...]:
        manifest, epoch = self.study.manifest.body, self.study.spec.body.epoch
        return tuple(
            hpke_wrap(
                cast(WrapSuite, custodian.wrap_suite),
                custodian.wrap_key,
                custody.wrap_info(manifest.study, epoch, custodian.name, bound_to),
                custody.encode_seeds(seeds, manifest.committee.parts_of(index)),
            )
            for index, custodian in enumerate(manifest.custodians)
        )


def _check_own_opening(
    seal: ClientSeal, sealed: SealedVector, client: str, seeds: CustodySeeds, integers: Integers
) -> None:
    """What every client does before it sends: open its own sealed bytes, compare.

    Raises:
        Aborted: `own-opening`; a gate of the seal.
    """
    if not np.array_equal(seal.open_own(sealed, client, seeds), integers):
        raise Aborted("own-opening", "expected the sealed bytes to open to the same integers")
