"""The rows and the plot of bench_masking.py: which figure is held against which."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from blindsum_cli.bench.chart import OTHERS, OURS, Bar, Chart, Panel
from blindsum_cli.bench.row import Row
from blindsum_cli.bench.table import figure
from cells import Cell
from grid import Growth, growths_in_clients, growths_in_values, worst

NOT_MEASURED: Final = "Flower: not measured"
FREE_BYTES: Final = 200_000_000
"""What the aggregator may hold beside its vectors: Python, libraries, headers, pair tables."""

VECTOR_BYTES: Final = 8
"""Of a value in a vector of integers, as the opened sum is one."""

_NANO: Final = 1e9
_MICRO: Final = 1e6
_MEGA: Final = 1e6
_PLOTTED: Final = {
    "Floats to wire bytes": {"Flower": "flower_mask_time", "ours": "mask_time"},
    "Integers to wire bytes": {"bare limit": "mask_limit_time", "ours": "mask_vs_limit"},
    "Bytes a value": {"Flower": "flower_mask_bytes", "ours": "mask_bytes"},
    "Keys and header of one client": {"Flower": "flower_share_time", "ours": "header_time"},
    "Opening": {
        "Flower": "flower_unmask_time",
        "bare limit": "unmask_limit_time",
        "ours": "unmask_vs_limit",
    },
    "The aggregator's process at the most": {
        "before the round": "memory_before_bytes",
        "set frozen": "memory_frozen_bytes",
        "sum published": "memory_bytes",
    },
    "A whole round of one custodian under ckks, a client": {"ours": "custodian_us_per_client"},
    "The step of the grid that grew most": {"in values": "growth_d", "in clients": "growth_n"},
}
_THEIRS: Final = frozenset({"Flower", "bare limit"})


@dataclass(frozen=True, slots=True)
class Masked:
    """What was measured of masks, headers and openings.

    Attributes:
        seconds: Median process time of every task; Flower's are `flower_mask`, `flower_share` and
            `flower_unmask`, where it was there.
        values: Values of a sealed vector.
        masks: Masks on it.
        payload_bytes: Bytes of it.
        flower_bytes: Bytes of Flower's, or None.
        peers: Peers of the client whose header is made.
        opened_values: Values of the opened sum.
        opened_masks: Masks that the opening takes off.
    """

    seconds: Mapping[str, float]
    values: int
    masks: int
    payload_bytes: int
    flower_bytes: int | None
    peers: int
    opened_values: int
    opened_masks: int

    def rows(self) -> Iterator[Row]:
        """Every figure with what it is held against; the bars are the project's own."""
        yield from self._sealing()
        yield from self._openings()
        yield from self._units()
        yield from self._others()

    def _sealing(self) -> Iterator[Row]:
        seconds = self.seconds
        note = f"integers to wire bytes, {self.masks} masks; limit: keystream and addition"
        yield Row("mask_vs_limit", seconds["mask"], "s", seconds["mask_limit"], note, 1.8)
        note = "floats to wire bytes; Flower: its client quantizes and masks"
        yield self._against("mask_time", "encode_mask", "mask", note, 0.3)
        yield Row("encode_time", seconds["encode"], "s", None, "of it: floats to integers")
        note = "a client opens its own payload before it sends it"
        yield Row("mask_check_own_time", seconds["check_own"], "s", None, note)
        sent = self.payload_bytes / self.values
        note = "what one client sends at sums of 28 bits"
        yield Row("mask_bytes", sent, "bytes a value", None, note, 3.6)
        note = f"agreement key to signature, {self.peers} peers; Flower: its client shares keys"
        yield self._against("header_time", "header", "share", note, 0.03)

    def _openings(self) -> Iterator[Row]:
        taken, limit = self.seconds["unmask"], self.seconds["unmask_limit"]
        note = f"the sum opened, {self.opened_masks:,} masks; limit: keystream and addition"
        yield Row("unmask_vs_limit", taken, "s", limit, note, 1.5)
        note = "the sum opened; Flower: its server's last stage"
        yield self._against("unmask_time", "unmask", "unmask", note, 0.01)

    def _units(self) -> Iterator[Row]:
        seconds = self.seconds
        each = _NANO * seconds["mask"] / (self.values * self.masks)
        yield Row("mask_unit", each, "ns", None, "of it, a value and mask")
        each = _NANO * seconds["unmask"] / (self.opened_values * self.opened_masks)
        yield Row("unmask_unit", each, "ns", None, "opening, a value and mask")
        each = _MICRO * seconds["header"] / self.peers
        yield Row("header_unit", each, "µs", None, "keys and header, a peer")

    def _others(self) -> Iterator[Row]:
        notes = {
            "mask_limit": "AES-256-CTR and 32-bit additions, the same masks",
            "unmask_limit": "the same for the opening",
            "flower_mask": "quantize and mask, float32 to bytes: its own client",
            "flower_share": "its client's share-keys stage",
            "flower_unmask": "its server's last stage: shares to mean",
        }
        for name, note in notes.items():
            if name in self.seconds:
                yield Row(f"{name}_time", self.seconds[name], "s", None, note)
        if self.flower_bytes is not None:
            sent = self.flower_bytes / self.values
            yield Row("flower_mask_bytes", sent, "bytes a value", None, "what its client sends")

    def _against(self, name: str, task: str, stage: str, note: str, bar: float) -> Row:
        """A row held against Flower's stage, where that was measured."""
        theirs = self.seconds.get(f"flower_{stage}")
        if theirs is None:
            ours = note.partition("; ")[0]
            return Row(name, self.seconds[task], "s", None, f"{ours}; {NOT_MEASURED}")
        return Row(name, self.seconds[task], "s", theirs, note, bar)


