"""A custodian that is killed while it admits pages; `test_crash.py` runs this script.

Each attempt begins with the same store, in which a round is accepted. A forked child admits one
page after the other and is killed by SIGKILL at some point of the second; then the surviving store
is shown every page again, and goes on to the release.
"""

# The modules loaded by path and the functions that are replaced have no types to name.
# ruff: noqa: ANN401

import importlib
import json
import os
import shutil
import signal
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from blindsum_custodian import admit
from blindsum_custodian.accept import AcceptDuty
from blindsum_custodian.admit import AdmitDuty
from blindsum_custodian.endorse import EndorseDuty
from blindsum_custodian.instance import InstanceFile
from blindsum_custodian.release import ReleaseDuty
from blindsum_protos.convert.signed import signed_to_bytes
from blindsum_rules.release import joined

HERE = Path(__file__).parent
dying = importlib.import_module("dying_custodian")  # the script beside this one
A = dying.A
ON_A_PAGE = 2
PAGES = 3
ANSWER_BYTES = 4


def arm(point: str) -> None:
    """Prepare this process's death in the second page; the first one is answered."""
    if point == "before the commit":
        dying.die_around(admit, "keep_answer", before=False)
    if point == "between commit and instance file":
        dying.die_around(InstanceFile, "write", before=True)
    if point == "after the instance file":
        dying.die_around(InstanceFile, "write", before=False)


def admit_and_die(play: Any, duties: list[AdmitDuty], point: str, answer_pipe: int) -> None:
    """The child: answers go into the pipe, as they would go out on the wire."""
    for number, duty in enumerate(duties):
        if number == 1:
            with play.custodian(A).store.reading():
                arm(point)
        (answer,) = play.perform(A, duty)
        if number == 1:
            dying.die()
        sent = signed_to_bytes(answer)
        os.write(answer_pipe, len(sent).to_bytes(ANSWER_BYTES, "big") + sent)
    dying.die()


def attempt(play: Any, duties: list[AdmitDuty], point: str) -> bytes:
    """Fork, let the child die, and return what it had answered by then: the first page alone."""
    receiving, sending = os.pipe()
    child = os.fork()
    if not child:
        os.close(receiving)
        admit_and_die(play, duties, point, sending)
    os.close(sending)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == -signal.SIGKILL
    with os.fdopen(receiving, "rb") as pipe:
        size = int.from_bytes(pipe.read(ANSWER_BYTES), "big")
        answered = pipe.read(size)
        assert not pipe.read(), "a page was answered behind the crash"
    return answered


def goes_on(play: Any, spec: Any, submissions: list[Any], duties: list[AdmitDuty]) -> bytes:
    """Show the survivor every page again and let it release; returns its first page's answer."""
    answers = [play.perform(A, duty)[0] for duty in duties]
    assert not any(answer.body.denials for answer in answers)
    freeze = play.freeze(spec, submissions)
    play.perform(A, EndorseDuty(0, freeze.digest))
    endorsements = play.endorsements_of(spec, freeze, play.names[1:])
    pages = play.perform(A, ReleaseDuty(0, freeze.digest, endorsements))
    assert joined(page.body for page in pages) == expected(play, spec, submissions)
    return signed_to_bytes(answers[0])


def expected(play: Any, spec: Any, submissions: list[Any]) -> dict[int, bytes]:
    testing = dying.load(HERE / "test_release.py")
    parts: dict[int, bytes] = testing.expected_release(play, A, spec, submissions)
    return parts


def main(folder: Path, point: str, times: int) -> None:
    people = dying.load(HERE.parent / "conftest.py").found_study(4, 2, 3, 6)
    play = dying.load(HERE / "conftest.py").Play(people, folder / "prepared")
    spec = play.spec()
    play.perform(A, AcceptDuty(spec))
    submissions = play.submissions(spec, play.clients[: ON_A_PAGE * PAGES])
    play.stop(A)
    duties = []
    for page in range(PAGES):
        shown = submissions[page * ON_A_PAGE : (page + 1) * ON_A_PAGE]
        duties.append(play.admit_duty(A, play.page(spec, shown, page=page), shown))
    words: Counter[str] = Counter()
    for number in range(times):
        play.folder = folder / f"attempt-{number}"
        shutil.copytree(folder / "prepared", play.folder)
        answered = attempt(play, duties, point)
        again = goes_on(play, spec, submissions, duties)
        words["went on" if again == answered else "said something else"] += 1
        play.stop(A)
        shutil.rmtree(play.folder)
    json.dump(words, sys.stdout)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
