"""A custodian that is killed while it endorses, over and over; `test_crash.py` runs this script.

It stands apart because it forks, which a process with threads (the test run) should not do. Each
attempt begins with the same store, forks a child that endorses the first of two freezes and is
killed by SIGKILL at some point, and then asks the surviving store for the second freeze.
"""

# The modules loaded by path and the functions that are replaced have no types to name.
# ruff: noqa: ANN401

import importlib.util
import json
import os
import secrets
import shutil
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from blindsum_custodian import endorse
from blindsum_custodian.endorse import EndorseDuty
from blindsum_custodian.instance import InstanceFile
from blindsum_protos.convert.signed import signed_to_bytes
from blindsum_rules.refusal import Refusal

A = "custodian-0"
HERE = Path(__file__).parent
ANY_TIME_SECONDS = 0.12


def die(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def die_around(owner: object, name: str, *, before: bool) -> None:
    """Die when a function is called, or right after it did its work."""
    real: Callable[..., Any] = getattr(owner, name)

    def last_words(*arguments: Any) -> Any:
        if before:
            die()
        real(*arguments)
        die()

    setattr(owner, name, last_words)


def arm(point: str) -> None:
    """Prepare this process's death; the store is open already."""
    if point == "before the commit":
        die_around(endorse, "keep_answer", before=False)
    if point == "between commit and instance file":
        die_around(InstanceFile, "write", before=True)
    if point == "after the instance file":
        die_around(InstanceFile, "write", before=False)


def endorse_and_die(play: Any, duty: EndorseDuty, point: str, answer_pipe: int) -> None:
    """The child: answers go into the pipe, as they would go out on the wire."""
    custodian = play.custodian(A)
    with custodian.store.reading():
        arm(point)
    (answer,) = custodian.perform(duty)
    if point == "before the answer":
        die()
    os.write(answer_pipe, signed_to_bytes(answer))
    time.sleep(ANY_TIME_SECONDS * 2)
    die()


def attempt(play: Any, duty: EndorseDuty, point: str) -> bytes:
    """Fork, let the child die, and return what it had answered by then."""
    receiving, sending = os.pipe()
    child = os.fork()
    if not child:
        os.close(receiving)
        endorse_and_die(play, duty, point, sending)
    os.close(sending)
    if point == "at any time":
        time.sleep(secrets.randbelow(1000) * ANY_TIME_SECONDS / 1000)
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == -signal.SIGKILL
    with os.fdopen(receiving, "rb") as pipe:
        return pipe.read()


def survivors_word(play: Any, first: EndorseDuty, second: EndorseDuty, answered: bytes) -> str:
    """Ask the surviving store for the other freeze, and say whether the first is endorsed."""
    (answer,) = play.perform(A, second)
    if not isinstance(answer.body, Refusal):
        assert not answered, "an endorsement left that the store does not know"
        assert play.refused(A, first) == "one-freeze-per-round"
        return "not endorsed"
    assert answer.body.rule == "one-freeze-per-round", answer.body.rule
    (again,) = play.perform(A, first)
    assert again.body.freeze_digest == first.freeze_digest
    assert answered in (b"", signed_to_bytes(again)), "another endorsement left before"
    assert play.refused(A, second) == "one-freeze-per-round"
    return "endorsed"


def load(path: Path) -> Any:
    found = importlib.util.spec_from_file_location(f"{path.parent.name}_{path.stem}", path)
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    sys.modules[found.name] = module
    found.loader.exec_module(module)
    return module


def main(folder: Path, point: str, times: int) -> None:
    people = load(HERE.parent / "conftest.py").found_study(4, 2, 3, 6)
    play = load(HERE / "conftest.py").Play(people, folder / "prepared")
    spec = play.spec()
    submissions = play.opened(A, spec, play.clients)
    play.stop(A)
    first = EndorseDuty(0, play.freeze(spec, submissions).digest)
    second = EndorseDuty(0, play.freeze(spec, submissions[:5]).digest)
    words: Counter[str] = Counter()
    for number in range(times):
        play.folder = folder / f"attempt-{number}"
        shutil.copytree(folder / "prepared", play.folder)
        answered = attempt(play, first, point)
        words[survivors_word(play, first, second, answered)] += 1
        words["answered"] += bool(answered)
        play.stop(A)
        shutil.rmtree(play.folder)
    json.dump(words, sys.stdout)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
