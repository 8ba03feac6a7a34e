"""`blindsum demo`: four hospitals train one model that none could train alone, through seals."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer

from blindsum_cli.console import advise, note, say
from blindsum_cli.demo.options import DemoFolder, DemoJson, DemoPort
from blindsum_cli.exits import DONE, RULE_BROKE
from blindsum_crypto.errors import Refused

LEAST_EPSILON: Final = 0.05
MOST_EPSILON: Final = 15.0
"""Below, noise leaves nothing of the demo's model; above, next to nothing is hidden."""

_ROUNDS: Final = 12


class Seals(StrEnum):
    """Through which seals the demo trains: each is a study of its own."""

    CKKS = "ckks"
    MASKING = "masking"
    BOTH = "both"

    @property
    def names(self) -> tuple[str, ...]:
        """The seals' names in a manifest."""
        return (self.CKKS.value, self.MASKING.value) if self is Seals.BOTH else (self.value,)


def demo(
    seal: Annotated[
        Seals | None,
        typer.Option(
            help="Through which seal; both: two studies that share all processes. Default: both, "
            "with --epsilon ckks.",
            show_default=False,
        ),
    ] = None,
    epsilon: Annotated[
        float | None,
        typer.Option(
            help="Hide every record: noise that promises this epsilon over the planned rounds, "
            "against one curious hospital, at delta 1e-5. 3 and 1 are the stated ones; about 1 is "
            "strong, 10 is weak.",
        ),
    ] = None,
    rounds: Annotated[
        int | None,
        typer.Option(
            help="Rounds of each study; with --epsilon, those that the budget is made for. "
            "Default: 12, with --epsilon 20.",
            min=3,
            max=100,
            show_default=False,
        ),
    ] = None,
    seed: Annotated[
        int,
        typer.Option(
            help="Which ten splits of the records, and which coins of the rounding; 1988 are the "
            "stated ones. Noise has no seed.",
            min=0,
        ),
    ] = 1988,
    folder: DemoFolder = None,
    json_file: DemoJson = None,
    port: DemoPort = 0,
) -> None:
    """Train a heart-disease model over four hospitals through both seals, in nine processes.

    One aggregator, and in each hospital a custodian and a client, over loopback gRPC; all serve two
    studies, one a seal. A hospital is killed in the middle of an upload, another uploads too late,
    a custodian misses a round. The sums through both seals are compared with plain integers and
    with each other, the models with each other and with the same training in the clear, and the
    transcripts are verified. Exit code 0: all sums and models equal, no quality lost, transcripts
    accepted.

    With --epsilon 3 every hospital clips the gradient of each record and adds noise before it
    seals, so that the sum itself hides a record. One of the ten splits goes through the processes,
    nine are trained in this one. It shows what the noise costs (no noise, epsilon 3 and epsilon 1
    side by side), what the promise means, and how ledgers end the study when its budget is spent.

    Then look into the folder that it names: `blindsum verify FOLDER/transcripts/heart-ckks`.
    """
    if epsilon is None:
        root = _named_folder(folder)
        code = _run_exact(root, (rounds or _ROUNDS, seed, port), seal or Seals.BOTH, json_file)
    else:
        one = _one_seal(seal)
        _check_epsilon(epsilon)
        root = _named_folder(folder)
        code = _run_private(root, (rounds, seed, port), (one, epsilon), json_file)
    if code:
        raise typer.Exit(code)


def _run_exact(
    root: Path, numbers: tuple[int, int, int], seal: Seals, json_file: Path | None
) -> int:
    """The demo without noise; its exit code."""
    with _torch_extra():
        from blindsum_cli.demo.run import run_demo
    from blindsum_cli.demo.results_view import render

    results = run_demo(root, *numbers, seal.names)
    if json_file is not None:
        results.write(json_file)
    render(results)
    return _verdict(root, holds=results.holds)


def _run_private(
    root: Path,
    numbers: tuple[int | None, int, int],
    wish: tuple[str, float],
    json_file: Path | None,
) -> int:
    """The private demo; its exit code."""
    with _torch_extra():
        from blindsum_cli.demo.private.run import run_private_demo
    from blindsum_cli.demo.private.recipe import PrivateRecipe
    from blindsum_cli.demo.private.results_view import render_private

    rounds, seed, port = numbers
    recipe = PrivateRecipe() if rounds is None else PrivateRecipe(rounds=rounds)
    seal, epsilon = wish
    results = run_private_demo(root, epsilon, recipe, seal, seed=seed, port=port)
    if json_file is not None:
        results.write(json_file)
    render_private(results)
    return _verdict(root, holds=results.holds)


def _verdict(root: Path, *, holds: bool) -> int:
    if holds:
        return DONE
    note("[bold red]The demo did not hold what it promises.[/]")
    advise(f"see the tables above, and the logs in {root / 'logs'}")
    return RULE_BROKE


def _one_seal(seal: Seals | None) -> str:
    """The seal of a private study.

    Raises:
        Refused: `demo-private-seal`, for both.
    """
    if seal is Seals.BOTH:
        raise Refused(
            "demo-private-seal",
            "expected one seal beside --epsilon: two studies of the same records would spend two "
            "budgets",
        )
    return (seal or Seals.CKKS).value


def _check_epsilon(epsilon: float) -> None:
    """Refuse what no study is planned with, before a folder is made.

    Raises:
        Refused: `demo-epsilon`.
    """
    if not LEAST_EPSILON <= epsilon <= MOST_EPSILON:
        raise Refused(
            "demo-epsilon",
            f"expected an epsilon of {LEAST_EPSILON:g} to {MOST_EPSILON:g}, got {epsilon:g}",
        )


@contextmanager
def _torch_extra() -> Iterator[None]:
    """Say which extra is missing where torch is.

    Raises:
        Refused: `demo-needs-torch`.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise Refused("demo-needs-torch", "expected torch: pip install 'blindsum[demo]'") from error


def _named_folder(folder: Path | None) -> Path:
    root = _empty_folder(folder)
    say(f"folder  {root}")
    return root


def _empty_folder(folder: Path | None) -> Path:
    if folder is None:
        return Path(tempfile.mkdtemp(prefix="blindsum-demo-"))
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise Refused("demo-folder", f"expected a new or an empty folder, got {folder}")
    return folder.resolve()
