"""Was a sum exact? Each round's aggregate against the plain integers of the DEMO HARNESS."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from blindsum_cli.demo.harness import Harness
from blindsum_crypto.errors import Rejected
from blindsum_protos.convert.signed import signed_from_bytes
from blindsum_rules import transcript
from blindsum_rules.aggregate import Aggregate, decode_aggregate
from blindsum_rules.freeze import Freeze
from blindsum_rules.manifest import Manifest


@dataclass(frozen=True, slots=True)
class OpenedRound:
    """A published round, read from the transcript.

    Attributes:
        number: Which round.
        members: The clients of U, ascending.
        aggregate: The opened sum.
    """

    number: int
    members: tuple[str, ...]
    aggregate: Aggregate


def read_round(folder: Path, number: int, manifest: Manifest) -> OpenedRound:
    """Read who is in a round's sum, and the sum, from the transcript folder.

    Raises:
        Rejected: `unpublished-round`, when the round has no aggregate; when a file is malformed or
            not signed by the aggregator.
    """
    try:
        freeze_bytes = (folder / transcript.round_file(number, transcript.FREEZE)).read_bytes()
        blob = (folder / transcript.round_file(number, transcript.AGGREGATE)).read_bytes()
    except FileNotFoundError as error:
        raise Rejected("unpublished-round", f"expected an aggregate of round {number}") from error
    freeze = signed_from_bytes(Freeze, freeze_bytes, manifest.aggregator_key).body
    members = tuple(member.client for member in freeze.members)
    return OpenedRound(number, members, decode_aggregate(blob, manifest.vector_length))


def is_exact(opened: OpenedRound, harness: Path) -> bool:
    """Say whether the opened sum is, value for value, the sum of its members' integers.

    Args:
        opened: The round.
        harness: The harness folder, with a folder for each hospital.

    Raises:
        Rejected: `harness`, when a member kept no integers.
    """
    kept = [Harness(harness / member).integers(opened.number) for member in opened.members]
    return np.array_equal(np.sum(kept, axis=0, dtype=np.int64), opened.aggregate.values)
