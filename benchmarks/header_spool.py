"""The headers of a round, made by all cores and laid down in order of arrival, page by page.

They wait on the disk, so that neither their making nor their memory falls on whom is measured.
"""

import multiprocessing
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

from blindsum_aggregator.paging import MAX_PAGE_BYTES
from blindsum_crypto.execution import usable_cores
from blindsum_crypto.primitives import digest
from custodian_study import HeaderMould, MadeEntry, PublicKeys, make_entries, public_keys

_AT_ONCE: Final = 256
_WAITING_PER_CORE: Final = 4
_ENTRY_OVERHEAD_BYTES: Final = 64
_PAGE_OVERHEAD_BYTES: Final = 512

Progress = Callable[[str, int, int], None]
"""Told what is being done, how much of it is done, and how much there is."""

ResultT = TypeVar("ResultT")


@dataclass(frozen=True, slots=True)
class Arrived:
    """The headers in order of arrival.

    Attributes:
        places: The clients' places in the roster.
        digests: Digest of each signed header, 32 bytes, and the length of its entry.
        spool: The file with the entries, end to end.
    """

    places: Sequence[int]
    digests: Sequence[tuple[bytes, int]]
    spool: Path

    def pages(self) -> Iterator[tuple[list[bytes], list[bytes]]]:
        """Digests and entries, page by page, as many as the aggregator puts on one."""
        with self.spool.open("rb") as file:
            page: tuple[list[bytes], list[bytes]] = ([], [])
            size = _PAGE_OVERHEAD_BYTES
            for contribution_digest, entry_bytes in self.digests:
                entry = file.read(entry_bytes)
                size += entry_bytes + _ENTRY_OVERHEAD_BYTES
                if size > MAX_PAGE_BYTES:
                    yield page
                    page, size = ([], []), _PAGE_OVERHEAD_BYTES + entry_bytes
                page[0].append(contribution_digest)
                page[1].append(entry)
            yield page


def workers() -> ProcessPoolExecutor:
    """A process for each core; they end before anything is measured."""
    return ProcessPoolExecutor(usable_cores(), mp_context=multiprocessing.get_context("spawn"))


def keys_of(pool: ProcessPoolExecutor, clients: int, told: Progress) -> list[PublicKeys]:
    """Every client's public keys, in the order of their ids."""
    keys = _in_workers(pool, public_keys, range(clients))
    return list(_told(keys, told, "keys", clients))


def arrive(
    pool: ProcessPoolExecutor,
    mould: HeaderMould,
    places: Sequence[int],
    spool: Path,
    told: Progress,
) -> Arrived:
    """Make everybody's header and wrap, and lay the entries down in a file.

    Args:
        pool: What `workers` made.
        mould: What all headers have in common.
        places: Who hands in, in order of arrival.
        spool: The file, which is written anew.
        told: Told how far it is.
    """
    made = _in_workers(pool, partial(make_entries, mould), places)
    return Arrived(places, _spooled(_told(made, told, "headers", len(places)), spool), spool)


def arriving(clients: int, dropout: float) -> list[int]:
    """Who hands in, in an order that has nothing to do with the ids."""
    order = sorted(
        range(clients), key=lambda place: digest("benchmarks/order", str(place).encode())
    )
    return order[: clients - int(clients * dropout)]


def _spooled(entries: Iterable[MadeEntry], spool: Path) -> list[tuple[bytes, int]]:
    """Write entries end to end; digest and length of each."""
    digests = []
    with spool.open("wb") as file:
        for made in entries:
            file.write(made.entry)
            digests.append((made.contribution_digest, len(made.entry)))
    return digests


def _in_workers(
    pool: ProcessPoolExecutor,
    make: Callable[[Sequence[int]], list[ResultT]],
    places: Sequence[int],
) -> Iterator[ResultT]:
    """Results in the order of the places, made some at a time so that few of them wait."""
    slices = (places[start : start + _AT_ONCE] for start in range(0, len(places), _AT_ONCE))
    waiting: deque[Future[list[ResultT]]] = deque()
    for part in slices:
        waiting.append(pool.submit(make, part))
        if len(waiting) >= usable_cores() * _WAITING_PER_CORE:
            yield from waiting.popleft().result()
    while waiting:
        yield from waiting.popleft().result()


def _told(items: Iterable[ResultT], told: Progress, what: str, total: int) -> Iterator[ResultT]:
    for count, item in enumerate(items, 1):
        if not count % _AT_ONCE or count == total:
            told(what, count, total)
        yield item
