"""The client: what a hospital or a device holds to take part in one study.

client = Client.join("heart.manifest", digest="ab12...", key_file="cleveland.key",
                     passphrase=b"...", aggregator="127.0.0.1:7443", state="state/cleveland")
for round in client.rounds():
    integers = client.encode(round, Update(train(round.model), records=303))
    client.contribute(round, integers)
    client.outcome(round)
model = client.final()
"""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from blindsum_client.answering import Answering
from blindsum_client.assembly import assemble
from blindsum_client.encode import encode_units
from blindsum_client.following import has_ended
from blindsum_client.initial_model import InitialModel
from blindsum_client.joining import Membership, read_membership
from blindsum_client.outcome import Outcome
from blindsum_client.round import Round
from blindsum_client.stages import OnStage
from blindsum_client.standing import Standing
from blindsum_client.state_folder import StateFolder
from blindsum_client.transport import Calls
from blindsum_client.update import Update
from blindsum_crypto.errors import Refused
from blindsum_crypto.key_rings import KeyFiles, load_key_rings
from blindsum_crypto.randomness import Randomness, SystemRandomness
from blindsum_protos.calling import AggregatorCalls, TlsFiles
from blindsum_protos.convert.call import Caller
from blindsum_rules.codec.unit_sum import UnitBatch
from blindsum_rules.codec.units import UnitReport
from blindsum_rules.local_policy import ClientPolicy
from blindsum_rules.privacy.account import Account
from blindsum_rules.privacy.adaptive_clipping import trained_arrays
from blindsum_rules.receipt import Receipt
from blindsum_rules.signed import Signed

_DEFAULT_POLICY: Final = ClientPolicy()
_SYSTEM: Final = SystemRandomness()


