"""What does noise cost? Both mechanisms beside numpy's two Poissons, OpenDP and the keystream.

    python benchmarks/bench_privacy.py            # 2^20 draws, median of 5
    python benchmarks/bench_privacy.py --quick    # 2^17 draws, median of 3

One core, process time, everything in turns, medians. A row's name says the mechanism and the
standard deviation; `_table_` is what a study pays once, every other row what every share costs;
`codec_` is the whole way from one unit's floats to what its client seals. OpenDP's row is there
where OpenDP is installed (`pip install opendp`).
"""

import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Final

import numpy as np
from rich.console import Console
from rich.progress import Progress

from blindsum_cli.bench.chart import OTHERS, OURS, Bar, Chart, Panel
from blindsum_cli.bench.environment import footer
from blindsum_cli.bench.row import Results, Row
from blindsum_cli.bench.table import figure
from blindsum_cli.bench.timing import Task, interleaved, run_on_one_core
from blindsum_crypto.keystream import Keystream, Room
from blindsum_crypto.randomness import SystemRandomness
from blindsum_rules.codec.unit_codec import UnitCodec
from blindsum_rules.codec.units import encode_units
from blindsum_rules.privacy.alias_table import AliasTable, build_table
from blindsum_rules.privacy.drawing import draw
from blindsum_rules.privacy.gaussian_table import gaussian_terms
from blindsum_rules.privacy.noise import Mechanism, NoiseLaw, draw_noise, noise_table
from blindsum_rules.privacy.skellam_table import skellam_terms
from command_line import arguments, finish, options, surroundings
from peers.opendp_noise import gaussian_noise

_WHOLE: Final = {"values": 1 << 20, "repetitions": 5}
_QUICK: Final = {"values": 1 << 17, "repetitions": 3}
_DEVIATIONS: Final = (10, 100, 2500, 10_000)
_CODEC_DEVIATION: Final = 2500
_CODEC_LEVELS: Final = 5000
_NAMES: Final = {Mechanism.SKELLAM: "skellam", Mechanism.DISCRETE_GAUSSIAN: "gaussian"}
_TERMS: Final[dict[Mechanism, Callable[[int], list[int]]]] = {
    Mechanism.SKELLAM: skellam_terms,
    Mechanism.DISCRETE_GAUSSIAN: gaussian_terms,
}
_OPENDP_PART: Final = 16  # it takes microseconds a draw, so a part is drawn and multiplied
_OPENDP_ROW: Final = f"opendp_gaussian_sd{_CODEC_DEVIATION}_seconds"
_PIECE_BYTES: Final = 1 << 16
_KEY_BYTES: Final = 32
_RANDOMNESS: Final = SystemRandomness()


def main() -> int:
    """Run the benchmark; the exit code is 0 when all shares have the variance they should."""
    given = arguments(
        "What does noise cost? Both mechanisms beside numpy's Poissons.", _WHOLE, _QUICK
    )
    run_on_one_core()
    sizes = {name: getattr(given, name) for name in _WHOLE}
    values = sizes["values"]
    seconds = _measure(_tasks(values), sizes["repetitions"])
    rows = [
        *_share_rows(seconds),
        *_codec_rows(seconds),
        *_table_rows(seconds),
        *_other_rows(seconds),
    ]
    title = f"A share of noise for {values:,} values, one core"
    checks = {"every share has its law's variance": _variances_hold(values)}
    results = Results(title, surroundings(), sizes, rows, checks)
    return finish(results, _chart_of(results), options("privacy", given))


