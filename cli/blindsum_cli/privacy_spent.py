"""`blindsum privacy spent`: what a study's rounds have cost so far, from a ledger on this disk."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from blindsum_cli.console import advise, out, print_json, say
from blindsum_cli.options import AsJson, ManifestPath

if TYPE_CHECKING:
    from blindsum_rules.privacy.account import Account
    from blindsum_rules.privacy.charging import Charging

_HOLDS_WHERE = "holds where stopping does not depend on the data"


@dataclass(frozen=True, slots=True)
class Ledger:
    """One ledger as it was read.

    Attributes:
        keeper: `client` or `custodian`.
        path: Where it lies.
        accounts: The accounts in it, ascending by who is charged.
    """

    keeper: str
    path: Path
    accounts: tuple["Account", ...]


def spent(
    file: ManifestPath,
    state: Annotated[
        Path | None,
        typer.Option(help="A client's --state folder: its own ledger.", file_okay=False),
    ] = None,
    store: Annotated[
        Path | None,
        typer.Option(
            help="A custodian's --store folder: its ledger of everybody who is charged.",
            file_okay=False,
        ),
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Tell what is spent of a study's privacy budget, and what is left; nobody is asked.

    Every sum that may have been opened is charged once, to each organisation (in the unit client:
    to each client) with a member in it, by the noise that was really in it. Rounds that failed
    after their freeze are charged too. A client reserves a round at its worst when it sends, and
    settles it later; a custodian charges when it endorses. After settling both ledgers agree to
    the last step. The budget's epsilon is the promise; what is spent so far is one only where
    nobody stops because of what the data showed.

    **Try:** `blindsum privacy spent heart-2026.manifest --state state/cleveland`

    Exit code 0: it was read; 1: the study keeps no budget, or the folder holds no ledger of it.
    """
    from blindsum_cli.manifest_file import read_amended
    from blindsum_rules.privacy.charging import Charging

    if state is None and store is None:
        raise typer.BadParameter("give --state, --store, or both")
    manifest = read_amended(file)
    study = manifest.body.study
    charging = Charging.of(manifest.body)
    ledgers: list[Ledger] = []
    if state is not None:
        from blindsum_client.ledger import read_account

        account = read_account(state, manifest)
        ledgers.append(Ledger("client", state, (account,)))
    if store is not None:
        from blindsum_cli.custodian import STORE_FILE
        from blindsum_custodian.store.reading import read_accounts

        accounts = read_accounts(store / STORE_FILE, manifest.body, manifest.digest)
        ledgers.append(Ledger("custodian", store, accounts))
    if as_json:
        print_json(document(study, charging, ledgers))
    else:
        _render(study, charging, ledgers)


# Any: JSON has no smaller type.
def document(study: str, charging: "Charging", ledgers: Iterable[Ledger]) -> dict[str, Any]:
    """What scripts read; divergences in nats, and in the exact steps that ledgers add."""
    promise = charging.plan.guarantee
    return {
        "study": study,
        "unit": promise.unit.value,
        "relation": promise.relation.value,
        "delta": promise.delta,
        "colluders": promise.colluders,
        "order": charging.plan.order,
        "round_at_its_worst": _charge(charging.worst.steps, charging.worst.divergence),
        "ledgers": [
            {
                "keeper": ledger.keeper,
                "path": str(ledger.path),
                "accounts": [_account(account) for account in ledger.accounts],
            }
            for ledger in ledgers
        ],
    }


def _account(account: "Account") -> dict[str, Any]:
    return {
        "charged": account.payer,
        "rounds": account.rounds,
        "settled": _charge(account.settled.steps, account.settled.divergence),
        "reserved": _charge(account.reserved.steps, account.reserved.divergence),
        "left": _charge(account.left.steps, account.left.divergence),
        "budget": _charge(account.budget.steps, account.budget.divergence),
        "epsilon_spent": account.spent_epsilon,
        "epsilon_budget": account.budget_epsilon,
    }


def _charge(steps: int, nats: float) -> dict[str, float]:
    return {"steps": steps, "nats": nats}


def _render(study: str, charging: "Charging", ledgers: Iterable[Ledger]) -> None:
    promise = charging.plan.guarantee
    say(f"study {escape(study)}: [bold]{promise}[/], over the whole study")
    for ledger in ledgers:
        out.print(_table(ledger))
        if any(not account.affords(charging.worst) for account in ledger.accounts):
            advise(
                "who has less left than a round at its worst takes part in no further round; more "
                "rounds need a new study."
            )
    say(
        f"Charges in nats at order {charging.plan.order}; a round at its worst costs "
        f"{charging.worst.divergence:.6g}. Epsilon spent {_HOLDS_WHERE}; the budget's holds always."
    )


def _table(ledger: Ledger) -> Table:
    title = f"Ledger of the {ledger.keeper}, {escape(str(ledger.path))}"
    table = Table(title=title, title_justify="left")
    table.add_column("charged")
    for column in ("rounds", "settled", "reserved", "left", "epsilon spent", "of epsilon"):
        table.add_column(column, justify="right")
    for account in ledger.accounts:
        table.add_row(
            escape(account.payer),
            f"{account.rounds:,}",
            f"{account.settled.divergence:.6g}",
            f"{account.reserved.divergence:.6g}",
            f"{account.left.divergence:.6g}",
            f"{account.spent_epsilon:.4g}",
            f"{account.budget_epsilon:.4g}",
        )
    return table
