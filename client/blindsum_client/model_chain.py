"""The model chain: every client recomputes each model and its digest from the aggregates.

A client acts on an aggregate only when its commitment stands in an accepted next spec; so an
aggregator that shows different aggregates to different clients is found by name (threat T32).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from blindsum_client.memory import Position
from blindsum_crypto.errors import Refused
from blindsum_rules.aggregate import Aggregate, decode_aggregate
from blindsum_rules.groups import completes_version, group_count, sum_of_groups
from blindsum_rules.manifest import Manifest
from blindsum_rules.model import Model, decode_model, encode_model, model_salt
from blindsum_rules.next_model import next_model
from blindsum_rules.signed import Signed
from blindsum_rules.spec import Spec

FetchBlob = Callable[[bytes], bytes]


@dataclass(frozen=True, slots=True)
class ModelChain:
    """One study's models, from aggregate to aggregate.

    Attributes:
        manifest: The verified manifest; what is read from it here no amendment changes.
        fetch_blob: Model by digest, aggregate by commitment; what comes is checked here.
        fetch_spec: A spec by its digest, for the sums of other groups.
    """

    manifest: Manifest
    fetch_blob: FetchBlob
    fetch_spec: Callable[[bytes], Signed[Spec]]

    def begin(self, first: Signed[Spec], initial_model: Model) -> Position:
        """Stand on the first spec.

        Raises:
            Refused: `model-digest`, when it pins another model.
        """
        position = Position(first, initial_model, b"")
        position.check_model()
        return position

    def follow(self, position: Position, spec: Signed[Spec], manifest: Manifest) -> Position:
        """Step to the next spec, which passed `check_succession`.

        Args:
            position: Where the client stands.
            spec: The next spec.
            manifest: The manifest of the round before, whose aggregate it builds on.

        Raises:
            Refused: `model-version`, when the version grew and the model did not change, or the
                model changed and the version did not grow; `model-digest`, when the spec pins
                another model than the one computed here.
            Rejected: `aggregate-length`, `aggregate-commitment`.
        """
        grew = spec.body.model_version > position.spec.body.model_version
        if not spec.body.previous.aggregate_commitment:
            # Nothing was published, and check_succession lets no version grow without it.
            return Position(spec, position.model, position.model_salt)
        if not completes_version(position.spec.body, group_count(self.manifest)):
            # The version waits for the sums of other groups.
            return Position(spec, position.model, position.model_salt)
        aggregate = self.aggregate_before(spec)
        model = next_model(
            manifest,
            position.model,
            self._sum_of_groups(aggregate, position.spec),
            spec.body.previous.round_id,
        )
        changed = encode_model(model) != encode_model(position.model)
        if grew != changed:
            raise Refused(
                "model-version",
                f"expected the version to grow exactly when the aggregate changes the model, which "
                f"round {spec.body.round_number} does not hold to",
            )
        salt = self._salt(aggregate, spec) if grew else position.model_salt
        following = Position(spec, model, salt)
        following.check_model()
        return following

    def start_late(self, specs: tuple[Signed[Spec], ...]) -> Position:
        """Stand on the last of these specs with a model that was fetched and not computed.

        The model still has to be the one that the accepted spec pins; what is taken on trust is
        that it came from the aggregates before.

        Args:
            specs: All specs of the study so far, in order; the last one's version is above 0.

        Raises:
            Refused: `model-digest`, when another model was served.
            Rejected: `model-length`, `aggregate-length`, `aggregate-commitment`.
        """
        last = specs[-1]
        version = last.body.model_version
        born = next(spec for spec in specs if spec.body.model_version == version)
        salt = self._salt(self.aggregate_before(born), born)
        blob = self.fetch_blob(last.body.model_digest)
        position = Position(last, decode_model(blob, self.manifest.layout.size), salt)
        position.check_model()
        return position

    def aggregate_before(self, spec: Signed[Spec]) -> Aggregate:
        """The aggregate of the round before, as the spec commits to it.

        Raises:
            Rejected: `aggregate-length`, `aggregate-commitment`.
        """
        commitment = spec.body.previous.aggregate_commitment
        aggregate = decode_aggregate(self.fetch_blob(commitment), self.manifest.vector_length)
        aggregate.check_commitment(commitment)
        return aggregate

    def _sum_of_groups(self, last: Aggregate, spec: Signed[Spec]) -> npt.NDArray[np.int64]:
        """What the last group's round adds up to with the rounds of the groups before it.

        Specs are fetched by the digests in their successors' records, back to the first group.
        """
        sums = [last.values]
        while len(sums) < group_count(self.manifest):
            if spec.body.previous.aggregate_commitment:
                sums.append(self.aggregate_before(spec).values)
            spec = self.fetch_spec(spec.body.previous.round_id)
        return sum_of_groups(sums)

    @staticmethod
    def _salt(aggregate: Aggregate, spec: Signed[Spec]) -> bytes:
        return model_salt(aggregate.salt, spec.body.previous.round_id)
