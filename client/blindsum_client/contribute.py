"""Contribute: one sealed vector for a round, on the disk before it is sent, and no second one."""

import hmac
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from blindsum_client.following import Follower
from blindsum_client.ledger import Ledger
from blindsum_client.memory import Position
from blindsum_client.outbox import Entry, Outbox
from blindsum_client.round import Round
from blindsum_client.sealers import Sealers
from blindsum_client.sending import Sender
from blindsum_client.stages import Stage, Stages
from blindsum_crypto.errors import Refused
from blindsum_crypto.primitives import KEY_BYTES
from blindsum_rules.amendments_told import check_as_told
from blindsum_rules.local_policy import check_manifest_against
from blindsum_rules.receipt import Receipt
from blindsum_rules.signed import Signed
from blindsum_rules.spec_checks import check_spec
from blindsum_rules.transitions import ClientState


@dataclass(slots=True)
class Contributor:
    """The one way from integers to a receipt.

    Attributes:
        follower: Knows the round on which the client stands.
        sealers: Seal, by the manifest of each round.
        outbox: Persists.
        sender: Sends.
        clock: UTC seconds.
        ledger: Keeps the privacy budget.
        stages: Whom to tell how far a contribution is.
    """

    follower: Follower
    sealers: Sealers
    outbox: Outbox
    sender: Sender
    clock: Callable[[], float]
    ledger: Ledger
    stages: Stages = field(default_factory=Stages)
    _sealed_here: dict[int, bytes] = field(init=False, repr=False, default_factory=dict)
    _comparison_key: bytes = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Draw the key under which integers of this process are compared; it lives in memory."""
        self._comparison_key = self.sealers.randomness.bytes(KEY_BYTES)

    def contribute(self, round_: Round, integers: npt.NDArray[np.int64]) -> Signed[Receipt]:
        """Seal, persist, send; or send again what was sealed for this round before.

        Raises:
            Refused: `stale-round`, when another round has been followed since;
                `one-seal-per-round`, when other integers were sealed for it; `restored-state`, when
                the state folder has forgotten a seal; `spec-late`; `model-under-another-version`;
                `privacy-budget`; `own-opening`; `round-over`, when it ended without this
                contribution; `collection-closed`, when the aggregator froze the round before: it
                stays queued until a quorum closes the round.
            Unavailable: when the network failed past the round's deadline; it stays queued.
        """
        entry = self.outbox.entry(round_.number)
        if entry is None:
            entry = self._seal(round_, integers)
        else:
            self._check_same(entry, round_, integers)
        if entry.receipt is not None:
            return entry.receipt
        if entry.state is not ClientState.SEALED:
            raise Refused("round-over", f"expected an open round, round {round_.number} has ended")
        return self.sender.send_patiently(entry)

    def check_may_seal(self, position: Position) -> None:
        """Check that this client may still seal for the round on which it stands.

        Raises:
            Refused: `one-seal-per-round`, `restored-state`; `spec-late` or `spec-deadline`;
                `model-under-another-version`; `privacy-budget`, when the round, at the least noise
                that is permitted, does not fit into what is left; `amendment-withheld`, when the
                round is not under an amendment that the client was told of; `epoch-key`, when its
                key of the round's epoch is in no key file that it was started with; a rule of its
                own policy, when the study was amended to less than that wants.
        """
        number = position.spec.body.round_number
        self.outbox.check_free(number)
        manifest = self.follower.manifests.at(number)
        check_spec(position.spec, manifest, int(self.clock()))
        check_as_told(manifest, self.follower.manifests.told)
        if manifest.number:
            # The committee may be another one than the client joined the study under.
            check_manifest_against(self.follower.policy, manifest.body)
        self.sealers.of(manifest)
        version = position.spec.body.model_version
        trained = self.follower.memory.trained_version(position.model)
        if trained is not None and trained != version:
            raise Refused(
                "model-under-another-version",
                f"expected a model that this client has not trained from, got that of version "
                f"{trained} again as version {version}",
            )
        self.ledger.check_affords()

    def _seal(self, round_: Round, integers: npt.NDArray[np.int64]) -> Entry:
        position = self.follower.standing_on(round_)
        self.check_may_seal(position)
        manifest = self.follower.manifests.at(round_.number)
        sealed = self.sealers.of(manifest).seal(position.spec, integers)
        entry = self.outbox.put(sealed, position.spec, position.model)
        self._sealed_here[round_.number] = self._fingerprint(integers)
        self.stages.tell(round_.number, Stage.SEALED)
        return entry

    def _check_same(self, entry: Entry, round_: Round, integers: npt.NDArray[np.int64]) -> None:
        """Refuse what is visibly something else than was sealed.

        A contribution of an earlier process cannot be compared: nothing that derives from its
        integers was kept. Its stored bytes are sent, whatever integers come now.
        """
        same_round = hmac.compare_digest(entry.contribution.body.core.round_id, round_.round_id)
        known = self._sealed_here.get(round_.number)
        same = known is None or hmac.compare_digest(known, self._fingerprint(integers))
        if not (same_round and same):
            raise Refused(
                "one-seal-per-round",
                f"expected the integers that were sealed for round {round_.number}; a second "
                "contribution of one round would give the difference away",
            )

    def _fingerprint(self, integers: npt.NDArray[np.int64]) -> bytes:
        # Keyed by a secret of this process and never written: a bare digest could be searched.
        values = np.ascontiguousarray(integers)
        return hmac.digest(
            self._comparison_key, values.tobytes() + values.dtype.str.encode(), "sha256"
        )
