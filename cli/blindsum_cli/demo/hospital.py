"""A demo hospital, a process of its own: train, encode, contribute, by the client's public face.

    python -m blindsum_cli.demo.hospital cleveland --manifest ... --harness FOLDER

What a real hospital runs is this loop without its harness lines: they write the integers and times
down for the DEMO HARNESS, and hold the process where the demo wants to kill it.
"""

import time
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Final

import structlog
import typer

from blindsum_cli.demo.harness import Harness
from blindsum_cli.demo.heart_disease import SPLIT_SEED, Records, training_records
from blindsum_cli.demo.local_training import RECIPE, Recipe, train
from blindsum_cli.logs import SERVICE, configure_logs
from blindsum_cli.passphrase import read_passphrase
from blindsum_client import BlindsumError, Client, ClientPolicy, Round, Update
from blindsum_client.stages import Stage

_log = structlog.get_logger("blindsum.demo.hospital")

MIN_COHORT_FLOOR: Final = 3
NOBODY_HELD: Final = -1
_HOLD_SECONDS: Final = 600.0


def main(
    hospital: Annotated[str, typer.Argument(help="Whose records are trained on.")],
    manifest: Annotated[Path, typer.Option()],
    digest: Annotated[str, typer.Option()],
    key: Annotated[Path, typer.Option()],
    passphrase_file: Annotated[Path, typer.Option()],
    aggregator: Annotated[str, typer.Option()],
    state: Annotated[Path, typer.Option()],
    initial_model: Annotated[Path, typer.Option()],
    harness: Annotated[Path, typer.Option()],
    seed: Annotated[int, typer.Option()] = SPLIT_SEED,
    rounds: Annotated[int, typer.Option()] = RECIPE.rounds,
    hold_before_payload: Annotated[
        int, typer.Option(help="Round in which to stop between header and payload; -1: none.")
    ] = NOBODY_HELD,
) -> None:
    """Take part in the demo's study until it ends."""
    configure_logs(SERVICE)
    records = training_records(hospital, seed)
    kept = Harness(harness)
    with Client.join(
        manifest,
        digest=digest,
        key_file=key,
        passphrase=read_passphrase(passphrase_file, str(key)),
        aggregator=aggregator,
        state=state,
        policy=ClientPolicy(min_cohort_floor=MIN_COHORT_FLOOR),
        initial_model=initial_model,
    ) as client:
        client.tell_stages_to(_Stages(kept, hold_before_payload).pass_stage)
        kept.say_ready()
        for round_ in client.rounds():
            _take_part(client, round_, kept, (records, replace(RECIPE, rounds=rounds)))
        kept.keep_final(client.final())


def _take_part(
    client: Client, round_: Round, kept: Harness, training: tuple[Records, Recipe]
) -> None:
    """Train and contribute; a refusal costs the hospital a round and not the study."""
    records, recipe = training
    clock = _Clock()
    update = train(dict(round_.model), records, recipe)
    clock.lap("train")
    integers = client.encode(round_, Update(update, records.count))
    clock.lap("encode")
    kept.keep_integers(round_.number, integers)
    try:
        client.contribute(round_, integers)
        clock.lap("seal and send")
        outcome = client.outcome(round_)
        clock.lap("wait for the outcome")
    except BlindsumError as error:
        _log.warning("not-in-the-round", round_number=round_.number, rule=error.rule)
        return
    kept.keep_seconds(round_.number, clock.laps)
    _log.info("outcome", round_number=round_.number, included=outcome.included)


class _Clock:
    """Seconds of one step after the other."""

    def __init__(self) -> None:
        self.laps: dict[str, float] = {}
        self._since = time.perf_counter()

    def lap(self, step: str) -> None:
        now = time.perf_counter()
        self.laps[step] = now - self._since
        self._since = now


class _Stages:
    """Logs how far a contribution is, and holds the process where the demo wants to kill it."""

    def __init__(self, kept: Harness, held_round: int) -> None:
        self._kept = kept
        self._held_round = held_round

    def pass_stage(self, round_number: int, stage: Stage) -> None:
        _log.info("stage", round_number=round_number, stage=stage.value)
        if round_number == self._held_round and stage is Stage.HEADER:
            self._kept.say_held(round_number)
            time.sleep(_HOLD_SECONDS)


if __name__ == "__main__":
    typer.run(main)
