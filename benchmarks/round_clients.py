"""The clients of a masked round: up to 100 of them mask wholly, of more only three do.

Beyond 100, of every other survivor only those masks are made that do not cancel in the sum: its
own, those that it shares with the three, and those with everybody absent. Keys, pair secrets,
headers, wraps and signatures are real, and so are the entries of the pair tables that anybody can
be asked for; entries between survivors whose masks are left out are zeros at both ends.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

from blindsum_cli.bench.figures import Stopwatch
from blindsum_cli.bench.study import Study
from blindsum_client.sealing import SealedContribution, Sealer
from blindsum_client.seals import client_seal
from blindsum_crypto.custody import deal
from blindsum_crypto.masking.pairs import ENTRY_BYTES, Agreements
from blindsum_crypto.masking.sealing import MaskingClientSeal
from blindsum_crypto.randomness import SystemRandomness
from blindsum_crypto.seal import Integers, SealedVector
from blindsum_rules.seal_parameters import masking_round

WHOLE: Final = 100
"""Up to so many clients everybody masks wholly; of more, three do."""

_STEP: Final = 7919  # a prime: every client's vector begins elsewhere in the drawn values
_RANDOMNESS: Final = SystemRandomness()


class ProcessWatch(Stopwatch):
    """Counts what all threads of this process compute: an opening may use more than one."""

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Time the block as one time of this phase."""
        began = time.process_time()
        yield
        self.taken.setdefault(name, []).append(time.process_time() - began)


@dataclass(frozen=True, slots=True)
class Sent:
    """One client's contribution, and the integers in it, which nobody else may see."""

    client: str
    integers: Integers = field(repr=False)
    sealed: SealedContribution


@dataclass(slots=True, eq=False)
class RoundClients:
    """Everybody invited.

    Attributes:
        study: Keys, manifest and spec.
        absent: Who is in no sum and sends nothing.
        watch: Seconds of `agree`, `mask` and `header`, of those who mask wholly.
    """

    study: Study
    absent: frozenset[str]
    watch: Stopwatch = field(default_factory=ProcessWatch)
    _drawn: Integers = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Draw levels, twice a vector's length: every client's vector is a window of them."""
        bound = self.study.manifest.body.weighted_codec.coordinate_bound
        words = np.frombuffer(_RANDOMNESS.bytes(4 * self._length), "<u4")
        once = words.astype(np.int64) % (2 * bound + 1) - bound
        self._drawn = np.concatenate((once, once))

    def sent(self) -> Iterator[Sent]:
        """Everybody who is not absent, ascending."""
        whole = self.wholly_masked
        for place, name in enumerate(self._cohort):
            if name in self.absent:
                continue
            start = place * _STEP % self._length
            integers = self._drawn[start : start + self._length]
            seal = self._whole if name in whole else self._not_cancelling
            yield Sent(name, integers, seal(name, integers))

    @property
    def wholly_masked(self) -> tuple[str, ...]:
        """Who makes every mask: everybody, or the first, a middle and the last survivor."""
        if len(self._cohort) <= WHOLE:
            return self._cohort
        survivors = [name for name in self._cohort if name not in self.absent]
        return tuple(survivors[place] for place in (0, len(survivors) // 2, -1))

    @property
    def _length(self) -> int:
        return self.study.spec.body.vector_length

    @property
    def _cohort(self) -> tuple[str, ...]:
        return self.study.spec.body.cohort

    def _whole(self, name: str, integers: Integers) -> SealedContribution:
        agreements = self._agreements(name)
        round_id = self.study.spec.digest
        with self.watch.phase("agree"):
            for peer in self._cohort:
                if peer != name:
                    agreements.pair_secret(round_id, peer)
        seal = client_seal(self.study.spec, self.study.manifest.body, agreements)
        seeds = deal(self.study.manifest.body.committee, _RANDOMNESS)
        with self.watch.phase("mask"):
            sealed = seal.seal(integers, name, seeds, _RANDOMNESS)
        sealer = self._sealer(name, agreements)
        with self.watch.phase("header"):
            return sealer.contribution(self.study.spec, sealed, seeds)

    def _not_cancelling(self, name: str, integers: Integers) -> SealedContribution:
        """The same in a cohort of itself, the wholly masked and the absent alone."""
        agreements = self._agreements(name)
        fewer = tuple(sorted({name, *self.wholly_masked, *self.absent}))
        round_ = masking_round(self.study.spec, self.study.manifest.body)
        seal = MaskingClientSeal(replace(round_, cohort=fewer), agreements)
        seeds = deal(self.study.manifest.body.committee, _RANDOMNESS)
        sealed = seal.seal(integers, name, seeds, _RANDOMNESS)
        peers = [peer for peer in fewer if peer != name]
        entries = dict(zip(peers, _entries(sealed.pair_table), strict=True))
        none = bytes(ENTRY_BYTES)
        table = b"".join(entries.get(peer, none) for peer in self._cohort if peer != name)
        whole = SealedVector(sealed.payload, sealed.self_commitment, table)
        return self._sealer(name, agreements).contribution(self.study.spec, whole, seeds)

    def _agreements(self, name: str) -> Agreements:
        key = self.study.clients[name].agreement
        return Agreements(name, key, self.study.manifest.body.agreement_keys)

    def _sealer(self, name: str, agreements: Agreements) -> Sealer:
        identity = self.study.clients[name].identity
        return Sealer(self.study.manifest.body, name, identity, _RANDOMNESS, agreements)


def _entries(table: bytes) -> list[bytes]:
    return [table[start : start + ENTRY_BYTES] for start in range(0, len(table), ENTRY_BYTES)]