class Client:
    """One client in one study. Use it from one thread; `close` may come from another."""

    def __init__(
        self,
        membership: Membership,
        calls: Calls,
        folder: StateFolder,
        initial_model: InitialModel = None,
        clock: Callable[[], float] = time.time,
        randomness: Randomness = _SYSTEM,
    ) -> None:
        """Put a client together; users call `join`.

        Raises:
            Refused: `pinned-manifest`, when the folder belongs to another study, manifest or
                client; `anchor-missing`, `anchor-study`; `model-digest`, when its model is damaged.
        """
        self._membership = membership
        self._study = membership.manifest.body
        self._randomness = randomness
        self._held = ExitStack()
        parts = assemble(membership, calls, folder, initial_model, clock, randomness)
        self._memory = parts.memory
        self._transport = parts.transport
        self._stop = parts.stop
        self._stages = parts.stages
        self._outbox = parts.outbox
        self._ledger = parts.ledger
        self._feedback = parts.feedback
        self._follower = parts.follower
        self._answering = parts.answering
        self._contributor = parts.contributor
        self._rounds = parts.rounds
        self._outcomes = parts.outcomes
        self._looking_back = parts.looking_back

    @classmethod
    def join(  # noqa: PLR0913 - every argument is a decision of the user, by keyword
        cls,
        manifest: str | Path,
        *,
        digest: str,
        key_file: KeyFiles,
        passphrase: bytes,
        aggregator: str,
        state: str | Path,
        policy: ClientPolicy = _DEFAULT_POLICY,
        initial_model: InitialModel = None,
        tls: TlsFiles | None = None,
        anchor: str | Path | None = None,
        alone: bool = True,
    ) -> Self:
        """Join a study, or come back to it with the same state folder.

        Args:
            manifest: The file STUDY.manifest.
            digest: Its digest in full (64 hex digits), as the operator gave it out of band.
            key_file: This client's key file; several, one an epoch, while it changes its key.
            passphrase: What opens them.
            aggregator: "host:port" of the aggregator.
            state: The folder where this client remembers this study; created if need be.
            policy: This client's own floors, which beat the study's.
            initial_model: A .npz file or named arrays of the first model, which the manifest pins;
                by default it is fetched from the aggregator.
            tls: PEM files, or None for plain TCP on a private network.
            anchor: The file outside the state folder, left out of backups, that remembers the last
                seal; `STATE.anchor` beside the folder unless named.
            alone: Whether to hold the state folder alone until `close`. False is for looking back
                (`look_back`) while the process that takes part holds it.

        Raises:
            Refused: `manifest-digest`, `not-enrolled`, `pinned-manifest`, `anchor-missing`;
                `state-in-use`, when another process takes part with this folder; a rule of the
                manifest's checks or of the client's own policy.
            Rejected: when a file is malformed or the passphrase is wrong.
        """
        key_rings = load_key_rings(key_file, passphrase)
        membership = read_membership(Path(manifest), digest, key_rings, policy)
        caller = Caller(membership.client, membership.identity)
        folder = StateFolder.at(state, anchor)
        with ExitStack() as held:
            if alone:
                held.enter_context(folder.hold())
            calls = AggregatorCalls(aggregator, membership.manifest.body, caller, tls)
            held.callback(calls.close)
            client = cls(membership, calls, folder, initial_model)
            client._held = held.pop_all()
        return client

    @property
    def name(self) -> str:
        """This client's id in the study."""
        return self._membership.client

    @property
    def study(self) -> str:
        """The study's id."""
        return self._study.study

    @property
    def statistics(self) -> Answering:
        """What a statistic study asks of this client, and what the answers of all came to."""
        return self._answering

    @property
    def closed(self) -> bool:
        """Whether it was closed."""
        return self._stop.is_set()

    @property
    def standing(self) -> Standing:
        """How far this client has come, as its state folder says; nobody is asked."""
        position, number = self._follower.position, self._follower.round_number
        sealed = position is not None and self._outbox.entry(number) is not None
        return Standing(number, sealed, ended=position is not None and has_ended(position))

    @property
    def budget(self) -> Account | None:
        """What this client, or its organisation, has spent; None without differential privacy."""
        return self._ledger.account

    def call_once(self) -> None:
        """Call the aggregator once, without the patience of `rounds`, to hear whether it answers.

        Raises:
            Unavailable: `aggregator-unreachable`, at once, when nobody answers at its address.
            Rejected: `wrong-aggregator`, when somebody else does.
            BlindsumError: the aggregator's own refusal.
        """
        self._transport.next_round(self._follower.round_number, 0)

    def tell_stages_to(self, on_stage: OnStage) -> None:
        """Have somebody told, from now on, how far a contribution is; contributing waits for it."""
        self._stages.tell = on_stage

    def rounds(self) -> Iterator[Round]:
        """The rounds that invite this client, each verified, as they open; ends with the study.

        Waiting for the next round blocks, through network failures too; `close` from another
        thread ends it. What is still queued from earlier rounds is sent in between. A round that
        was being trained when the client stopped comes again.

        Raises:
            Refused: when an announcement breaks a rule (`quorum-of-acceptances`, `model-digest`,
                ...). The client stands where it stood, and `rounds` may be called again.
            Rejected: when something is malformed or a signature does not hold.
        """
        return iter(self._rounds)

    def encode(self, round: Round, update: Update) -> npt.NDArray[np.int64]:  # noqa: A002
        """Make the integers that `contribute` seals; they stay with the caller.

        Returns:
            int64, shape (the manifest's vector_length,); without noise the last is the weight.

        Raises:
            Refused: `units-expected`, when the study hides records or patients: `encode_units`;
                `stale-round`, when another round has been followed since.
            Rejected: `layout`, when names or shapes are not the study's; `non-finite-update`.
        """
        basis = self._follower.basis(round)
        return self._feedback.encode(update, round, basis, self._randomness)

    def encode_units(
        self,
        round: Round,  # noqa: A002
        batches: Iterable[UnitBatch],
    ) -> tuple[npt.NDArray[np.int64], UnitReport]:
        """Make the integers of a private study from one row for every record or patient.

        Args:
            round: The round.
            batches: Arrays of shape (units, values of `Round.model`), as
                `blindsum_client.adapters.torch_records.record_gradients` makes them.

        Returns:
            The integers, noise included; and counts for this client's eyes alone, without noise.

        Raises:
            Refused: `not-private`, `stale-round`; `update-expected` of the unit client.
            Rejected: `unit-batch`.
        """
        return encode_units(batches, self._follower.basis(round), self._study, self._randomness)

    def contribute(
        self,
        round: Round,  # noqa: A002
        integers: npt.NDArray[np.int64],
    ) -> Signed[Receipt]:
        """Seal the integers, persist the sealed bytes, send them; the verified receipt.

        Called again for the same round it sends the same bytes, also after a restart: what an
        earlier process sealed cannot be compared, so its stored bytes are sent, whatever comes.

        Raises:
            Refused: as `blindsum_client.contribute.Contributor.contribute`, above all
                `one-seal-per-round`, when other integers were sealed for it.
            Unavailable: when the network failed past the round's deadline; it stays queued.
        """
        return self._contributor.contribute(round, self._feedback.keep(round, integers))

    def outcome(self, round: Round) -> Outcome:  # noqa: A002
        """Wait for the end of a round and verify it.

        Raises:
            Rejected: `receipt-not-honoured`, when the aggregator drops what it gave a receipt for;
                `not-my-contribution`; like Refused, a rule of the certificate's check.
            Unavailable: `stopped`, when the client was closed meanwhile.
        """
        return self._feedback.learn(self._outcomes.wait(round))

    def look_back(self, round_number: int) -> Outcome:
        """Fetch and verify how an earlier round ended, and whether this client is in its sum.

        Raises:
            Unavailable: `round-not-over`; when the network gave no answer.
            Refused: `one-spec-per-round-number`, when another was followed; both as `outcome`.
        """
        return self._looking_back.outcome(round_number)

    def final(self) -> dict[str, npt.NDArray[np.float32]]:
        """The verified model that an accepted end of the study binds, as `Round.model` has it.

        Raises:
            Refused: `study-not-ended`, before `rounds` has come to its end.
        """
        position = self._follower.position
        if position is None or not has_ended(position):
            raise Refused("study-not-ended", "expected an accepted spec that ends the study")
        return trained_arrays(self._study, position.model)

    def close(self) -> None:
        """End every waiting and let go of network and disk; what is queued stays on the disk."""
        self._stop.set()
        self._transport.close()
        self._memory.close()
        self._held.close()

    def __enter__(self) -> Self:
        """Use the client in a `with` block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    def __repr__(self) -> str:
        """Show who and where."""
        return f"Client(study={self.study!r}, name={self.name!r})"
