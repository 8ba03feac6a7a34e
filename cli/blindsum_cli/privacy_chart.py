"""A privacy plan's plot: epsilon over rounds and over colluders, lines from zero."""

from pathlib import Path
from typing import TYPE_CHECKING, Final

from blindsum_cli.bench.chart import OTHERS, OURS, check_plot_file
from blindsum_cli.privacy_figures import PlanFigures
from blindsum_rules.privacy.accountant import best_order
from blindsum_rules.privacy.plan import Plan

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_SIZE_INCHES: Final = (9.0, 3.6)
_POINTS: Final = 100
_MOST_COLLUDERS: Final = 50


def write_curves(plan: Plan, path: Path) -> None:
    """Draw the plan's curves into a file; the folder is made if it is missing.

    Raises:
        Refused: as `check_plot_file`.
    """
    check_plot_file(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    metadata = {"Date": None} if path.suffix == ".svg" else None
    draw_curves(plan).savefig(path, dpi=120, metadata=metadata)


def draw_curves(plan: Plan) -> "Figure":
    """Two sets of axes: over rounds, and over colluding organisations."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    figure = Figure(figsize=_SIZE_INCHES, layout="constrained")
    figure.suptitle(str(plan.guarantee), x=0.01, ha="left", fontsize=11)
    over_rounds, over_colluders = figure.subplots(1, 2)
    _draw_rounds(over_rounds, plan)
    _draw_colluders(over_colluders, plan)
    for axes in (over_rounds, over_colluders):
        axes.set_ylim(bottom=0)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_ylabel("epsilon")
        axes.spines[["top", "right"]].set_visible(False)
    return figure


def _draw_rounds(axes: "Axes", plan: Plan) -> None:
    most, delta = plan.setting.rounds, plan.setting.conversion_delta
    counts = sorted({max(1, round(most * step / _POINTS)) for step in range(1, _POINTS + 1)})
    curve = plan.curve(plan.honest_shares)
    shortest = [best_order(curve, count, delta)[1] for count in counts]
    ledger = [plan.guarantee_after(count).epsilon for count in counts]
    axes.plot(counts, shortest, color=OTHERS, label="a study of so many rounds only")
    axes.plot(counts, ledger, color=OURS, label=f"this plan's ledger, order {plan.order}")
    axes.set_xlabel("rounds")
    axes.legend(frameon=False, fontsize=8)


def _draw_colluders(axes: "Axes", plan: Plan) -> None:
    organisations = plan.setting.cohort.organisations
    counts = range(1, min(PlanFigures(plan).most_colluders(), _MOST_COLLUDERS) + 1)
    epsilons = [plan.guarantee_against(count).epsilon for count in counts]
    axes.plot(counts, epsilons, color=OURS, marker="o", markersize=3)
    axes.set_xlabel(f"colluding organisations of {organisations:,}")
