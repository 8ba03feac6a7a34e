"""Who may read models and aggregates: who is enrolled, and who was in the round they came of."""

from sqlalchemy import Connection

from blindsum_aggregator.store.rounds import all_rounds
from blindsum_aggregator.study import Study
from blindsum_crypto.errors import Refused
from blindsum_rules.roster import enrolled_client


def check_reader(study: Study, connection: Connection, client: str, digest: bytes) -> None:
    """Check that a client may read a blob.

    Who has left still reads what its own rounds began with and what came of them, and no more; who
    joins with the next round reads nothing before it.

    Raises:
        Refused: `not-enrolled`.
    """
    eras = study.eras(connection)
    if enrolled_client(eras.in_force.body, client) is not None:
        return
    for row in all_rounds(connection, study.name):
        named = (row.model_digest, row.commitment, row.next_digest)
        manifest = eras.of_round(row.number).body
        if digest in named and enrolled_client(manifest, client) is not None:
            return
    raise Refused("not-enrolled", f"expected a client of the study or of that round: {client!r}")
