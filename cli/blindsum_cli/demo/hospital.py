"""A demo hospital, a process of its own: train, encode, contribute, by the client's public face.

    python -m blindsum_cli.demo.hospital cleveland --manifest ... --digest ... --harness FOLDER

It takes part in every study whose manifest it is given, each in a thread. What a real hospital runs
is `take_part` without its harness lines, and with `client.encode`: they fix the coins of the
rounding, write integers and times down for the DEMO HARNESS, and hold the process where the demo
wants to kill it or to have it come late.
"""

import time
from collections.abc import Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Final

import numpy as np
import structlog
import typer

from blindsum_cli.demo.clock import Clock
from blindsum_cli.demo.harness import Harness, rounding_coins
from blindsum_cli.demo.heart_disease import SPLIT_SEED, Records, training_records
from blindsum_cli.demo.local_training import RECIPE, Recipe, train
from blindsum_cli.demo.network import initial_model as first_model
from blindsum_cli.demo.sending import send
from blindsum_cli.logs import SERVICE, configure_logs
from blindsum_cli.manifest_file import read_manifest
from blindsum_cli.passphrase import read_passphrase
from blindsum_client import Client, ClientPolicy, Round, Update
from blindsum_client.encode import RoundBasis, encode_update
from blindsum_client.stages import Stage
from blindsum_rules.manifest import Manifest

_log = structlog.get_logger("blindsum.demo.hospital")

MIN_COHORT_FLOOR: Final = 3
NOBODY_HELD: Final = -1
_POLL_SECONDS: Final = 0.05


def main(
    hospital: Annotated[str, typer.Argument(help="Whose records are trained on.")],
    manifest: Annotated[list[Path], typer.Option(help="STUDY.manifest; repeatable.")],
    digest: Annotated[list[str], typer.Option(help="One for each --manifest, in order.")],
    key: Annotated[Path, typer.Option()],
    passphrase_file: Annotated[Path, typer.Option()],
    aggregator: Annotated[str, typer.Option()],
    state: Annotated[Path, typer.Option(help="Folder of the state folders, one a study.")],
    initial_model: Annotated[Path, typer.Option()],
    harness: Annotated[Path, typer.Option(help="Folder of the demo harness.")],
    seed: Annotated[int, typer.Option()] = SPLIT_SEED,
    rounds: Annotated[int, typer.Option()] = RECIPE.rounds,
    hold_before_payload: Annotated[
        int, typer.Option(help="Round in which to stop between header and payload; -1: none.")
    ] = NOBODY_HELD,
) -> None:
    """Take part in the demo's studies until they end."""
    configure_logs(SERVICE)
    records, recipe = training_records(hospital, seed), replace(RECIPE, rounds=rounds)
    # The first training loads what torch needs; no round shall wait for that.
    train(first_model(), records, recipe)
    with ExitStack() as stack:
        visits = []
        for file, told in zip(manifest, digest, strict=True):
            signed, _ = read_manifest(file, told)
            client = Client.join(
                file,
                digest=told,
                key_file=key,
                passphrase=read_passphrase(passphrase_file, str(key)),
                aggregator=aggregator,
                state=state / signed.body.study,
                policy=ClientPolicy(min_cohort_floor=MIN_COHORT_FLOOR),
                initial_model=initial_model,
            )
            stack.enter_context(client)
            kept = Harness(harness / signed.body.study / hospital)
            visit = Visit(client, signed.body, kept, (records, recipe), seed, hold_before_payload)
            visits.append(visit)
        run_side_by_side(visits)


@dataclass(frozen=True, slots=True)
class Visit:
    """A hospital in one study.

    Attributes:
        client: Its client there.
        manifest: The study.
        kept: DEMO HARNESS: where it writes down what the demo checks.
        training: Its records, and how it trains on them.
        seed: DEMO HARNESS: of the coins of the rounding.
        held_round: DEMO HARNESS: in which it stops between header and payload, or -1.
    """

    client: Client
    manifest: Manifest
    kept: Harness
    training: tuple[Records, Recipe]
    seed: int
    held_round: int

    def run(self) -> None:
        """Take part until the study ends."""
        self.kept.prepare()
        self.client.tell_stages_to(self._pass_stage)
        self.kept.say_ready()
        for round_ in self.client.rounds():
            self.take_part(round_)
        self.kept.keep_final(self.client.final())

    def take_part(self, round_: Round) -> None:
        """Train and contribute; a refusal costs the hospital a round and not the study."""
        records, recipe = self.training
        clock = Clock()
        update = train(dict(round_.model), records, recipe)
        clock.lap("train")
        coins = rounding_coins(self.seed, round_.number, self.client.name)
        start = self.manifest.layout.flatten(round_.model).astype(np.float32)
        basis = RoundBasis(round_.round_id, start)
        integers = encode_update(Update(update, records.count), basis, self.manifest, coins)
        clock.lap("encode")
        told = send(self.client, round_, integers, self.kept, clock)
        _log.info(**told, study=self.client.study, round_number=round_.number)

    def _pass_stage(self, round_number: int, stage: Stage) -> None:
        """Log how far a contribution is, and stand still where the demo wants it."""
        _log.info("stage", study=self.client.study, round_number=round_number, stage=stage.value)
        if round_number == self.held_round and stage is Stage.HEADER:
            self.kept.say_held(round_number)
            while not (self.kept.may_go(round_number) or self.client.closed):
                time.sleep(_POLL_SECONDS)


def run_side_by_side(visits: Sequence[Visit]) -> None:
    """Run every visit in a thread; one that fails ends them all, and its error is raised."""
    with ThreadPoolExecutor(len(visits), thread_name_prefix="study") as pool:
        running = [pool.submit(visit.run) for visit in visits]
        finished, others = wait(running, return_when=FIRST_EXCEPTION)
        if others:
            for visit in visits:
                visit.client.close()
        for one in finished:
            one.result()


if __name__ == "__main__":
    # Typer's own tracebacks may show local variables, and one of them is a passphrase.
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(main)
    app()
