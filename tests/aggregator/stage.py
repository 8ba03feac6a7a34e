"""The aggregator below its door, with a clock that tests turn, and everybody else played to it.

Every answer is stored as it would be behind the door, the driver is stepped until nothing is left
to do, and `restart` closes the state and opens it again as a new process would.
"""

# ruff: noqa: ANN401 - answers are of many kinds

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.aggregator.cast import NOW, Cast, Integers, Sent

from blindsum_aggregator.answers import take_answer
from blindsum_aggregator.driver import Driver
from blindsum_aggregator.operating import operate
from blindsum_aggregator.retention import sweep_study
from blindsum_aggregator.settings import AggregatorSettings
from blindsum_aggregator.store.amendments import kept_handover
from blindsum_aggregator.store.database import Store
from blindsum_aggregator.store.messages import MessageKind, messages_of, one_message
from blindsum_aggregator.store.rounds import RoundRow, newest_round
from blindsum_aggregator.study import Study
from blindsum_aggregator.transcript import Filing
from blindsum_aggregator.upload import find_upload, give_receipt, take_header
from blindsum_crypto.log.merkle import root
from blindsum_rules.acceptance import Acceptance
from blindsum_rules.admission import Admission, Denial, HeaderPage
from blindsum_rules.close import Close
from blindsum_rules.endorsement import Endorsement
from blindsum_rules.exception import SignedException
from blindsum_rules.freeze import Freeze
from blindsum_rules.receipt import Receipt
from blindsum_rules.requests import OperatorAction, OperatorRequest
from blindsum_rules.signed import Signed
from blindsum_rules.spec import Spec
from blindsum_rules.transitions import AggregatorState


class Clock:
    """UTC seconds that stand still until a test turns them."""

    def __init__(self) -> None:
        self.now = float(NOW)

    def __call__(self) -> float:
        return self.now

    def turn(self, seconds: float) -> None:
        self.now += seconds


