"""Error feedback: what compression left of a client's update joins its next one.

A client encodes w = u + e, its update and its residual; what clipping, sparsifying and rounding
left of w is the next round's e (Seide et al., Interspeech 2014; Karimireddy et al., ICML 2019,
algorithm 2). All three are in the unit of the update. A study declares it, by `error-feedback`
among its local methods. The residual advances when a contribution is sealed. When that reached
no model, it steps back: to what the round began with if the model stayed the same, since the update
is then made anew; to update and residual if the verified freeze of a published round is without it.

The residual is as unsealed as the update itself: with what was sent it tells the update. It stays
in the client's state folder, as the data of its training do, readable by its owner alone; nothing
of it is sent or logged, and nobody else ever sees it.

Why a private study of the unit client keeps its guarantee (it is refused for the other units, and
beside adaptive clipping). In every round the one unit that is clipped is w, so what a client sends
of it is a grid vector of norm 2^12*L at most, whatever e is: the sensitivity of a round is that of
a study without feedback, for either relation. e is computed from this client's updates, from public
models and positions, and from no randomness: neither from its noise nor from its rounding. So, the
earlier sums given, the noise of a round is independent of all that it hides and is never taken back
by a later one, which is all that adaptive composition asks for. A residual with the noise in it
would return each round's noise in the next, and only the last round's would hide anything.
"""

import hmac
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from blindsum_client.encode import RoundBasis, encode_flat, encode_update, travelling
from blindsum_client.outbox import Outbox
from blindsum_client.outcome import Outcome
from blindsum_client.residual import Residual, read_residual, write_residual
from blindsum_client.round import Round
from blindsum_client.update import Update
from blindsum_crypto.errors import Refused
from blindsum_crypto.randomness import Randomness
from blindsum_rules.codec.parameters import FINE_BITS, Codec
from blindsum_rules.codec.units import sum_units
from blindsum_rules.manifest import Manifest
from blindsum_rules.privacy.study_checks import ERROR_FEEDBACK
from blindsum_rules.privacy.study_plan import privacy_policy, study_codec

_FILE: Final = "residual.bin"

_Floats = npt.NDArray[np.float64]
_Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class _Encoded:
    """Integers that were made and may be sealed, with what they were made of and what is left."""

    round_id: bytes
    integers: _Integers
    whole: _Floats
    left: _Floats


