"""The model of version 0, pinned by the manifest: from a file, from memory, from the aggregator."""

import hmac
from collections.abc import Callable, Mapping
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from blindsum_crypto.errors import Refused, Rejected
from blindsum_rules.manifest import Manifest, StudyKind
from blindsum_rules.model import Model, decode_model, model_digest
from blindsum_rules.privacy.adaptive_clipping import check_first_clip_norm
from blindsum_rules.statistics.answered import nothing_answered

InitialModel = str | Path | Mapping[str, npt.ArrayLike] | None
"""A .npz file, named arrays, or None: fetched from the aggregator by its digest."""


def load_initial_model(
    source: InitialModel, manifest: Manifest, fetch_blob: Callable[[bytes], bytes]
) -> Model:
    """Load the model that the study begins with.

    Args:
        source: Where from.
        manifest: The verified manifest, which pins it.
        fetch_blob: A blob of the aggregator by its digest.

    Returns:
        float32, shape (layout.size,).

    Raises:
        Refused: `initial-model`, when it is not the manifest's; `adaptive-clip-norm`, when the
            manifest's does not begin with the clip norm of its policy.
        Rejected: `layout`; `model-length`; `model-file`, when the file cannot be read.
    """
    if manifest.kind is StudyKind.STATISTIC:
        return nothing_answered()  # The manifest's checks hold its digest to this very model.
    if source is None:
        model = decode_model(fetch_blob(manifest.initial_model_digest), manifest.layout.size)
    else:
        arrays = _read_npz(Path(source)) if isinstance(source, str | Path) else source
        model = manifest.layout.flatten(arrays).astype(np.float32)
    if not hmac.compare_digest(model_digest(model), manifest.initial_model_digest):
        raise Refused("initial-model", "expected the model that the manifest pins")
    check_first_clip_norm(manifest, model)
    return model


def _read_npz(file: Path) -> dict[str, npt.NDArray[np.float64]]:
    try:
        with np.load(file, allow_pickle=False) as arrays:
            return {name: np.asarray(arrays[name], dtype=np.float64) for name in arrays.files}
    except (OSError, ValueError, BadZipFile) as error:
        raise Rejected("model-file", f"expected a .npz file of named arrays at {file}") from error
