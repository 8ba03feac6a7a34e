"""The private demo's results in tables, and in plain words what its epsilon means."""

from typing import Final

from rich.table import Table

from blindsum_cli.console import out, say
from blindsum_cli.demo.heart_disease import HOSPITALS
from blindsum_cli.demo.places import Places
from blindsum_cli.demo.private.course import RESTARTED
from blindsum_cli.demo.private.promise import Against, over_colluders
from blindsum_cli.demo.private.recipe import MOST_LOSS, PrivateRecipe
from blindsum_cli.demo.private.results import PrivateResults
from blindsum_cli.demo.private.study import STUDY
from blindsum_cli.demo.quality import LABEL, Row
from blindsum_cli.demo.results_view import WHO_SAW_WHAT, print_item, print_verdict
from blindsum_cli.demo.scoring import Summary, paired_gap, summarise
from blindsum_cli.privacy_figures import NOT_COVERED

_MEANING: Final = (
    "hidden is one record of one hospital: with it or with zeros in its place, what everybody "
    "sees is almost as likely (relation zero-out; every site sums all its records, over a public "
    "number, so this is adding or removing the record)",
    "every hospital clips each record's gradient, adds its own share of noise, and seals the sum",
    "c is never 0: a hospital knows its own noise and takes it off what it sees",
)
_UNCHARGED: Final = (
    "clip norm, step, rounds and averaging were tuned on these very records, which no budget was "
    "charged for: the figures are those of a tuned model, and a real study tunes elsewhere",
    "ten splits are trained so that a mean can be told: they share records, and a study that "
    "published ten models of them would spend ten budgets",
    "the AUCs: released here without noise, by the demo's harness, over a public test set",
)
_FOR_THE_DEMO_ALONE: Final = (
    "In the clear, for the demo alone: the hospitals' integers in the harness folder, noise "
    "included, and the test sets. One person runs all nine processes here, so this shows the "
    "protocol at work, and gives nobody privacy from that person."
)


def render_private(results: PrivateResults) -> None:
    """Write the results to standard output."""
    out.print(
        f"{results.exact_rounds} of {len(results.rounds)} rounds: sum through {results.seal} == "
        "plain sum of the integers that U sealed, noise included, bit for bit."
    )
    out.print(_columns(results))
    if not results.is_judged:
        out.print(f"What noise may cost is stated for {PrivateRecipe().rounds} rounds alone.")
    out.print(_hospitals(results))
    out.print(_promise(results))
    out.print(_budget(results))
    for sentence in _of_the_budget(results):
        print_item(sentence)
    for command in _own_ledgers(results):
        say(command)
    out.print("What this epsilon means:")
    for sentence in _MEANING:
        print_item(sentence)
    out.print("Not covered by it:")
    for sentence in (*_UNCHARGED, *NOT_COVERED[:3], NOT_COVERED[-1]):
        print_item(sentence)
    out.print("Who saw what, in every round:")
    for sentence in WHO_SAW_WHAT:
        print_item(sentence)
    out.print(_FOR_THE_DEMO_ALONE)
    print_verdict(results.artefact)
    seconds = results.seconds
    out.print(
        f"whole run {seconds['whole run']:.0f} s, of which {seconds['studies']:.0f} s were the "
        f"rounds of nine processes and {seconds['one process']:.0f} s the trainings in one"
    )


def _columns(results: PrivateResults) -> Table:
    """No noise and every epsilon side by side."""
    quality, plans = results.quality, list(results.plans.values())
    rows: list[Row] = [quality.exact, *quality.noisy.values()]
    table = Table(title=f"AUC over ten stated splits ({LABEL})", title_justify="left")
    for column in ("", "no noise", *(f"epsilon {epsilon:g}" for epsilon in quality.noisy)):
        table.add_column(column, justify="right" if column else "left")
    summaries = [summarise(row) for row in rows]
    table.add_row("[bold]mean[/]", *(f"[bold]{one.mean:.4f}[/]" for one in summaries))
    table.add_row("± sd over splits", *(f"{one.deviation:.4f}" for one in summaries))
    lost = [paired_gap(quality.exact, row) for row in rows[1:]]
    table.add_row("lost by noise, paired", "", *(f"{one.mean:+.4f}" for one in lost))
    table.add_row("  ± sd", "", *(f"{one.deviation:.4f}" for one in lost))
    if results.is_judged:
        stated = [MOST_LOSS.get(epsilon) for epsilon in quality.noisy]
        most = ("" if one is None else f"{one:.3f}" for one in stated)
        table.add_row("  at most, as stated", "", *most)
    best = quality.best_hospital
    gains = [paired_gap(row, quality.hospitals[best]) for row in rows]
    table.add_row(f"above {best}, paired", *(f"{one.mean:+.4f}" for one in gains))
    table.add_row("  ± sd", *(f"{one.deviation:.4f}" for one in gains))
    table.add_section()
    table.add_row("through nine processes", "none", "split 1", *("none" for _ in plans[1:]))
    table.add_row("noise multiplier z", "0", *(f"{plan.noise_multiplier:.2f}" for plan in plans))
    table.add_row("levels L", "", *(f"{plan.levels:,}" for plan in plans))
    table.add_row("field, bits a value", "", *(f"{plan.field_bits}" for plan in plans))
    sent = f"{results.artefact.bytes_sent:,.0f}"
    table.add_row("bytes of a contribution", "", sent, *("" for _ in plans[1:]))
    return table


