"""What `blindsum bench` is asked: how many clients, how long a vector, who stays away."""

from dataclasses import dataclass
from typing import Final

from blindsum_crypto.ckks import parameters as ckks
from blindsum_crypto.custody import Committee
from blindsum_crypto.errors import Refused
from blindsum_crypto.masking import parameters as masking
from blindsum_rules.codec.parameters import Codec
from blindsum_rules.quorum import smallest_quorum

FEWEST_SURVIVORS: Final = 2
"""A sum of one contribution is that contribution."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """One round as somebody plans it.

    Attributes:
        clients: Everybody invited, 2 or more.
        values: Values of the model, 1 or more.
        bits: Bits of the signed integer that a client sends for a value, 3 to 19.
        dropout: Share of the clients that seal and then stay away, 0 to below 1.
        custodians: m.
        threshold: t.

    Raises:
        Refused: `bench-survivors`, when fewer than 2 clients would be left; `committee-size`,
            `committee-threshold`, `too-many-parts`.
    """

    clients: int
    values: int
    bits: int
    dropout: float
    custodians: int = 4
    threshold: int = 2

    def __post_init__(self) -> None:
        Committee(self.custodians, self.threshold)
        if self.survivors < FEWEST_SURVIVORS:
            raise Refused(
                "bench-survivors",
                f"expected at least {FEWEST_SURVIVORS} of {self.clients} clients to stay, got "
                f"{self.survivors}",
            )

    @property
    def dropped(self) -> int:
        """How many clients stay away: their share, rounded down."""
        return int(self.clients * self.dropout)

    @property
    def survivors(self) -> int:
        """How many clients' contributions are summed."""
        return self.clients - self.dropped

    @property
    def codec(self) -> Codec:
        """A codec whose integers have exactly these bits: +-(2^(bits-1) - 1)."""
        levels = (1 << (self.bits - 1)) - 2
        return Codec(clip_norm=1.0, levels=levels, weight_cap=1000, weight_scale=0.25)

    @property
    def quorum(self) -> int:
        """The fewest signatures that the quorum rule allows for this committee."""
        return smallest_quorum(self.custodians, self.threshold)

    def check_seal(self, seal: str) -> None:
        """Check, before anything is measured, that the seal can carry this round.

        Raises:
            Refused: `masking-cohort` above 1,000 clients; `capacity`, `value-bits` or `field-bits`
                when the sum does not fit.
        """
        plan = masking.plan if seal == "masking" else ckks.plan
        plan(self.values, self.clients, self.codec.field_bits(self.clients))

    def names(self) -> tuple[str, ...]:
        """The clients' ids, ascending."""
        return tuple(f"client-{place:07d}" for place in range(self.clients))

    def absent(self) -> frozenset[str]:
        """Who stays away, spread evenly: masks are added by one end of a pair, taken by the other.

        (With the first or the last clients away every recovered mask would have the same sign.)
        """
        names = self.names()
        return frozenset(
            names[place * self.clients // self.dropped] for place in range(self.dropped)
        )
