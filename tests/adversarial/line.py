"""The line between a hostile aggregator and real clients: it announces whatever a test wants.

The messages are the wire's, without the sockets (`tests/client/stage_calls.py`); the clients are
the product's own, with their memory on the disk.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.adversarial.hostile_aggregator import Integers, Sent
from tests.adversarial.people import initial_model
from tests.adversarial.world import World
from tests.client.stage_calls import StageCalls
from tests.client.uploads import StagedRound, StoredUpload

from blindsum_client.client import Client
from blindsum_client.joining import Membership
from blindsum_client.sealing import SealedContribution
from blindsum_client.state_folder import StateFolder
from blindsum_protos.convert.signed import signed_to_bytes
from blindsum_rules.acceptance import Acceptance
from blindsum_rules.amended_manifest import AmendedManifest
from blindsum_rules.local_policy import ClientPolicy
from blindsum_rules.model import encode_model
from blindsum_rules.signed import Signed
from blindsum_rules.spec import Spec


@dataclass
class Line:
    """What the clients of a world are told, by round number.

    It has the attributes that `StageCalls` reads from its stage.
    """

    world: World
    rounds: list[StagedRound] = field(default_factory=list)
    blobs: dict[bytes, bytes] = field(init=False)
    calls: StageCalls = field(init=False)

    def __post_init__(self) -> None:
        model = initial_model(self.world.study.layout)
        self.blobs = {self.world.study.initial_model_digest: encode_model(model)}
        self.calls = StageCalls(self)  # type: ignore[arg-type] # it plays the stage

    @property
    def people(self) -> Any:  # noqa: ANN401 - whoever signs receipts
        return self.world.people

    @property
    def now(self) -> float:
        return self.world.aggregator.now

    @property
    def signed(self) -> dict[bytes, bytes]:
        return self.world.aggregator.published

    def keep(self, signed: Signed[Any]) -> None:
        self.signed[signed.digest] = signed_to_bytes(signed)

    def announce(
        self, spec: Signed[Spec], acceptances: Sequence[Signed[Acceptance]]
    ) -> StagedRound:
        """Tell clients from now on of this spec under its number, in place of any other."""
        staged = StagedRound(spec, tuple(acceptances))
        del self.rounds[spec.body.round_number :]
        self.rounds.append(staged)
        return staged

    def client(self, name: str, state: Path) -> Client:
        """The real client of that name, with its memory in a folder."""
        keys = self.world.people.keys
        membership = Membership(
            AmendedManifest(self.world.people.manifest),
            name,
            keys.identities[name],
            (keys.agreements[name],),
            ClientPolicy(allowed_seals=frozenset(self.world.study.seals)),
        )
        calls = self.calls
        return Client(membership, calls, StateFolder.at(state), clock=lambda: self.now)

    def contribute(self, name: str, state: Path, values: Integers | None = None) -> None:
        """Let a client take part in the newest round, with what it remembers in a folder."""
        client = self.client(name, state)
        vector = self.world.values_of(name) if values is None else values
        try:
            client.contribute(next(client.rounds()), vector)
        finally:
            client.close()

    def sent(self, staged: StagedRound) -> list[Sent]:
        """What arrived in a round, as the hostile aggregator keeps it."""
        return [self._sent(name, upload) for name, upload in sorted(staged.uploads.items())]

    def _sent(self, name: str, upload: StoredUpload) -> Sent:
        sealed = SealedContribution(
            upload.contribution, upload.wraps, bytes(upload.payload), upload.pair_table
        )
        return Sent(sealed, self.world.values_of(name))