class Stage:
    """One study, its aggregator, and what was sent to it."""

    def __init__(self, cast: Cast, folder: Path, **settings: Any) -> None:
        self.cast = cast
        self.settings = AggregatorSettings(state_directory=folder, **settings)
        self.clock = Clock()
        self.sent: dict[tuple[int, str], Sent] = {}
        self.nonces = 0
        folder.mkdir(parents=True, exist_ok=True)
        self._open()

    def _open(self) -> None:
        self.store = Store(self.settings.database)
        self.study = Study(
            self.cast.files,
            self.cast.identities["aggregator"],
            self.settings,
            self.store,
            self.clock,
        )
        sweep_study(self.study)
        Filing(self.study).write_manifest()
        self.driver = Driver(self.study)
        for custodian in self.cast.custodians:
            self.study.attending.arrive(custodian)

    def close(self) -> None:
        self.store.close()

    def restart(self) -> None:
        self.close()
        self._open()

    def settle(self) -> AggregatorState:
        """Step the driver until nothing is due; the state of the newest round."""

        async def steps() -> None:
            await self.study.refresh()
            while await self.driver.step():
                pass

        asyncio.run(steps())
        return self.row.state

    @property
    def row(self) -> RoundRow:
        row = self.store.read(lambda connection: newest_round(connection, "heart"))
        assert row is not None
        return row

    @property
    def spec(self) -> Signed[Spec]:
        number = self.row.number
        return self.store.read(lambda connection: self.study.spec(connection, number))

    @property
    def freeze(self) -> Signed[Freeze]:
        place = self.study.place(self.row.number, MessageKind.FREEZE)
        freeze = self.store.read(lambda connection: one_message(connection, place, Freeze))
        assert freeze is not None
        return freeze

    def messages(self, kind: MessageKind, body: type[Any]) -> list[Signed[Any]]:
        number = self.row.number
        return self.store.read(lambda c: messages_of(c, "heart", number, kind, body))

    def answer(self, body: Any, custodian: str) -> None:
        """Give a custodian's answer; a refusal of it is raised, as the door would send it."""
        signed = self.cast.sign(body, custodian)
        refusal = self.store.write(lambda c: take_answer(self.study, c, signed))
        if refusal is not None:
            raise refusal

    def answers(self, body: Any, custodians: Sequence[str] | None = None) -> AggregatorState:
        """The same words of several custodians, then whatever follows."""
        for custodian in self.cast.custodians if custodians is None else custodians:
            self.answer(body, custodian)
        return self.settle()

    def accept(self, custodians: Sequence[str] | None = None) -> AggregatorState:
        return self.answers(Acceptance("heart", self.row.number, self.row.round_id, ""), custodians)

    def submit(self, sent: Sent) -> int:
        """Hand a header in; how many bytes of its payload are there."""
        state = self.store.write(
            lambda c: take_header(self.study, c, sent.contribution, sent.wraps)
        )
        return state.committed_bytes

    def upload(self, sent: Sent) -> Signed[Receipt]:
        """Hand header and payload in; the receipt."""
        core = sent.contribution.body.core
        self.submit(sent)
        self.study.spool.append(core.round_number, core.client, 0, sent.payload)
        row, _ = self.store.read(
            lambda c: find_upload(self.study, c, core.client, sent.contribution.digest)
        )
        self.study.spool.check(
            core.round_number, core.client, core.payload_digest, self.study.seal(self.spec)
        )
        self.sent[core.round_number, core.client] = sent
        return self.store.write(lambda c: give_receipt(self.study, c, row))

    def contribute(
        self, clients: Sequence[str] | None = None, values: Integers | None = None
    ) -> AggregatorState:
        """Let clients seal and send."""
        for client in self.spec.body.cohort if clients is None else clients:
            self.upload(self.cast.contribute(self.spec, client, values))
        return self.settle()

    def admit(
        self, custodians: Sequence[str] | None = None, denied: Sequence[str] = ()
    ) -> AggregatorState:
        """Let custodians answer every page that they have not answered."""
        for page in self.messages(MessageKind.PAGE, HeaderPage):
            admission = Admission(
                study="heart",
                round_number=page.body.round_number,
                round_id=page.body.round_id,
                page=page.body.page,
                root=root(page.body.contribution_digests),
                denials=self._denials(page.body, denied),
                custodian="",
            )
            for custodian in self.cast.custodians if custodians is None else custodians:
                self.answer(admission, custodian)
        return self.settle()

    def _denials(self, page: HeaderPage, denied: Sequence[str]) -> tuple[Denial, ...]:
        number = self.row.number
        by_digest = {
            self.sent[number, name].contribution.digest: name
            for name in denied
            if (number, name) in self.sent
        }
        return tuple(
            Denial(by_digest[digest], digest, "bad-wrap")
            for digest in page.contribution_digests
            if digest in by_digest
        )

    def endorse(self, custodians: Sequence[str] | None = None) -> AggregatorState:
        row = self.row
        endorsement = Endorsement("heart", row.number, row.round_id, row.freeze_digest, "")
        return self.answers(endorsement, custodians)

    def release(self, custodians: Sequence[str] | None = None) -> AggregatorState:
        number = self.row.number
        sent = {client: one for (at, client), one in self.sent.items() if at == number}
        for custodian in self.cast.custodians if custodians is None else custodians:
            self.answer(self.cast.release(self.spec, self.freeze, custodian, sent), custodian)
        return self.settle()

    def leave(
        self, custodians: Sequence[str] | None = None, *, named: bool = True
    ) -> AggregatorState:
        """Let custodians close the newest round; `named`: naming the freeze, if there is one."""
        row = self.row
        for custodian in self.cast.custodians if custodians is None else custodians:
            self.answer(
                Close(
                    "heart",
                    row.number,
                    row.freeze_digest if named else b"",
                    "",
                    self.cast.signed_manifest.digest,
                    self.handed_to,
                ),
                custodian,
            )
        return self.settle()

    @property
    def handed_to(self) -> bytes:
        """To which committee the newest round is left; empty as well before that is decided."""
        number = self.row.number
        return self.store.read(lambda c: kept_handover(c, "heart", number)) or b""

    def play_to(self, state: AggregatorState) -> AggregatorState:
        """One round with everybody, from wherever it is, until it is in that state."""
        steps = {
            AggregatorState.PROPOSED: self.accept,
            AggregatorState.OPEN: self._fill,
            AggregatorState.FROZEN: self.endorse,
            AggregatorState.ENDORSED: self.release,
            AggregatorState.PUBLISHED: self.leave,
        }
        while self.settle() is not state:
            steps[self.row.state]()
        return state

    def _fill(self) -> AggregatorState:
        self.contribute()
        return self.admit()

    def operate(
        self,
        action: OperatorAction,
        number: int,
        signer: str = "operator",
        exception: SignedException | None = None,
    ) -> str:
        self.nonces += 1
        request = OperatorRequest(
            study="heart",
            action=action,
            round_number=number,
            reason="for the test",
            issued_unix=int(self.clock()),
            nonce=self.nonces.to_bytes(16, "big"),
            manifest_digest=self.cast.signed_manifest.digest,
            exception_digest=b"" if exception is None else exception.digest,
        )
        signed = self.cast.sign(request, signer)
        return self.store.write(lambda c: operate(self.study, c, signed, exception))

    def abort(self) -> AggregatorState:
        self.operate(OperatorAction.ABORT_ROUND, self.row.number)
        return self.settle()
