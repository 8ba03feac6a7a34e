"""A custodian in a process of its own: real duties in, real answers out, its time and memory.

It speaks with the measuring process over a pipe, in messages of one letter and bytes: `d` a duty,
`a` an answer, `f` a digest to fetch, `e` the end of a duty with its seconds, `p` the peak memory.
"""

import json
import multiprocessing
import resource
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

from blindsum_crypto.execution import usable_cores
from blindsum_custodian.custodian import Custodian
from blindsum_custodian.duties import UnreadableDuty, answer_to_message, read_duty
from blindsum_custodian.store.database import Store
from blindsum_protos.convert.signed import signed_from_bytes, signed_to_bytes
from blindsum_protos.v1 import aggregator_pb2
from blindsum_rules.manifest import Manifest
from blindsum_rules.signed import Signed
from custodian_study import MEASURED, key_ring_of

_DUTY: Final = b"d"
_ANSWER: Final = b"a"
_FETCH: Final = b"f"
_END: Final = b"e"
_PEAK: Final = b"p"
_ATTENDING: Final = b"n"

_STATUS: Final = Path("/proc/self/status")
_KIB: Final = 1024


@dataclass(frozen=True, slots=True)
class Taken:
    """What one duty took of the custodian.

    Attributes:
        process: Seconds of computation of the process, all its threads together.
        wall: Seconds that passed, waiting for the disk included.
    """

    process: float
    wall: float


class CustodianProcess:
    """The near side of the pipe, whose own work is not counted: it tells a custodian its duties.

    Args:
        manifest: The study.
        folder: Where it keeps its memory.
    """

    def __init__(self, manifest: Signed[Manifest], folder: Path) -> None:
        """Start the custodian's process and wait until it attends."""
        context = multiprocessing.get_context("spawn")
        self._line, theirs = context.Pipe()
        self._process = context.Process(target=_attend_pipe, args=(theirs, str(folder)))
        self._process.start()
        theirs.close()
        self._published: dict[bytes, bytes] = {}
        self._line.send_bytes(signed_to_bytes(manifest))
        self._line.recv_bytes()

    def __enter__(self) -> "CustodianProcess":
        return self

    def __exit__(self, *_: object) -> None:
        self._line.close()
        self._process.join()

    def publish(self, signed: Signed[Any]) -> None:
        """Serve a signed message by its digest."""
        self._published[signed.digest] = signed_to_bytes(signed)

    def perform(self, duty: aggregator_pb2.Duty) -> tuple[list[aggregator_pb2.DutyAnswer], Taken]:
        """Let the custodian do one duty; answers and what it took."""
        self._line.send_bytes(_DUTY + duty.SerializeToString())
        answers: list[aggregator_pb2.DutyAnswer] = []
        while True:
            message = self._line.recv_bytes()
            kind, data = message[:1], message[1:]
            if kind == _END:
                return answers, Taken(**json.loads(data))
            if kind == _FETCH:
                self._line.send_bytes(self._published[data])
            if kind == _ANSWER:
                answers.append(_believed(data))

    def peak_bytes(self) -> int:
        """Ask for the peak memory; the custodian ends with that."""
        self._line.send_bytes(_PEAK)
        return int(self._line.recv_bytes()[1:])


def _attend_pipe(line: Connection, folder: str) -> None:
    """Attend one study until `p` is asked for. The manifest comes first, as signed bytes."""
    custodian = _begin(line, Path(folder))
    line.send_bytes(_ATTENDING)
    while True:
        message = line.recv_bytes()
        if message[:1] == _PEAK:
            line.send_bytes(_PEAK + str(_peak_bytes()).encode())
            return
        began, began_wall = time.process_time(), time.perf_counter()
        _perform(custodian, line, message[1:])
        taken = {
            "process": time.process_time() - began,
            "wall": time.perf_counter() - began_wall,
        }
        line.send_bytes(_END + json.dumps(taken).encode())


def _begin(line: Connection, folder: Path) -> Custodian:
    def fetch_signed(digest: bytes) -> bytes:
        line.send_bytes(_FETCH + digest)
        return line.recv_bytes()

    return Custodian(
        manifest=signed_from_bytes(Manifest, line.recv_bytes()),
        approval=None,
        key_ring=key_ring_of(MEASURED),
        store=Store.create(folder / "store" / "custodian.sqlite", folder / "instance"),
        fetch_signed=fetch_signed,
        threads=usable_cores(),
    )


def _perform(custodian: Custodian, line: Connection, data: bytes) -> None:
    duty = read_duty(aggregator_pb2.Duty.FromString(data))
    if isinstance(duty, UnreadableDuty):
        raise duty.error
    for answer in custodian.perform(duty):
        line.send_bytes(_ANSWER + answer_to_message(answer).SerializeToString())


def _peak_bytes() -> int:
    """The most that this process was resident with, libraries included.

    A process that is started inherits the peak of its parent in `getrusage`; Linux also tells that
    of the program itself.
    """
    if _STATUS.exists():
        for line in _STATUS.read_text(encoding="ascii").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * _KIB
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _KIB


def _believed(data: bytes) -> aggregator_pb2.DutyAnswer:
    answer = aggregator_pb2.DutyAnswer.FromString(data)
    if answer.HasField("refusal"):
        raise RuntimeError(f"expected an answer, got a refusal: {answer.refusal.body!r}")
    return answer
