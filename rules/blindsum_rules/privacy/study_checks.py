"""A manifest's privacy, compression and local methods checked: what may stand together."""

from typing import Final

from blindsum_crypto.errors import Refused
from blindsum_rules.manifest import Manifest, StudyKind
from blindsum_rules.privacy.adaptive_clipping import check_adaptive_clipping
from blindsum_rules.privacy.guarantee import Unit
from blindsum_rules.privacy.study_plan import study_plan

ERROR_FEEDBACK: Final = "error-feedback"
"""The client adds what compression left of an update to its next one."""

LOCAL_METHODS: Final = frozenset(
    {"batch-norm", ERROR_FEEDBACK, "momentum", "site-fitted-preprocessing"}
)
"""What clients may be asked to do beside one pass over the round's model.

Each carries what one record did beyond the one unit that is clipped: into later rounds
(`error-feedback`, `momentum`), or into the gradients of other records (`batch-norm`,
`site-fitted-preprocessing`). So none goes with the units record and patient.
"""


def check_summing(manifest: Manifest) -> None:
    """Check how a study makes integers: with a codec or privately, which coordinates, how.

    A statistic study sums integers without a codec, or privately.

    Raises:
        Refused: `codec-or-privacy`; `local-method`, when one is unknown or named twice; `unit-`
            and the method's name, when it cannot go with the unit; `adaptive-error-feedback`;
            `sparsity`; and what the plan of a private study or `check_adaptive_clipping` refuses.
    """
    trains = manifest.kind is StudyKind.MODEL
    if trains and (manifest.codec is None) == (manifest.privacy is None):
        raise Refused(
            "codec-or-privacy",
            "expected a codec without noise, or a privacy policy with a codec of its own",
        )
    _check_methods(manifest)
    _check_sparsity(manifest)
    if manifest.privacy is not None:
        plan = study_plan(manifest)
        check_adaptive_clipping(manifest, plan)
        plan.check_delta()


def _check_methods(manifest: Manifest) -> None:
    methods = manifest.local_methods
    unknown = set(methods) - LOCAL_METHODS
    if unknown or list(methods) != sorted(set(methods)):
        raise Refused(
            "local-method", f"expected some of {sorted(LOCAL_METHODS)}, each once, got {methods}"
        )
    if manifest.privacy is not None and manifest.privacy.unit is not Unit.CLIENT and methods:
        raise Refused(
            f"unit-{methods[0]}",
            f"expected no {methods[0]} where the unit is the {manifest.privacy.unit}: it would "
            "carry what a unit did beyond the clip norm; take the unit client, or leave it",
        )
    adaptive = manifest.privacy is not None and manifest.privacy.adaptive is not None
    if adaptive and ERROR_FEEDBACK in methods:
        raise Refused(
            "adaptive-error-feedback",
            "expected one of both: a residual grows by what is clipped, so the clip norm would "
            "follow the residuals and no longer the updates",
        )


def _check_sparsity(manifest: Manifest) -> None:
    sparsity = manifest.sparsity
    if sparsity is None:
        return
    if sparsity.kept >= manifest.layout.size:
        raise Refused(
            "sparsity", f"kept: expected fewer than {manifest.layout.size}, got {sparsity.kept}"
        )
    if manifest.privacy is not None and manifest.privacy.adaptive is not None:
        raise Refused(
            "sparsity", "expected no adaptive clipping beside it: its count must always travel"
        )
