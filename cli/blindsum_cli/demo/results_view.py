"""The demo's results in tables, and in plain words who saw what."""

import textwrap
from collections.abc import Iterable, Mapping
from typing import Final

from rich.markup import escape
from rich.table import Table

from blindsum_auditor.report import Status
from blindsum_cli import report_view
from blindsum_cli.console import out, say
from blindsum_cli.demo.quality import LABEL, MOST_DIFFERENCE, Row
from blindsum_cli.demo.results import Artefact, Results
from blindsum_cli.demo.rounds import timed
from blindsum_cli.demo.scoring import paired_gap, summarise
from blindsum_cli.demo.study_text import QUORUM, THRESHOLD

WHO_SAW_WHAT: Final = (
    "a hospital saw its own update, the model, who was in the sum, and the sum",
    "the aggregator saw sealed vectors, who sent them, and the opened sum: never an update",
    "a custodian saw signed headers and its own wrapped seeds: never a vector, not even a sealed "
    "one, and never the sum",
    f"opening took the parts of {THRESHOLD} custodians, for one frozen set, which {QUORUM} had to "
    "sign first",
    "the auditor saw files; these transcripts also hold what only the entitled may read: sums and "
    "models",
)
"""What each role came to see in a round."""

_FOR_THE_DEMO_ALONE: Final = (
    "In the clear, for the demo alone: the hospitals' integers in the harness folder, and the test "
    "sets. And the coins of the rounding come from --seed, so that every seal gets the same "
    "integers; what seals comes from the operating system. One person runs all nine processes "
    "here, so this shows the protocol at work, and gives nobody privacy from that person."
)


def render(results: Results) -> None:
    """Write the results to standard output."""
    out.print(_in_words(results))
    out.print(_aucs(results))
    out.print(_side_by_side(results))
    out.print("Who saw what, in every round:")
    for sentence in WHO_SAW_WHAT:
        print_item(sentence)
    out.print(_FOR_THE_DEMO_ALONE)
    for artefact in results.artefacts.values():
        print_verdict(artefact)
    out.print("What no transcript can show:")
    for limit in next(iter(results.artefacts.values())).report.limits:
        print_item(limit)
    seconds = results.seconds
    out.print(
        f"whole run {seconds['whole run']:.0f} s, of which {seconds['setting up']:.1f} s were keys "
        f"and manifests and {seconds['studies']:.0f} s the rounds"
    )


def _in_words(results: Results) -> str:
    rounds = len(results.rounds)
    exact = sum(row.holds for row in results.rounds)
    opened = " == ".join(f"sum through {seal}" for seal in results.seals)
    sentences = [
        f"{exact} of {rounds} rounds: {opened} == plaintext sum of U's integers, bit for bit."
    ]
    if len(results.seals) > 1:
        are = "are" if results.same_models else "are NOT"
        sentences.append(
            f"The studies' models {are} equal byte for byte in every round and at the end."
        )
    differences = max(results.quality.differences.values())
    sentences.append(
        f"Sealed against plaintext training: mean AUC differs by {differences:.5f}, at most "
        f"{MOST_DIFFERENCE} is allowed; a parameter by "
        f"{results.quality.largest_parameter_difference:.1e}."
    )
    return "\n".join(sentences)


def _aucs(results: Results) -> Table:
    quality = results.quality
    best = quality.best_hospital
    table = Table(title=f"AUC over ten stated splits ({LABEL})", title_justify="left")
    for column in ("training", "mean", "± sd", f"above {best}, paired"):
        table.add_column(column, justify="left" if column == "training" else "right")
    rows: dict[str, Row] = {f"{name} alone": row for name, row in quality.hospitals.items()}
    rows |= {"plaintext FedAvg, same U": quality.plaintext}
    rows |= {f"[bold]through {seal}[/]": row for seal, row in quality.sealed.items()}
    rows |= {"pooled in one place": quality.pooled}
    for name, row in rows.items():
        summary, gap = summarise(row), paired_gap(row, quality.hospitals[best])
        above = "" if name == f"{best} alone" else f"{gap.mean:+.4f} ± {gap.deviation:.4f}"
        table.add_row(name, f"{summary.mean:.4f}", f"{summary.deviation:.4f}", above)
    return table


def _side_by_side(results: Results) -> Table:
    """What came of each seal, and what a round costs."""
    artefacts = results.artefacts.values()
    table = Table(title="Side by side", title_justify="left")
    table.add_column("")
    for seal in results.artefacts:
        table.add_column(seal, justify="right")
    table.add_row("rounds whose sum is exact", *(_exact(results, seal) for seal in results.seals))
    aucs = [float(results.quality.sealed[seal].mean()) for seal in results.seals]
    table.add_row("AUC, mean over the splits", *(f"{one:.4f}" for one in aucs))
    table.add_section()
    table.add_row("[bold]bytes of a contribution[/]", *(f"{o.bytes_sent:,.0f}" for o in artefacts))
    sizes = [one.bytes_per_client_round for one in artefacts]
    for kind in sorted(_union(sizes), key=lambda kind: not kind.startswith("sent/")):
        name = kind.replace("sent/", "  ").replace("fetched/", "bytes fetched: ")
        table.add_row(name, *(f"{one[kind]:,.0f}" if kind in one else "" for one in sizes))
    table.add_section()
    seconds = [one.seconds for one in artefacts]
    is_disturbed = any(row.remark for row in timed(results.rounds))
    a_round = f"[bold]seconds of {'a ' if is_disturbed else 'an un'}disturbed round[/]"
    for step in _union(seconds):
        name = step.replace("aggregator: ", "  while it is ").replace("round", a_round)
        table.add_row(name, *(f"{one[step]:.3f}" if step in one else "" for one in seconds))
    return table


def _exact(results: Results, seal: str) -> str:
    exact = sum(row.seals[seal].is_exact for row in results.rounds)
    return f"{exact} of {len(results.rounds)}"


def _union(maps: Iterable[Mapping[str, float]]) -> list[str]:
    """The keys of all maps, in the order in which they first come."""
    return list(dict.fromkeys(key for one in maps for key in one))


def print_verdict(artefact: Artefact) -> None:
    """The auditor's verdict in a sentence; in full, when it is a refusal."""
    report = artefact.report
    say(f"$ blindsum verify {artefact.folder} --digest {report.manifest_digest.hex()}")
    if not report.accepted:
        report_view.render(report)
        return
    ended = "ended" if report.ended else "not ended"
    print_item(
        f"accepted: {report.rounds} rounds up to the level {report.level.value}, "
        f"{len(report.of_status(Status.OK))} findings ok, {len(report.failed)} failed, "
        f"{len(report.not_checkable)} not checkable; the study has {ended}"
    )


def print_item(sentence: str) -> None:
    """One item of a list, below its dash on every line."""
    say(textwrap.fill(escape(sentence), out.width, initial_indent="  - ", subsequent_indent="    "))
