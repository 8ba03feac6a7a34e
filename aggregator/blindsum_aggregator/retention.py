"""What is kept and for how long: payloads and sums until a round is filed, blobs for good."""

import shutil

from blindsum_aggregator.durable import make_folder, sync
from blindsum_aggregator.store.contributions import receipted
from blindsum_aggregator.store.rounds import NOTHING_FILED, all_rounds
from blindsum_aggregator.study import Study
from blindsum_rules import transcript


def keep_payloads(study: Study, number: int) -> None:
    """Move the receipted payloads of a round into its transcript."""
    rows = study.store.read(lambda connection: receipted(connection, study.name, number))
    for row in rows:
        source = study.spool.path(number, row.client)
        target = study.transcript / transcript.payload_file(number, row.client)
        if source.exists():
            make_folder(target.parent)
            shutil.move(source, target)
            sync(target)
            sync(target.parent)


def sweep_round(study: Study, number: int) -> None:
    """Delete payloads and sums of a round that is filed."""
    study.spool.discard(number)
    study.engine.discard(number)


def sweep_study(study: Study) -> None:
    """At the start: delete what a killed aggregator left behind and nothing speaks of.

    Blobs that no round names come from a publication that was cut short; payloads and sums of
    filed rounds were about to be deleted.
    """
    rows = study.store.read(lambda connection: all_rounds(connection, study.name))
    for row in rows:
        if row.filed != NOTHING_FILED:
            sweep_round(study, row.number)
    named = {study.manifest.initial_model_digest}
    for row in rows:
        named |= {row.model_digest, row.commitment, row.next_digest}
    study.blobs.keep_only(named - {b""})