class ErrorFeedback:
    """The residual of one client in one study; without effect where the study declares none."""

    def __init__(self, manifest: Manifest, folder: Path, outbox: Outbox) -> None:
        """Prepare; the disk is read when a round needs it.

        Args:
            manifest: The verified manifest.
            folder: The state folder.
            outbox: Knows what was sealed.
        """
        self._manifest = manifest
        self._file = folder / _FILE
        self._outbox = outbox
        self._declared = ERROR_FEEDBACK in manifest.local_methods
        self._encoded: _Encoded | None = None

    def encode(
        self, update: Update, round_: Round, basis: RoundBasis, randomness: Randomness
    ) -> _Integers:
        """Make the integers of an update, and of the residual where the study declares one.

        Encoding again, after a restart too, begins with the same residual.

        Args:
            update: The change that was trained.
            round_: The round.
            basis: What the client verified of it.
            randomness: For rounding and noise, fresh for every call.

        Returns:
            int64, shape (manifest.vector_length,).

        Raises:
            Refused, Rejected: as `encode_flat`; `layout`; `damaged-residual`.
        """
        if not self._declared:
            return encode_update(update, basis, self._manifest, randomness)
        flat = self._manifest.layout.flatten(update.arrays)
        starting = self._starting(round_)
        with np.errstate(over="ignore", invalid="ignore"):
            whole = flat + starting
        if self._manifest.privacy is not None and not np.isfinite(whole).all():
            # It adds zero, with its noise, as a unit that is not finite does; the residual stays.
            nothing = np.full_like(flat, np.nan)
            integers = encode_flat(nothing, update.records, basis, self._manifest, randomness)
            whole = left = starting
        else:
            integers = encode_flat(whole, update.records, basis, self._manifest, randomness)
            left = left_of(whole, integers, update.records, basis, self._manifest)
        self._encoded = _Encoded(round_.round_id, integers.copy(), whole, left)
        return integers

    def keep(self, round_: Round, integers: _Integers) -> _Integers:
        """Write down what these integers leave; before they are sealed, which makes it count.

        Returns:
            The integers.

        Raises:
            Refused: `integers`, when they are not those that this process encoded last for the
                round: nobody knows what others leave.
        """
        if not self._declared or self._outbox.entry(round_.number) is not None:
            return integers  # What was sealed before is sent again, and left what it left.
        made = self._encoded
        residual = read_residual(self._file, self._manifest.layout.size)
        if (
            made is None
            or residual is None
            or not _same_id(made.round_id, round_.round_id)
            or not np.array_equal(made.integers, integers)
        ):
            raise Refused(
                "integers",
                "expected the integers that `encode` made last for this round: with error feedback "
                "nobody knows what others leave of the update",
            )
        write_residual(self._file, replace(residual, whole=made.whole, left=made.left))
        return integers

    def learn(self, outcome: Outcome) -> Outcome:
        """Take back what was sent if a published round is verifiably without it.

        Returns:
            The outcome.
        """
        if self._declared and outcome.freeze is not None and not outcome.included:
            residual = read_residual(self._file, self._manifest.layout.size)
            if residual is not None and _same_id(residual.round_id, outcome.freeze.body.round_id):
                write_residual(self._file, replace(residual, left=residual.whole))
        return outcome

    def _starting(self, round_: Round) -> _Floats:
        """The residual that this round begins with; on the disk when this returns."""
        residual = read_residual(self._file, self._manifest.layout.size)
        if residual is not None and _same_id(residual.round_id, round_.round_id):
            return residual.starting
        if residual is None:
            starting = np.zeros(self._manifest.layout.size, np.float64)
        else:
            starting = self._after(residual, round_.model_version)
        begun = Residual(round_.number, round_.round_id, round_.model_version, starting)
        write_residual(self._file, begun)
        return starting

    def _after(self, residual: Residual, model_version: int) -> _Floats:
        """What a round left for the next one in which this client encodes.

        Under the same version what was sent reached no model, and its update is not added: the next
        one is trained from that very model anew, and after k failed rounds k + 1 would be sent.
        A version that grew counts as moved by the contribution, unless `learn` was told otherwise:
        a client that was away cannot tell which round moved the model, and would rather lose one
        update than send it twice.
        """
        entry = self._outbox.entry(residual.round_number)
        if residual.whole is None or residual.left is None or entry is None:
            return residual.starting
        if not _same_id(entry.contribution.body.core.round_id, residual.round_id):
            return residual.starting
        return residual.starting if model_version == residual.model_version else residual.left


def left_of(
    whole: _Floats, integers: _Integers, records: int, basis: RoundBasis, manifest: Manifest
) -> _Floats:
    """What is not sent of a vector that was encoded, in the unit of the update.

    Without noise it is all that the integers do not say, a level's fraction of every rounding
    included. In a private study it is what was cut off and clipped away, down to the fine grid,
    and is a function of the vector alone.

    Args:
        whole: float64, shape (the layout's size,), finite: what was encoded.
        integers: What `encode_flat` made of it.
        records: As `encode_flat` was told.
        basis: The round that it was for.
        manifest: The verified manifest.

    Returns:
        float64, shape (the layout's size,), fresh.
    """
    left, travels = whole.copy(), travelling(basis, manifest)
    if manifest.privacy is None:
        level = _level(manifest.weighted_codec, records)
        left[travels] -= integers[:-1].astype(np.float64) * level
        return left
    clip_norm = privacy_policy(manifest).clip_norm
    codec = study_codec(manifest, clip_norm)
    total, _ = sum_units([whole[travels][np.newaxis]], codec)
    left[travels] -= total.astype(np.float64) * (clip_norm / (codec.levels << FINE_BITS))
    return left


def _level(codec: Codec, records: int) -> float:
    """One level of a client that has so many records, in the unit of the update."""
    weight = min(records, codec.weight_cap) / codec.weight_cap
    return codec.joint_norm / (codec.levels * weight)


def _same_id(one: bytes, other: bytes) -> bool:
    return hmac.compare_digest(one, other)
