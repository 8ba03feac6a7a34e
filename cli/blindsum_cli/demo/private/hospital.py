"""A hospital of the private demo, a process of its own: gradients of records, encode, contribute.

    python -m blindsum_cli.demo.private.hospital cleveland --manifest ... --digest ... --split 0

What a real hospital runs is `take_part` without its harness lines. The noise is the client's own:
no seed fixes it, here as anywhere, and it is in the integers that are kept for the DEMO HARNESS.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import structlog
import typer

from blindsum_cli.demo.clock import Clock
from blindsum_cli.demo.harness import Harness
from blindsum_cli.demo.heart_disease import SPLIT_SEED, Records, training_records
from blindsum_cli.demo.hospital import MIN_COHORT_FLOOR
from blindsum_cli.demo.private.gradients import first_model, gradients, of_split
from blindsum_cli.demo.private.recipe import PrivateRecipe
from blindsum_cli.demo.sending import send
from blindsum_cli.logs import SERVICE, configure_logs
from blindsum_cli.manifest_file import read_manifest
from blindsum_cli.passphrase import read_passphrase
from blindsum_client import Client, ClientPolicy, Round
from blindsum_rules.manifest import Manifest
from blindsum_rules.privacy.study_plan import privacy_policy, study_codec

_log = structlog.get_logger("blindsum.demo.hospital")


def main(
    hospital: Annotated[str, typer.Argument(help="Whose records are trained on.")],
    manifest: Annotated[Path, typer.Option(help="STUDY.manifest.")],
    digest: Annotated[str, typer.Option()],
    key: Annotated[Path, typer.Option()],
    passphrase_file: Annotated[Path, typer.Option()],
    aggregator: Annotated[str, typer.Option()],
    state: Annotated[Path, typer.Option(help="Folder of the state folders, one a study.")],
    initial_model: Annotated[Path, typer.Option()],
    harness: Annotated[Path, typer.Option(help="Folder of the demo harness.")],
    split: Annotated[int, typer.Option(help="Whose training records.")],
    seed: Annotated[int, typer.Option()] = SPLIT_SEED,
) -> None:
    """Take part in the private study until it ends."""
    configure_logs(SERVICE)
    records = of_split(training_records(hospital, seed), split)
    signed, _ = read_manifest(manifest, digest)
    study = signed.body
    # Asked once, at set-up: a refusal in a round would tell how many records there are.
    study_codec(study, privacy_policy(study).clip_norm).check_units(records.count)
    # The first gradients load what torch needs; no round shall wait for that.
    list(gradients(first_model(), records, study.layout, PrivateRecipe().batch_size))
    with Client.join(
        manifest,
        digest=digest,
        key_file=key,
        passphrase=read_passphrase(passphrase_file, str(key)),
        aggregator=aggregator,
        state=state / study.study,
        policy=ClientPolicy(min_cohort_floor=MIN_COHORT_FLOOR),
        initial_model=initial_model,
    ) as client:
        PrivateVisit(client, study, Harness(harness / study.study / hospital), records).run()


@dataclass(frozen=True, slots=True)
class PrivateVisit:
    """A hospital in the private study.

    Attributes:
        client: Its client there.
        manifest: The study.
        kept: DEMO HARNESS: where it writes down what the demo checks.
        records: Its training records.
    """

    client: Client
    manifest: Manifest
    kept: Harness
    records: Records

    def run(self) -> None:
        """Take part until the study ends."""
        self.kept.prepare()
        self.kept.say_ready()
        for round_ in self.client.rounds():
            self.take_part(round_)
        self.kept.keep_final(self.client.final())

    def take_part(self, round_: Round) -> None:
        """Make gradients and contribute; a refusal costs a round and not the study."""
        clock = Clock()
        batch_size = PrivateRecipe().batch_size
        batches = gradients(round_.model, self.records, self.manifest.layout, batch_size)
        # Its report stays here: counts of records, sent or logged, would be un-noised releases.
        integers, _ = self.client.encode_units(round_, batches)
        clock.lap("gradients and encode")
        told = send(self.client, round_, integers, self.kept, clock)
        _log.info(**told, study=self.client.study, round_number=round_.number)


if __name__ == "__main__":
    # Typer's own tracebacks may show local variables, and one of them is a passphrase.
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(main)
    app()
