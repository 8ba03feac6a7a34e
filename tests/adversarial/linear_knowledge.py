"""What follows from what was seen: the masks of a round as unknowns of a linear system (T9, T11).

A keystream under a key that is not known is an unknown of its own, which is what a mask is for. So
whoever saw sealed vectors and released secrets knows the span of some rows, and nothing else: a
vector is given away exactly when it lies in that span.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np
import numpy.typing as npt

Row = npt.NDArray[np.int64]


@dataclass
class Knowledge:
    """The rows that somebody knows about one coordinate of everybody's vector.

    Attributes:
        clients: Everybody invited, ascending.
        seal: Its masks are the unknowns: under `ckks` one for each client, under `masking` one for
            each client and one for each pair.
        share: Who shares a mask with whom; everybody with everybody, but for the sparse graphs that
            are tried against it.
    """

    clients: tuple[str, ...]
    seal: str
    rows: list[Row] = field(default_factory=list)
    share: Callable[[str, str], bool] = lambda _one, _other: True

    def __post_init__(self) -> None:
        pairs = self._pairs() if self.seal == "masking" else ()
        names = [
            *(f"value {client}" for client in self.clients),
            *(f"self {client}" for client in self.clients),
            *(f"pair {one} {other}" for one, other in pairs),
        ]
        self._columns = {name: column for column, name in enumerate(names)}

    def value(self, *clients: str) -> Row:
        """The sum of these clients' values."""
        return self._row(*(f"value {client}" for client in clients))

    def self_masks(self, *clients: str) -> Row:
        return self._row(*(f"self {client}" for client in clients))

    def pair_mask(self, one: str, other: str) -> Row:
        return self._row("pair {} {}".format(*sorted((one, other))))

    def sealed(self, client: str) -> Row:
        """What a client uploads: its value under its own mask and those that it shares."""
        row = self.value(client) + self.self_masks(client)
        if self.seal == "masking":
            for peer in self.peers(client):
                row += self.pair_mask(client, peer) * (1 if client < peer else -1)
        return row

    def peers(self, client: str) -> list[str]:
        """With whom a client shares a mask."""
        return [peer for peer in self.clients if peer != client and self.share(client, peer)]

    def learn(self, *rows: Row) -> None:
        self.rows.extend(rows)

    def corrupt(self, clients: Iterable[str]) -> None:
        """Learn everything that these clients know."""
        for client in clients:
            self.learn(self.value(client), self.self_masks(client))
            if self.seal == "masking":
                self.learn(*(self.pair_mask(client, peer) for peer in self.peers(client)))

    def gives(self, row: Row) -> bool:
        """Whether a row follows from what is known."""
        return _rank([*self.rows, row]) == _rank(self.rows)

    def known_values(self) -> int:
        """How many independent combinations of values follow, masks aside."""
        masks = [row[len(self.clients) :] for row in self.rows]
        return _rank(self.rows) - _rank(masks)

    def _pairs(self) -> Iterator[tuple[str, str]]:
        return (pair for pair in combinations(self.clients, 2) if self.share(*pair))

    def _row(self, *names: str) -> Row:
        row = np.zeros(len(self._columns), np.int64)
        for name in names:
            row[self._columns[name]] += 1
        return row


def _rank(rows: list[Row]) -> int:
    # Entries are -1, 0 and 1 and there are few of them: double precision tells ranks apart.
    return int(np.linalg.matrix_rank(np.array(rows, np.float64)))
