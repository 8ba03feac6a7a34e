"""Stages whose studies compress: sparse, with error feedback, private, under either seal."""

# `**changes` replaces any field of the manifest.
# ruff: noqa: ANN401

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
from tests.client.people import CLIENTS
from tests.client.stage import Stage

from blindsum_rules.codec.parameters import Codec
from blindsum_rules.model import Layout, NamedArray, encode_model, model_digest
from blindsum_rules.privacy.guarantee import Unit
from blindsum_rules.privacy.study_checks import ERROR_FEEDBACK, check_summing
from blindsum_rules.sparsity import Sparsity, SparsityRule
from blindsum_rules.study_privacy import with_privacy
from blindsum_rules.study_tables import PrivacyTable

SIZE = 40
KEPT = 12
SPARSE = Sparsity(SparsityRule.RANDOM_K, KEPT)
FEEDBACK = (ERROR_FEEDBACK,)
CODEC = Codec(clip_norm=8.0, levels=1 << 14, weight_cap=1000, weight_scale=4.0)
CLIENT_UNIT = PrivacyTable(
    unit=Unit.CLIENT,
    noise_multiplier=2.0,
    delta=1e-5,
    planned_rounds=8,
    clip_norm=0.5,
    units_per_client=1,
    reference_units=4,
    allow_few_clients=True,
)


def compressed_stage(wish: PrivacyTable | None = None, size: int = SIZE, **changes: Any) -> Stage:
    """A stage whose model is one array of so many values, `weight`."""
    stage = Stage()
    layout = Layout((NamedArray("weight", (size,)),))
    stage.model = np.sin(np.arange(size)).astype(np.float32)
    digest = model_digest(stage.model)
    study = replace(stage.manifest.body, layout=layout, initial_model_digest=digest)
    study = replace(study, **({"codec": CODEC if wish is None else None} | changes))
    study = study if wish is None else with_privacy(study, wish)
    check_summing(study)
    stage.manifest = stage.people.sign(study, "operator")
    stage.blobs[digest] = encode_model(stage.model)
    return stage


def small_peers(stage: Stage, but: str = "cleveland") -> dict[str, npt.NDArray[np.int64]]:
    """What the others send: small numbers; the last is a weight where there is one."""
    length = stage.manifest.body.vector_length
    sent = {name: np.arange(length) % 7 + 5 * seed for seed, name in enumerate(CLIENTS)}
    return {name: values.astype(np.int64) for name, values in sent.items() if name != but}
