"""The clients of a measured round: what `blindsum_client` does to contribute, step by step."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from blindsum_cli.bench.figures import Stopwatch
from blindsum_cli.bench.memory import traced
from blindsum_cli.bench.study import ARRAY, Study
from blindsum_cli.bench.updates import update
from blindsum_client.encode import RoundBasis, encode_update
from blindsum_client.sealing import SealedContribution, Sealer, check_own_opening
from blindsum_client.seals import client_seal
from blindsum_client.update import Update
from blindsum_crypto import custody
from blindsum_crypto.masking.pairs import Agreements
from blindsum_crypto.randomness import SystemRandomness

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
        agreements = self._agreements(client, watch)
        identity = self.study.clients[client].identity
        sealer = Sealer(manifest, client, identity, _RANDOMNESS, agreements)
        seal = client_seal(spec, manifest, agreements)
        values = update(manifest.layout.size)
        with watch.phase("codec"):
            basis = RoundBasis(spec.digest, np.zeros(manifest.layout.size, np.float32))
            whole = Update({ARRAY: values}, _RECORDS)
            integers = encode_update(whole, basis, manifest, _RANDOMNESS)
        with watch.phase("seal"):
            seeds = custody.deal(manifest.committee, _RANDOMNESS)
            sealed = seal.seal(integers, client, seeds, _RANDOMNESS)
        with watch.phase("check"):
            check_own_opening(seal, sealed, client, seeds, integers)
        with watch.phase("header"):
            contribution = sealer.contribution(spec, sealed, seeds)
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
