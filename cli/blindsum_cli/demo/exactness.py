"""Was a sum exact, and through both seals the same? Against the integers of the DEMO HARNESS."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from blindsum_cli.demo.harness import Harness
from blindsum_crypto.errors import Rejected
from blindsum_protos.convert.signed import signed_from_bytes
from blindsum_rules import transcript
from blindsum_rules.aggregate import Aggregate, decode_aggregate
from blindsum_rules.freeze import Freeze
from blindsum_rules.manifest import Manifest

Integers = Mapping[str, npt.NDArray[np.int64]]
"""What each member of U sealed, by hospital."""


@dataclass(frozen=True, slots=True)
class OpenedRound:
    """A published round, read from the transcript.

    Attributes:
        number: Which round.
        members: The clients of U, ascending.
        aggregate: The opened sum.
        model: The bytes of the model that the round started from.
    """

    number: int
    members: tuple[str, ...]
    aggregate: Aggregate
    model: bytes


def read_round(folder: Path, number: int, manifest: Manifest) -> OpenedRound:
    """Read who is in a round's sum, the sum and the model from the transcript folder.

    Raises:
        Rejected: `unpublished-round`, when the round has no aggregate; when a file is malformed or
            not signed by the aggregator.
    """
    try:
        freeze_bytes, blob, model = (
            (folder / transcript.round_file(number, name)).read_bytes()
            for name in (transcript.FREEZE, transcript.AGGREGATE, transcript.MODEL)
        )
    except FileNotFoundError as error:
        raise Rejected("unpublished-round", f"expected an aggregate of round {number}") from error
    freeze = signed_from_bytes(Freeze, freeze_bytes, manifest.aggregator_key).body
    members = tuple(member.client for member in freeze.members)
    return OpenedRound(number, members, decode_aggregate(blob, manifest.vector_length), model)


def integers_of(opened: OpenedRound, harness: Path) -> Integers:
    """What the members of a round's sum sealed, from a study's harness folder.

    Raises:
        Rejected: `harness`, when a member kept no integers.
    """
    return {member: Harness(harness / member).integers(opened.number) for member in opened.members}


def is_exact(opened: OpenedRound, integers: Integers) -> bool:
    """Say whether the opened sum is, value for value, the sum of its members' integers."""
    kept = [integers[member] for member in opened.members]
    return np.array_equal(np.sum(kept, axis=0, dtype=np.int64), opened.aggregate.values)


def are_same_sums(rounds: Sequence[tuple[OpenedRound, Integers]]) -> bool:
    """Say whether the studies summed the same integers of the same hospitals to the same sum."""
    first, integers = rounds[0]
    return all(
        other.members == first.members
        and np.array_equal(other.aggregate.values, first.aggregate.values)
        and all(np.array_equal(theirs[member], integers[member]) for member in first.members)
        for other, theirs in rounds[1:]
    )


def are_same_models(rounds: Sequence[OpenedRound]) -> bool:
    """Say whether the studies' rounds started from one model, byte for byte."""
    return len({one.model for one in rounds}) == 1
