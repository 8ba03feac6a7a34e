"""Transfer times, computed: measured bytes over a link that somebody states. Nothing is sent."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from blindsum_cli.bench.figures import Figures

_BITS: Final = 8
_MEGA: Final = 1e6
_MILLI: Final = 1e-3
_CLIENT_CALLS: Final = 4  # next round, header, payload, outcome with the aggregate
_CUSTODIAN_CALLS: Final = 2  # each duty waits for its answer: a page, and the release
_PLAIN_CALLS: Final = 2  # values up, mean down


@dataclass(frozen=True, slots=True)
class Link:
    """A party's link to the aggregator.

    Attributes:
        latency_ms: Milliseconds from a request to its answer, 0 or more.
        bandwidth_mbit: Megabit a second, in each direction, above 0.
    """

    latency_ms: float
    bandwidth_mbit: float

    def seconds(self, byte_count: int, calls: int) -> float:
        """Seconds that so many bytes take in so many calls, one after the other."""
        return calls * self.latency_ms * _MILLI + byte_count * _BITS / (self.bandwidth_mbit * _MEGA)

    def transfers(self, figures: Figures) -> Mapping[str, float]:
        """Seconds that a client and a custodian spend on the line in one round, by role."""
        sizes = figures.sizes
        down = sizes.get("spec", 0) + sizes["aggregate"]
        if "page" not in sizes:
            return {"client": self.seconds(figures.upload_bytes + down, _PLAIN_CALLS)}
        custodian = sizes["spec"] + sizes["page"] + sizes["release"]
        return {
            "client": self.seconds(figures.upload_bytes + down, _CLIENT_CALLS),
            "custodian": self.seconds(custodian, _CUSTODIAN_CALLS),
        }
