"""The demo's results in tables, and in plain words who saw what."""

from collections.abc import Mapping
from typing import Final

from rich.table import Table

from blindsum_cli import report_view
from blindsum_cli.console import out, say
from blindsum_cli.demo.quality import LABEL, MOST_DIFFERENCE, Row
from blindsum_cli.demo.results import Results
from blindsum_cli.demo.scoring import paired_gap, summarise
from blindsum_cli.demo.study_setup import QUORUM, THRESHOLD

_WHO_SAW_WHAT: Final = (
    "a hospital saw its own update, the model, who was in the sum, and the sum",
    "the aggregator saw sealed vectors, who sent them, and the opened sum: never an update",
    "a custodian saw signed headers and its own wrapped seeds: never a vector, not even a sealed "
    "one, and never the sum",
    f"opening took the parts of {THRESHOLD} custodians, for one frozen set, which {QUORUM} had to "
    "sign first",
    "the auditor saw files; this transcript also holds what only the entitled may read: sums and "
    "models",
)
_FOR_THE_DEMO_ALONE: Final = (
    "In the clear, for the demo alone: the hospitals' integers in the harness folder, and the test "
    "sets. One person runs all nine processes here, so this shows the protocol at work, and gives "
    "nobody privacy from that person."
)


def render(results: Results) -> None:
    """Write the results to standard output."""
    out.print(_aucs(results))
    quality = results.quality
    say(
        f"sealed against plaintext: mean AUC differs by {quality.difference:.5f}, at most "
        f"{MOST_DIFFERENCE} is allowed; a parameter by {quality.largest_parameter_difference:.1e}"
    )
    out.print(_numbers("Seconds", results.seconds, ".2f"))
    out.print(_numbers("Bytes of one client in one round", results.bytes_per_client_round, ",.0f"))
    say("Who saw what, in every round:")
    for sentence in _WHO_SAW_WHAT:
        say(f"  - {sentence}")
    say(_FOR_THE_DEMO_ALONE)
    say(f"$ blindsum verify {results.artefact} --digest {results.report.manifest_digest.hex()}")
    report_view.render(results.report)


def _aucs(results: Results) -> Table:
    quality = results.quality
    best = quality.best_hospital
    table = Table(title=f"AUC over ten stated splits ({LABEL})", title_justify="left")
    for column in ("training", "mean", "± sd", f"above {best} alone, paired"):
        table.add_column(column, justify="left" if column == "training" else "right")
    rows: dict[str, Row] = {f"{name} alone": row for name, row in quality.hospitals.items()}
    rows |= {
        "plaintext FedAvg, same absences": quality.plaintext,
        "[bold]CKKS, aggregate only[/]": quality.ckks,
        "pooled in one place": quality.pooled,
    }
    for name, row in rows.items():
        summary, gap = summarise(row), paired_gap(row, quality.hospitals[best])
        above = "" if name == f"{best} alone" else f"{gap.mean:+.4f} ± {gap.deviation:.4f}"
        table.add_row(name, f"{summary.mean:.4f}", f"{summary.deviation:.4f}", above)
    return table


def _numbers(title: str, values: Mapping[str, float], form: str) -> Table:
    table = Table(title=title, title_justify="left", show_header=False)
    table.add_column()
    table.add_column(justify="right")
    for name, value in values.items():
        table.add_row(name, format(value, form))
    return table