def _hospitals(results: PrivateResults) -> Table:
    """What each hospital has by itself."""
    title = "Each hospital alone, the same training without noise"
    table = Table(title=title, title_justify="left")
    for column in ("hospital", "mean", "± sd"):
        table.add_column(column, justify="left" if column == "hospital" else "right")
    for name, row in results.quality.hospitals.items():
        table.add_row(name, *_mean_and_deviation(summarise(row)))
    return table


def _promise(results: PrivateResults) -> Table:
    """Epsilon over the hospitals that collude."""
    setting = results.plan.setting
    table = Table(
        title=f"Epsilon at delta {setting.delta:g}, by colluding hospitals c",
        title_justify="left",
    )
    smallest, everybody = setting.cohort.min_cohort, len(HOSPITALS)
    promised = (f"n_eff of a\nsum of {smallest}", "epsilon promised,\nwhoever is in")
    so_far = (f"n_eff of a\nsum of {everybody}", f"epsilon of {setting.rounds}\nsuch rounds")
    for column in ("c", *promised, *so_far):
        table.add_column(column, justify="right")
    for one in over_colluders(results.plan):
        table.add_row(*_cells(one))
    return table


def _budget(results: PrivateResults) -> Table:
    """What every ledger says after the planned rounds, and when no other was affordable."""
    charging = results.course.ended.charging
    table = Table(
        title=f"Each hospital's budget, nats at order {charging.budget.order}", title_justify="left"
    )
    for column in ("after", "spent", "of", "epsilon so far", "such rounds left"):
        table.add_column(column, justify="left" if column == "after" else "right")
    for ledgers in (results.course.planned, results.course.ended):
        account = ledgers.dearest
        table.add_row(
            f"{account.rounds} rounds",
            f"{account.settled.divergence:.4f}",
            f"{account.budget.divergence:.4f}",
            f"{account.spent_epsilon:.3f}",
            f"{ledgers.rounds_left}",
        )
    return table


def _of_the_budget(results: PrivateResults) -> tuple[str, ...]:
    course, refusals = results.course, results.refusals
    agree = "agree" if results.books_agree else "do NOT agree"
    refusing = [name for name, rule in refusals.items() if rule == "privacy-budget"]
    clients = sum(name in course.spent.clients for name in refusing)
    return (
        f"{len(refusals) + 1} books {agree} to the last step, after the planned rounds and at the "
        "end: the ledgers of four clients and four custodians, and the auditor's account",
        f"{clients} of {len(course.spent.clients)} clients and {len(refusing) - clients} of "
        f"{len(course.spent.custodians)} custodians refuse another round by their own ledger, read "
        f"from disk (privacy-budget); {RESTARTED}'s two after they were killed and started again",
        f"asked for round {len(results.rounds)}, the aggregator ended the study instead; the model "
        f"of the planned {results.recipe.rounds} rounds is the one that is scored",
    )


def _own_ledgers(results: PrivateResults) -> tuple[str, str]:
    """Commands by which a hospital and its custodian read their own ledgers."""
    # The transcript lies in a folder of transcripts, below the demo's.
    places = Places(results.artefact.folder.parents[1])
    spent = f"$ blindsum privacy spent {places.manifest(STUDY)}"
    client, custodian = places.client(RESTARTED), places.custodian(RESTARTED)
    return (f"{spent} --state {client.state / STUDY}", f"{spent} --store {custodian.state}")


def _cells(one: Against) -> tuple[str, ...]:
    return (
        f"{one.colluders}",
        f"{one.shares}",
        _epsilon(one.epsilon),
        f"{one.shares_of_all}",
        _epsilon(one.epsilon_of_all),
    )


def _epsilon(epsilon: float | None) -> str:
    return "none left" if epsilon is None else f"{epsilon:.2f}"


def _mean_and_deviation(summary: Summary) -> tuple[str, str]:
    return f"{summary.mean:.4f}", f"{summary.deviation:.4f}"
