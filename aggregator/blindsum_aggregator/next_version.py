"""After a published round: which version and which model its aggregate makes.

In a study of groups a version waits for the sum of every group; until then a round changes nothing.
"""

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection

from blindsum_aggregator.store.rounds import RoundRow, find_round
from blindsum_aggregator.study import Study
from blindsum_crypto.errors import Unavailable
from blindsum_rules.aggregate import Aggregate, decode_aggregate
from blindsum_rules.groups import completes_version, group_count, sum_of_groups
from blindsum_rules.model import decode_model, encode_model, model_digest, model_salt
from blindsum_rules.next_model import next_model


def next_version(study: Study, row: RoundRow, aggregate: Aggregate) -> tuple[int, bytes]:
    """Version and model digest after a round; both repeat when the model's bytes do.

    The model's blob is on the disk before this returns.

    Args:
        study: The study.
        row: The round that is being published.
        aggregate: What was opened.

    Raises:
        Unavailable: `blob`, when the aggregate of another group is no longer kept.
    """
    manifest = study.manifest
    groups = group_count(manifest)
    spec = study.store.read(lambda connection: study.spec(connection, row.number)).body
    if not completes_version(spec, groups):
        return row.model_version, row.model_digest
    total = aggregate.values
    if groups > 1:
        total = sum_of_groups([*_other_groups(study, row, spec.group), aggregate.values])
    model = decode_model(study.blobs.require(row.model_digest), manifest.layout.size)
    following = next_model(manifest, model, total, row.round_id)
    if encode_model(following) == encode_model(model):
        return row.model_version, row.model_digest
    digest = model_digest(following, model_salt(aggregate.salt, row.round_id))
    study.blobs.put(digest, encode_model(following))
    return row.model_version + 1, digest


def _other_groups(study: Study, row: RoundRow, groups: int) -> list[npt.NDArray[np.int64]]:
    """The sums of the groups before, each from the newest round that published it."""

    def commitments(connection: Connection) -> list[bytes]:
        found: list[bytes] = []
        number = row.number - 1
        while len(found) < groups:
            before = find_round(connection, study.name, number)
            if before is None:
                raise Unavailable("blob", f"expected the sums of {groups} groups before")
            if before.is_published:
                found.append(before.commitment)
            number -= 1
        return found

    length = study.manifest.vector_length
    return [
        decode_aggregate(study.blobs.require(commitment), length).values
        for commitment in study.store.read(commitments)
    ]
