"""What is heard in a simulated study, held against the invariants as it is said."""

from typing import Any

from google.protobuf.message import Message
from tests.simulation.invariants import (
    CLIENTS_HEAR,
    CUSTODIANS_HEAR,
    CUSTODIANS_REFUSE,
    require,
)
from tests.simulation.port import Letter
from tests.simulation.world import World

from blindsum_crypto.errors import BlindsumError
from blindsum_protos.convert.signed import parse_signed, signed_to_bytes
from blindsum_protos.v1 import contribution_pb2
from blindsum_rules.close import Close
from blindsum_rules.endorsement import Endorsement
from blindsum_rules.header import Contribution
from blindsum_rules.receipt import Receipt
from blindsum_rules.refusal import Refusal
from blindsum_rules.release import Release
from blindsum_rules.signed import Signed


class Hearing:
    """Hears every call, every answer and every custodian's word in a world."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._headers: dict[tuple[int, str], bytes] = {}
        self._digests: dict[tuple[int, str], bytes] = {}
        self._payloads: dict[bytes, bytes] = {}
        self._receipts: dict[tuple[int, str], bytes] = {}
        self._said: dict[tuple[Any, ...], bytes] = {}
        self._endorsed: dict[tuple[str, int], bytes] = {}
        self._released: dict[int, bytes] = {}
        world.port.hears = self.hear_call
        world.port.tells = self.hear_answer
        for member in world.members.values():
            member.signs = self.hear_custodian

    # ---- what is heard

    def hear_call(self, letter: Letter) -> None:
        if letter.method == "SubmitHeader":
            self._hear_header(letter)
        if letter.method == "UploadPayload":
            self._hear_payload(letter)

    def _hear_header(self, letter: Letter) -> None:
        (data,) = letter.requests
        submission = contribution_pb2.HeaderSubmission.FromString(data)
        contribution = parse_signed(Contribution, submission.contribution)
        place = contribution.body.core.round_number, letter.caller
        same = self._headers.setdefault(place, data) == data
        require(same, "ONE SEAL", f"{letter.caller} sends two headers in round {place[0]}")
        self._digests[place] = contribution.digest

    def _hear_payload(self, letter: Letter) -> None:
        digest, data, begins = b"", b"", 0
        for request in letter.requests:
            chunk = contribution_pb2.PayloadChunk.FromString(request)
            digest = digest or chunk.contribution_digest
            begins = begins if data else chunk.offset
            data += chunk.data
        known = self._payloads.get(digest, b"")
        overlap = known[begins : begins + len(data)]
        require(data[: len(overlap)] == overlap, "ONE SEAL", "a payload changed between retries")
        if begins + len(data) > len(known):
            self._payloads[digest] = known[:begins] + data

    def hear_answer(self, letter: Letter, answer: Message) -> None:
        if isinstance(answer, contribution_pb2.UploadState) and answer.HasField("receipt"):
            receipt = parse_signed(Receipt, answer.receipt).body
            place = receipt.round_number, letter.caller
            digest = self._receipts.setdefault(place, receipt.contribution_digest)
            same = digest == receipt.contribution_digest == self._digests[place]
            require(same, "RECEIPTS", f"{letter.caller} gets a receipt of something else")

    def hear_custodian(self, answer: Signed[Any]) -> None:
        body, who = answer.body, answer.signer
        if isinstance(body, Refusal):
            require(body.rule in CUSTODIANS_REFUSE, "NO GATE", f"{who} refuses: {body.rule}")
            return
        number, page = body.round_number, getattr(body, "page", 0)
        data = signed_to_bytes(answer)
        same = self._said.setdefault((who, type(body), number, page), data) == data
        require(same, "ONE WORD", f"{who} gives two answers ({type(body).__name__}, {number})")
        if isinstance(body, Endorsement | Release):
            frozen = self._endorsed.setdefault((who, number), body.freeze_digest)
            require(frozen == body.freeze_digest, "ONE WORD", f"{who} knows two freezes")
        if isinstance(body, Release):
            first = self._released.setdefault(number, body.freeze_digest)
            require(first == body.freeze_digest, "ONE WORD", f"round {number} is opened twice")
        if isinstance(body, Close):
            endorsed = self._endorsed.get((who, number), b"")
            require(endorsed == body.freeze_digest, "ONE WORD", f"{who}'s close of {number} lies")

    def hear_refused_answer(self, who: str, error: BlindsumError | None) -> None:
        if error is not None:
            require(error.rule in CUSTODIANS_HEAR, "NO GATE", f"{who} is refused: {error.rule}")

    def hear_client(self, who: str, error: BlindsumError | None) -> None:
        if error is not None:
            require(error.rule in CLIENTS_HEAR, "NO GATE", f"{who} hears: {error}")
