"""The chain of models: each the declared function of the model and the aggregate before it."""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from blindsum_auditor.files import read_exactly
from blindsum_auditor.journal import Journal
from blindsum_auditor.records import RoundRecord, TranscriptRecord
from blindsum_auditor.report import Level
from blindsum_crypto.errors import BlindsumError, Refused, Rejected
from blindsum_rules import transcript
from blindsum_rules.aggregate import Aggregate
from blindsum_rules.groups import completes_version, group_count, sum_of_groups
from blindsum_rules.manifest import Manifest
from blindsum_rules.model import Model, decode_model, encode_model, model_digest, model_salt
from blindsum_rules.next_model import next_model
from blindsum_rules.signed import Signed
from blindsum_rules.spec import Spec

_LEVEL = Level.ENTITLED
_CHECK = "model-chain"


@dataclass(frozen=True, slots=True)
class Salted:
    """A model with the salt of its digest; version 0 has none."""

    model: Model
    salt: bytes

    @property
    def digest(self) -> bytes:
        """What a spec pins, 32 bytes."""
        return model_digest(self.model, self.salt)


class ModelChain:
    """Follows the models of a study from round to round.

    Args:
        manifest: The verified manifest.
        aggregates: Round number to the aggregate that its certificate commits to.
        journal: Where the findings are written.
    """

    def __init__(
        self, manifest: Manifest, aggregates: Mapping[int, Aggregate], journal: Journal
    ) -> None:
        self._manifest = manifest
        self._aggregates = aggregates
        self._journal = journal
        # Salt by version: a model's digest can be checked only by who knows it.
        self._salts: dict[int, bytes] = {0: b""}
        # What the groups of one version have published so far; None where a sum is not believed.
        self._sums: list[npt.NDArray[np.int64] | None] = []

    def check(self, record: TranscriptRecord) -> None:
        """Check every model that is here, and every step from one to the next."""
        due: Salted | None = None
        for one in record.rounds:
            if one.spec is None:
                due = None
                continue
            self._check_step(one.spec, one.file(transcript.SPEC), due)
            model = self._model_of(one, one.spec)
            self._learn_salt(one, one.spec)
            due = None if model is None else self._following(one, one.spec, model)
        if record.end is not None and record.end.spec is not None and record.rounds:
            self._check_step(record.end.spec, transcript.end_file(transcript.SPEC), due)

    def _learn_salt(self, record: RoundRecord, spec: Signed[Spec]) -> None:
        """Learn the salt of the version that this round's aggregate may have made."""
        aggregate = self._aggregates.get(record.number)
        if aggregate is not None:
            self._salts[spec.body.model_version + 1] = model_salt(aggregate.salt, spec.digest)

    def _model_of(self, record: RoundRecord, spec: Signed[Spec]) -> Salted | None:
        """The model of the round's file, if it is the one that the spec pins."""
        file = record.file(transcript.MODEL)
        if transcript.MODEL not in record.names:
            self._journal.failed("files", file, "missing-file: expected this file", _LEVEL)
            return None
        salt = self._salts.get(spec.body.model_version)
        if salt is None:
            why = "its digest is salted, and the aggregate that gives the salt is not believed"
            self._journal.not_checkable("model", file, why, _LEVEL)
            return None
        try:
            model = Salted(self._read(record), salt)
            if not hmac.compare_digest(model.digest, spec.body.model_digest):
                raise Rejected("model-digest", "expected the model that the spec pins")
        except BlindsumError as error:
            self._journal.failed("model", file, str(error), _LEVEL)
            return None
        self._journal.holds("model", file, "the model that the spec pins", _LEVEL)
        return model

    def _read(self, record: RoundRecord) -> Model:
        size = self._manifest.layout.size
        return decode_model(read_exactly(record.folder / transcript.MODEL, 4 * size), size)

    def _following(self, record: RoundRecord, spec: Signed[Spec], model: Salted) -> Salted | None:
        """The model that the next spec must pin, or None when that cannot be said."""
        if not record.is_published:
            return model
        aggregate = self._aggregates.get(record.number)
        self._sums.append(None if aggregate is None else aggregate.values)
        if not completes_version(spec.body, group_count(self._manifest)):
            return model
        sums = [one for one in self._sums if one is not None]
        is_whole = len(sums) == len(self._sums)
        self._sums = []
        if aggregate is None or not is_whole:
            return None
        computed = next_model(self._manifest, model.model, sum_of_groups(sums), spec.digest)
        if hmac.compare_digest(encode_model(computed), encode_model(model.model)):
            return model  # An unchanged model keeps its version and its very digest.
        return Salted(computed, model_salt(aggregate.salt, spec.digest))

    def _check_step(self, spec: Signed[Spec], file: str, due: Salted | None) -> None:
        if due is None:
            if spec.body.round_number > 0:
                why = "the model or the aggregate of the round before is not believed"
                self._journal.not_checkable(_CHECK, file, why, _LEVEL)
            return
        holds = "pins the declared function of the model and the aggregate before"
        with self._journal.checking(_CHECK, file, holds, _LEVEL):
            if not hmac.compare_digest(due.digest, spec.body.model_digest):
                raise Refused(
                    "model-chain", "expected the model that the declared function returns"
                )
