"""One served study: its manifest, the aggregator's hand, and where everything of it is kept."""

import asyncio
import hmac
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar

import structlog
from sqlalchemy import Connection

from blindsum_aggregator.amending import take_amendments
from blindsum_aggregator.attendance import Attendance
from blindsum_aggregator.blobs import Blobs
from blindsum_aggregator.board import Board, View
from blindsum_aggregator.engine.in_process import InProcessEngine
from blindsum_aggregator.engine.protocol import Engine, Upload
from blindsum_aggregator.eras import Callers, EraBook, Eras, callers_of
from blindsum_aggregator.seals import aggregator_seal
from blindsum_aggregator.settings import AggregatorSettings
from blindsum_aggregator.spending import Spending
from blindsum_aggregator.spool import Spool
from blindsum_aggregator.store.contributions import ContributionRow
from blindsum_aggregator.store.database import Store
from blindsum_aggregator.store.messages import MessageKind, Place, one_message
from blindsum_aggregator.store.requests import pin_study
from blindsum_aggregator.store.rounds import accepted_rounds, all_rounds, newest_round
from blindsum_crypto.errors import Refused, Rejected
from blindsum_crypto.identity import Identity
from blindsum_crypto.randomness import Randomness, SystemRandomness
from blindsum_crypto.seal import AggregatorSeal
from blindsum_protos.convert.signed import sign
from blindsum_rules.amendment import SignedAmendment
from blindsum_rules.manifest import Approval, Manifest
from blindsum_rules.manifest_checks import check_signed_manifest
from blindsum_rules.model import Model, encode_model, model_digest
from blindsum_rules.privacy.adaptive_clipping import check_first_clip_norm
from blindsum_rules.signed import BodyT, Signed
from blindsum_rules.spec import Spec, SpecKind
from blindsum_rules.transitions import AggregatorState

ValueT = TypeVar("ValueT")

_LOG: Final[Any] = structlog.get_logger("blindsum.aggregator")
_ROUNDS_IN_MEMORY: Final = 4


class StudyFiles(NamedTuple):
    """What the operator hands in to serve a study.

    Attributes:
        manifest: The signed manifest.
        approval: The privacy officer's approval, if the manifest names one.
        initial_model: The model of version 0.
        amendments: What the file holds of amendments, in order; what is new of it is pending.
    """

    manifest: Signed[Manifest]
    approval: Signed[Approval] | None
    initial_model: Model
    amendments: tuple[SignedAmendment, ...] = ()