# Any: plain values of several kinds, read from JSON.
def memory_rows(told: Mapping[str, Any], clients: int, values: int) -> Iterator[Row]:
    """What `aggregator_round.py` says."""
    peak = told["peak_bytes"]
    vectors = max(0, peak - FREE_BYTES) / (VECTOR_BYTES * values)
    note = f"beyond 200 MB, {clients:,} clients; the process: {peak / _MEGA:,.0f} MB at the most"
    yield Row("memory_vectors", vectors, "vectors", None, note, 6)
    yield Row("memory_bytes", peak, "bytes", None, "the aggregator's process at the most")
    note = "before the round: Python, libraries, the study"
    yield Row("memory_before_bytes", told["started_bytes"], "bytes", None, note)
    note = "the same when the set was frozen, its pair tables compared, its payloads added"
    yield Row("memory_frozen_bytes", told["frozen_bytes"], "bytes", None, note)
    note = f"{told['members']:,} headers and payloads: received, checked, durable"
    yield Row("aggregator_upload_time", told["seconds"]["upload"], "s", None, note)
    note = "last release to published sum and transcript"
    yield Row("aggregator_open_time", told["seconds"]["open"], "s", None, note)


def custodian_rows(ckks: Mapping[str, Any], masking: Mapping[str, Any]) -> Iterator[Row]:
    """What `custodian_round.py` says of both seals."""
    note = f"whole round of one custodian, ckks, {ckks['members']:,} clients"
    each = ckks["microseconds_a_member"]
    yield Row("custodian_us_per_client", each, "µs a client", None, note, 900)
    peak = ckks["peak_megabytes"] * _MEGA
    yield Row("custodian_bytes", peak, "bytes", None, "its process at the most", 1e9)
    for step, taken in ckks["seconds"].items():
        yield Row(f"custodian_{step}_time", taken, "s", None, f"of it: {step}")
    note = f"the same under masking, {masking['members']:,} of {masking['clients']:,} clients"
    yield Row("custodian_masking_time", masking["total_seconds"], "s", None, note, 10)


def growth_rows(cells: Sequence[Cell]) -> Iterator[Row]:
    """The steps of the grid that grew most against what is stated."""
    axes = {
        "growth_d": (growths_in_values(cells), "stated: as the values"),
        "growth_n": (
            growths_in_clients(cells),
            "stated: a client's as the clients; sums and headers as |U|, releases and openings as "
            "|U| + |U| x dropouts",
        ),
    }
    for name, (growths, stated) in axes.items():
        if growths:
            yield _growth_row(name, growths, stated)


def _growth_row(name: str, growths: Sequence[Growth], stated: str) -> Row:
    most = worst(growths)
    note = f"the worst of {len(growths)} steps: {most.note}; {stated}"
    return Row(name, most.measured, "times", most.stated, note)


def chart_of(title: str, rows: Sequence[Row], footer: Sequence[str]) -> Chart:
    """The rows that people ask for first; what was not measured has no bar."""
    by_name = {row.name: row for row in rows}
    panels = []
    for heading, names in _PLOTTED.items():
        bars = [_bar(label, by_name[name]) for label, name in names.items() if name in by_name]
        if bars:
            panels.append(Panel(heading, bars))
    return Chart(title, panels, footer)


def _bar(label: str, row: Row) -> Bar:
    colour = OTHERS if label in _THEIRS else OURS
    return Bar(label, row.value, figure(row.value, row.unit), colour)