def _tasks(values: int) -> dict[str, Task]:
    """What is timed, by row; a table is built once before its draws are counted."""
    tasks: dict[str, Task] = {"bare_keystream_seconds": lambda: _keystream(8 * values)}
    for deviation in _DEVIATIONS:
        for mechanism, name in _NAMES.items():
            law = NoiseLaw(mechanism, deviation**2)
            tasks[f"{name}_sd{deviation}_seconds"] = _share_task(law, values)
            tasks[f"{name}_sd{deviation}_table_seconds"] = _table_task(law)
        tasks[f"numpy_poissons_sd{deviation}_seconds"] = _poissons_task(deviation**2, values)
    for mechanism, name in _NAMES.items():
        tasks[f"codec_{name}_seconds"] = _codec_task(mechanism, values)
    opendp = gaussian_noise(_CODEC_DEVIATION, values // _OPENDP_PART)
    if opendp is not None:
        tasks[_OPENDP_ROW] = opendp
    return tasks


def _share_task(law: NoiseLaw, values: int) -> Task:
    table = noise_table(law)  # kept here: there are more laws than the cache keeps tables
    return lambda: draw(table, values, _RANDOMNESS.bytes(_KEY_BYTES))


def _table_task(law: NoiseLaw) -> Callable[[], AliasTable]:
    return lambda: build_table(_TERMS[law.mechanism](law.variance))


def _codec_task(mechanism: Mechanism, values: int) -> Task:
    """A whole contribution of one unit: clip, grid, exact check, rounding and noise."""
    codec = UnitCodec(
        clip_norm=1.0,
        dimension=values,
        levels=_CODEC_LEVELS,
        units_per_client=1,
        share=NoiseLaw(mechanism, _CODEC_DEVIATION**2),
    )
    unit = np.sin(np.arange(values, dtype=np.float64))[np.newaxis]
    return lambda: encode_units([unit], codec, _RANDOMNESS)


def _poissons_task(variance: int, values: int) -> Task:
    """The usual way: numpy's generator, whose law is that of float64 arithmetic."""
    generator = np.random.default_rng()  # noqa: TID251 - the peer; nothing is protected by it
    mean = variance / 2
    return lambda: generator.poisson(mean, values) - generator.poisson(mean, values)


def _keystream(byte_count: int) -> None:
    stream, room = Keystream(_RANDOMNESS.bytes(_KEY_BYTES)), Room(_PIECE_BYTES)
    for start in range(0, byte_count, _PIECE_BYTES):
        stream.read_into(room, min(_PIECE_BYTES, byte_count - start))


def _measure(tasks: Mapping[str, Task], repetitions: int) -> dict[str, float]:
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        bar = progress.add_task("measuring", total=len(tasks) * (repetitions + 1))
        return interleaved(tasks, repetitions, lambda: progress.advance(bar))


def _share_rows(seconds: Mapping[str, float]) -> Iterator[Row]:
    for mechanism, name in _NAMES.items():
        for deviation in _DEVIATIONS:
            row, peer = f"{name}_sd{deviation}_seconds", f"numpy_poissons_sd{deviation}_seconds"
            note = f"{mechanism}; numpy: Poisson - Poisson"
            yield Row(row, seconds[row], "s", seconds[peer], note)


def _codec_rows(seconds: Mapping[str, float]) -> Iterator[Row]:
    note = f"a client's whole codec with noise of sd {_CODEC_DEVIATION:,}, one unit"
    for mechanism, name in _NAMES.items():
        row = f"codec_{name}_seconds"
        yield Row(row, seconds[row], "s", None, f"{mechanism}: {note}")


def _table_rows(seconds: Mapping[str, float]) -> Iterator[Row]:
    for mechanism, name in _NAMES.items():
        for deviation in _DEVIATIONS:
            row = f"{name}_sd{deviation}_table_seconds"
            yield Row(row, seconds[row], "s", None, f"{mechanism}: terms and table, once a study")


def _other_rows(seconds: Mapping[str, float]) -> Iterator[Row]:
    for deviation in _DEVIATIONS:
        row = f"numpy_poissons_sd{deviation}_seconds"
        yield Row(row, seconds[row], "s", None, "numpy's PCG64, no key, float64 law")
    if _OPENDP_ROW in seconds:
        note = f"{_OPENDP_PART} times a {_OPENDP_PART}th of the values"
        yield Row(_OPENDP_ROW, _OPENDP_PART * seconds[_OPENDP_ROW], "s", None, note)
    row = "bare_keystream_seconds"
    yield Row(row, seconds[row], "s", None, "AES-256-CTR alone, 8 bytes a value")


def _variances_hold(values: int) -> bool:
    """Whether a fresh share of every law has its variance within 6 standard errors."""
    laws = [NoiseLaw(one, deviation**2) for one in Mechanism for deviation in _DEVIATIONS]
    shares = [(law, draw_noise(law, values, _RANDOMNESS.bytes(_KEY_BYTES))) for law in laws]
    tolerance = 6 * (2 / values) ** 0.5
    return all(abs(share.var() / law.variance - 1) < tolerance for law, share in shares)


def _chart_of(results: Results) -> Chart:
    by_name = {row.name: row for row in results.rows}
    panels = [
        Panel(
            f"A share at standard deviation {deviation:,}",
            [
                _bar("numpy, two Poissons", by_name[f"numpy_poissons_sd{deviation}_seconds"]),
                *(_bar(name, by_name[f"{name}_sd{deviation}_seconds"]) for name in _NAMES.values()),
                _bar("bare keystream", by_name["bare_keystream_seconds"]),
            ],
        )
        for deviation in _DEVIATIONS
    ]
    return Chart(results.title, panels, footer(results.environment))


def _bar(label: str, row: Row) -> Bar:
    colour = OURS if label in _NAMES.values() else OTHERS
    return Bar(label, row.value, figure(row.value, row.unit), colour)


if __name__ == "__main__":
    sys.exit(main())
