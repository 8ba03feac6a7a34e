"""The simulated study's clients: the product's own, over state folders on a disk in memory."""

# ruff: noqa: ANN401 - the class of a call's answer depends on its method

from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

from google.protobuf.message import Message
from tests.simulation.people import People
from tests.simulation.port import Killed, Port, SimulatedCalls

from blindsum_client.client import Client
from blindsum_client.joining import Membership
from blindsum_client.outbox import Entry
from blindsum_client.outcome import Outcome
from blindsum_client.round import Round
from blindsum_client.sealing import Sealer
from blindsum_client.stages import Stage
from blindsum_client.state_folder import StateFolder
from blindsum_crypto.custody import CustodySeeds
from blindsum_crypto.errors import BlindsumError, Refused
from blindsum_rules.amended_manifest import AmendedManifest
from blindsum_rules.local_policy import ClientPolicy
from blindsum_rules.transitions import ClientState

NOTHING_NEW = "nothing-new"
"""What a client hears that would have to wait: a schedule goes on with somebody else."""


class SiteCalls(SimulatedCalls):
    """A client's calls, of which none waits for something to happen."""

    def unary(self, method: str, request: Message, timeout_seconds: float) -> Any:
        answer = super().unary(method, request, timeout_seconds)
        if method == "NextRound" and not answer.HasField("spec"):
            raise Refused(NOTHING_NEW, "expected a round that was not announced before")
        if method == "GetOutcome" and not (
            answer.HasField("certificate") or answer.HasField("abort")
        ):
            raise Refused(NOTHING_NEW, "expected a round that has ended")
        return answer


def _spoiling(custodian: int) -> Callable[..., tuple[bytes, ...]]:
    """Wrap as it should be, and garbage for one custodian, which will deny it."""
    true = Sealer._wraps

    def wraps(sealer: Sealer, seeds: CustodySeeds, epoch: int, core: bytes) -> tuple[bytes, ...]:
        made = list(true(sealer, seeds, epoch, core))
        made[custodian] = bytes(len(made[custodian]))
        return tuple(made)

    return wraps


class Site:
    """One client, from its first start over every restart."""

    def __init__(
        self, people: People, name: str, folder: Path, clock: Callable[[], float], port: Port
    ) -> None:
        self.name = name
        self._people = people
        self._folder = folder
        self._clock = clock
        self._port = port
        self._client: Client | None = None
        self._round: Round | None = None
        self.spoilt: int | None = None
        self.sealed: set[int] = set()
        self.outcomes: dict[int, Outcome] = {}
        self.has_acted = False

    @property
    def client(self) -> Client:
        """The running process, started first if need be."""
        self.has_acted = True
        if self._client is None:
            people, name = self._people, self.name
            membership = Membership(
                AmendedManifest(people.manifest),
                name,
                people.identities[name],
                (people.agreement_keys[name],),
                ClientPolicy(min_cohort_floor=2, allowed_seals=frozenset(people.study.seals)),
            )
            self._client = Client(
                membership,
                SiteCalls(people, name, self._port),
                StateFolder.at(self._folder),
                clock=self._clock,
            )
        return self._client

    def dies_at(self, stage: Stage) -> None:
        """Let the running process die when its next contribution has come so far."""

        def die(_number: int, reached: Stage) -> None:
            if reached is stage:
                raise Killed(self.name)

        self.client.tell_stages_to(die)

    def is_well(self) -> None:
        """Let the running process live on, and seal for everybody."""
        self.spoilt = None
        if self._client is not None:
            self._client.tell_stages_to(lambda *_: None)

    def stop(self) -> None:
        if self._client is not None:
            self._client.close()
        self._client = self._round = None

    def entry(self, number: int) -> Entry | None:
        return self.client._outbox.entry(number)

    def takes_part(self) -> BlindsumError | None:
        """Send what is queued, look for the round at hand, and contribute to it.

        Returns:
            What kept it from a receipt, or None.
        """
        spoilt = Sealer._wraps if self.spoilt is None else _spoiling(self.spoilt)
        try:
            with patch.object(Sealer, "_wraps", spoilt):
                self._take_part()
        except Killed:
            self.stop()
        except BlindsumError as error:
            return error
        finally:
            self._note_sealed()
        return None

    def looks(self) -> BlindsumError | None:
        """Follow the newest round, and contribute nothing."""
        try:
            next(self.client.rounds(), None)
        except BlindsumError as error:
            return error
        return None

    def _take_part(self) -> None:
        client = self.client
        held = self._round
        if held is not None and self._is_waiting(held.number):
            # A user's second try, in the same process: the same round and the same integers.
            self._round = None
            client.contribute(held, self._people.one_hot(self.name))
        self._round = next(client.rounds(), None)
        if self._round is not None:
            client.contribute(self._round, self._people.one_hot(self.name))

    def _is_waiting(self, number: int) -> bool:
        entry = self.entry(number)
        is_newest = self.client.standing.round_number == number
        return is_newest and entry is not None and entry.state is ClientState.SEALED

    def _note_sealed(self) -> None:
        number = self.client.standing.round_number
        if number not in self.sealed and self.entry(number) is not None:
            self.sealed.add(number)

    def learns(self) -> list[BlindsumError]:
        """Ask how every round ended that it sealed for and has not heard of; what was refused."""
        refused = []
        for number in sorted(self.sealed - set(self.outcomes)):
            try:
                self.outcomes[number] = self._outcome(number)
            except Killed:
                self.stop()
            except BlindsumError as error:
                refused.append(error)
        return refused

    def _outcome(self, number: int) -> Outcome:
        held = self._round
        if held is not None and held.number == number:
            return self.client.outcome(held)
        return self.client.look_back(number)