class Study:
    """A study that this aggregator serves.

    Attributes:
        signed_manifest: The verified manifest.
        approval: The officer's approval, or None.
        callers: Who may call now; as of the last `refresh`.
        name: The study's id.
        settings: The aggregator's settings.
        store: The database.
        spool: Sealed payloads.
        blobs: Models and aggregates.
        engine: Adds the payloads.
        transcript: The folder of the study's transcript.
        board: Who waits looks here.
        attending: The custodians that attend now.
        clock: UTC seconds.
        randomness: Source of the salts.
        spending: What a private study's rounds have spent; None without differential privacy.
    """

    def __init__(
        self,
        files: StudyFiles,
        identity: Identity,
        settings: AggregatorSettings,
        store: Store,
        clock: Callable[[], float] = time.time,
        randomness: Randomness | None = None,
    ) -> None:
        """Check a study and make it ready to be served.

        Raises:
            Refused: what `check_signed_manifest` refuses; `other-aggregator`, when the manifest
                names another key; `other-manifest`, when the study was served under another one;
                what `take_amendments` refuses.
            Rejected: `initial-model`, when the model is not the manifest's; what `take_amendments`
                rejects.
        """
        check_signed_manifest(files.manifest, files.approval)
        self.signed_manifest = files.manifest
        self.approval = files.approval
        self._book = EraBook(files.manifest)
        self.name = files.manifest.body.study
        self._identity = identity
        check_own(files.manifest.body, identity, files.initial_model)
        self.settings = settings
        self.store = store
        self.clock = clock
        self.randomness = randomness or SystemRandomness()
        folder = settings.state_directory / self.name
        self.spool = Spool(folder / "spool")
        self.blobs = Blobs(folder / "blobs")
        self.engine: Engine = InProcessEngine(self.name, store, self.spool, folder / "sums")
        self.transcript: Path = settings.transcripts / self.name
        self.board = Board()
        self._refreshing = asyncio.Lock()
        self.attending = Attendance()
        private = files.manifest.body.privacy is not None
        self.spending = Spending(files.manifest.body, self._book) if private else None
        self._specs: dict[int, Signed[Spec]] = {}
        self._seals: dict[int, AggregatorSeal] = {}
        store.write(lambda connection: self._pin(connection, files))
        self.callers: Callers = store.read(lambda connection: self._callers(connection, None))
        self.blobs.put(self.manifest.initial_model_digest, encode_model(files.initial_model))

    @property
    def manifest(self) -> Manifest:
        """The manifest in force since the newest proposal, as of the last `refresh`.

        For what no amendment changes, and for words; what acts on a round asks `manifest_of`.
        """
        return self.callers.eras.in_force.body

    def eras(self, connection: Connection) -> Eras:
        """Which manifest each round keeps, as this transaction sees it."""
        return self._book.read(connection)

    def manifest_of(self, connection: Connection, number: int) -> Manifest:
        """The manifest that a round keeps: roster, committee and rules of everything in it."""
        return self._book.read(connection).of_round(number).body

    def sign(self, body: BodyT) -> Signed[BodyT]:
        """Sign as the study's aggregator."""
        return sign(body, self.manifest.aggregator.name, self._identity)

    def place(self, number: int, kind: MessageKind, subject: str = "") -> Place:
        """Where a message without a page stands; the aggregator's own unless a subject is given."""
        return Place(self.name, number, kind, subject or self.manifest.aggregator.name)

    def spec(self, connection: Connection, number: int) -> Signed[Spec]:
        """The spec of a round.

        Raises:
            Refused: `unknown-round`, when there is none of that number.
        """
        spec = self._specs.get(number)
        if spec is None:
            spec = one_message(connection, self.place(number, MessageKind.SPEC), Spec)
            if spec is None:
                raise Refused("unknown-round", f"expected a round that was proposed, got {number}")
            _remember(self._specs, number, spec)
        return spec

    def seal(self, spec: Signed[Spec]) -> AggregatorSeal:
        """The aggregator's half of a round's seal; the engine is then ready for the round."""
        number = spec.body.round_number
        seal = self._seals.get(number)
        if seal is None:
            manifest = self.store.read(lambda connection: self.manifest_of(connection, number))
            seal = aggregator_seal(spec, manifest)
            self.engine.open(number, seal)
            _remember(self._seals, number, seal)
        return seal

    def upload(self, row: ContributionRow) -> Upload:
        """A contribution as the engine wants it."""
        return Upload(row.client, self.spool.path(row.number, row.client), row.payload_digest)

    def view(self, connection: Connection) -> View:
        """What the board should show."""
        rows = all_rounds(connection, self.name)
        accepted = accepted_rounds(connection, self.name)
        ended = any(row.kind is SpecKind.END and row.state is AggregatorState.OPEN for row in rows)
        return View({row.number: row.state for row in rows}, max(accepted, default=-1), ended)

    async def refresh(self) -> None:
        """Show on the board what was just committed, and tell the log what is new.

        One after the other: a read that another one overtook would be shown last, and who waits
        for what the other saw would wait for ever.
        """
        async with self._refreshing:
            self.callers = await self.store.reading(
                lambda connection: self._callers(connection, self.callers)
            )
            view = await self.store.reading(self.view)
            for number, state in view.states.items():
                if state is not self.board.view.states.get(number):
                    _LOG.info("round", study=self.name, round_number=number, state=state.value)
            if view.ended and not self.board.view.ended:
                following = "its custodians and clients may stop"
                _LOG.info("study ended", study=self.name, next=following)
            self.board.show(view)

    def _pin(self, connection: Connection, files: StudyFiles) -> None:
        pin_study(connection, self.name, files.manifest.digest)
        take_amendments(self._book.read(connection), connection, files.amendments)

    def _callers(self, connection: Connection, known: Callers | None) -> Callers:
        eras, newest = self._book.read(connection), newest_round(connection, self.name)
        return callers_of(eras, None if newest is None else newest.number, known)


def check_own(manifest: Manifest, identity: Identity, initial_model: Model) -> None:
    """Check that a study is this aggregator's to serve, and that its model is the manifest's.

    Raises:
        Refused: `other-aggregator`; what `check_first_clip_norm` refuses.
        Rejected: `initial-model`.
    """
    named = manifest.aggregator
    if not hmac.compare_digest(named.identity, identity.public):
        raise Refused(
            "other-aggregator",
            f"expected the key of aggregator {named.name!r} of {manifest.study!r}",
        )
    if not hmac.compare_digest(model_digest(initial_model), manifest.initial_model_digest):
        raise Rejected("initial-model", f"expected the initial model of {manifest.study!r}")
    check_first_clip_norm(manifest, initial_model)


def _remember(cache: dict[int, ValueT], number: int, value: ValueT) -> None:
    """Keep the newest few; a study has many rounds and works on one."""
    cache[number] = value
    for old in sorted(cache)[:-_ROUNDS_IN_MEMORY]:
        cache.pop(old, None)
