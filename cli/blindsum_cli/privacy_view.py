"""A privacy plan in tables and sentences: the promise first, what it does not cover last."""

from collections.abc import Iterable

from rich.markup import escape
from rich.table import Table

from blindsum_cli.console import advise, out, say
from blindsum_cli.privacy_comparison import EXTRA_MISSING, comparisons, has_second_opinion
from blindsum_cli.privacy_figures import PlanFigures
from blindsum_rules.privacy.guarantee import Unit


def render(figures: PlanFigures) -> None:
    """Write the plan to standard output."""
    plan, setting = figures.plan, figures.plan.setting
    cohort, by_unit = setting.cohort, setting.unit is not Unit.CLIENT
    say(
        f"{cohort.clients:,} clients of {cohort.organisations:,} organisations, sums of "
        f"{cohort.min_cohort:,} clients or more, {setting.dimension:,} values, "
        f"{setting.rounds:,} rounds"
    )
    say(f"[bold]{plan.guarantee}[/]")
    out.print(_table("What the manifest fixes", (), _parameters(figures)))
    out.print(_table("What is sent", (), _bytes(figures)))
    over = f"{figures.units:,} {setting.unit}s" if by_unit else "the clients of the sum"
    out.print(_table(f"Noise of one value of the mean over {over}", (), _noise(figures)))
    rounds = ((f"{count:,}", f"{epsilon:.4g}") for count, epsilon in figures.over_rounds().items())
    out.print(_table("Epsilon over rounds", ("rounds", "epsilon"), rounds))
    colluders = ("colluding organisations", "shares they do not know", "epsilon")
    out.print(_table("Epsilon over colluders", colluders, _colluders(figures)))
    compared = ((name, f"{epsilon:.4g}") for name, epsilon in comparisons(plan).items())
    out.print(_table("Compared, at the same noise", (), compared))
    say(
        f"Neighbours: {setting.relation} of one {setting.unit}, its noise share stays. Exchanging "
        f"one for another: epsilon {figures.replaced_epsilon():.4g}."
    )
    say("Not covered:")
    for sentence in figures.not_covered():
        say(f"- {sentence}")
    say("A plan: what is promised stands in a manifest, and `blindsum study show` tells it.")
    _advise(figures)


def _parameters(figures: PlanFigures) -> Iterable[tuple[str, str]]:
    plan = figures.plan
    yield "noise multiplier", f"{plan.noise_multiplier:.4g} times the clip norm, together"
    yield "shares that count", f"{plan.honest_shares:,} of the smallest sum"
    yield "share", f"{plan.share.mechanism}, variance {plan.share.variance:,} a value"
    yield "levels", f"{plan.levels:,} for the clip norm"
    yield "field", f"{plan.field_bits} bits: {plan.worst_sum:,} and noise of {plan.noise_tail:,}"
    yield "order of the ledgers", f"{plan.order}"


def _bytes(figures: PlanFigures) -> Iterable[tuple[str, str]]:
    for seal, found in figures.sealed_bytes().items():
        size = 0 if isinstance(found, str) else round(found * figures.plan.setting.dimension)
        words = f"{found:.4g} bytes a value, {size:,} a client a round" if size else str(found)
        yield f"seal {seal}", escape(words)


def _noise(figures: PlanFigures) -> Iterable[tuple[str, str]]:
    for members, deviation in figures.noise().items():
        yield f"{members:,} clients", f"{deviation:.4g} times the clip norm"
    yield "whole vector", f"{figures.noise_of_vector():.4g} times the clip norm, all clients"


def _colluders(figures: PlanFigures) -> Iterable[tuple[str, str, str]]:
    for count, (shares, epsilon) in figures.over_colluders().items():
        if epsilon is None:
            yield f"{count:,} or more", "0", "none: no noise is left"
        else:
            yield f"{count:,}", f"{shares:,}", f"{epsilon:.4g}"


def _advise(figures: PlanFigures) -> None:
    setting = figures.plan.setting
    if setting.delta * figures.units > 1:
        advise(f"choose a delta below 1/{figures.units:,}: {setting.delta:g} allows that one leaks")
    if not has_second_opinion():
        advise(EXTRA_MISSING)


def _table(title: str, columns: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Table:
    table = Table(title=title, title_justify="left", show_header=bool(columns))
    for column in columns:
        table.add_column(column, justify="right")
    for row in rows:
        table.add_row(*row)
    return table
