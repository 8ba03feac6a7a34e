"""A custodian that is killed while its word alone decides between two freezes of one round.

`test_split_view.py` runs this script; it stands apart because it forks, which a process with
threads (the test run) should not do. Two honest custodians endorsed one freeze each, the corrupt
one both; the fourth is asked for the first freeze, dies by SIGKILL at a chosen moment, starts again
and is asked for the second.
"""

import json
import os
import shutil
import signal
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import numpy as np
from tests.adversarial.hostile_aggregator import Sent
from tests.adversarial.people import found
from tests.adversarial.world import World

from blindsum_custodian import endorse
from blindsum_custodian.endorse import EndorseDuty
from blindsum_protos.convert.signed import signed_from_bytes, signed_to_bytes
from blindsum_rules.endorsement import Endorsement
from blindsum_rules.freeze import Freeze
from blindsum_rules.signed import Signed
from blindsum_rules.spec import Spec

KILLED, FIRST, SECOND, CORRUPT = (f"custodian-{index}" for index in range(4))
OTHER = f"{CORRUPT}/other"


@dataclass(frozen=True, eq=False)
class Split:
    """Everything but the killed custodian's word."""

    world: World
    spec: Signed[Spec]
    sent: list[Sent]
    whole: Signed[Freeze]
    without: Signed[Freeze]
    for_whole: tuple[Signed[Endorsement], ...]
    for_without: tuple[Signed[Endorsement], ...]


def split_world(folder: Path, seal: str) -> Split:
    world = World(found(seal=seal), folder)
    spec = world.aggregator.spec()
    everybody = [KILLED, FIRST, SECOND, CORRUPT, OTHER]
    world.accept(spec, everybody)
    sent = world.seal_all(spec)
    world.admit(spec, sent, everybody)
    whole, without = world.aggregator.freeze(spec, sent), world.aggregator.freeze(spec, sent[:-1])
    split = Split(
        world=world,
        spec=spec,
        sent=sent,
        whole=whole,
        without=without,
        for_whole=world.endorse(whole, [FIRST, CORRUPT]),
        for_without=world.endorse(without, [SECOND, OTHER]),
    )
    world.close()
    return split


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class Death:
    """Kills the process after so many calls and returns, from the start or from the commit on.

    An endorsement takes some 20,000 of them, the last 400 between its commit and its answer.
    """

    def __init__(self, moment: int, *, after_commit: bool) -> None:
        self.moment = moment
        self.counting = not after_commit
        self.after_commit = after_commit
        self.counted = 0

    def __call__(self, frame: FrameType, event: str, argument: object) -> None:
        del frame
        at_commit = getattr(argument, "__name__", "") == "commit"
        if at_commit and event == "c_call" and not self.after_commit:
            die()
        if at_commit and event == "c_return":
            self.counting = True
        self.counted += self.counting
        if self.counting and self.counted > self.moment:
            die()


def endorse_and_die(split: Split, death: Death, pipe: int) -> None:
    """The child: what it answers goes into the pipe, as it would go out on the wire."""
    custodian = split.world.custodian(KILLED)
    with custodian.store.reading():
        sys.setprofile(death)
    (answer,) = custodian.perform(EndorseDuty(0, split.whole.digest))
    sys.setprofile(None)
    os.write(pipe, signed_to_bytes(answer))
    die()


def endorse_before_it_is_kept(split: Split, pipe: int) -> None:
    """The child of the negative control: the signature leaves before the decision is durable."""

    def leave(_connection: object, _place: object, answer: Signed[Endorsement]) -> None:
        os.write(pipe, signed_to_bytes(answer))
        die()

    setattr(endorse, "keep_answer", leave)  # noqa: B010 - it is a name that the module imports
    split.world.custodian(KILLED).perform(EndorseDuty(0, split.whole.digest))


def answer_of_the_dead(split: Split, death: Death | None) -> tuple[Signed[Endorsement], ...]:
    """Fork, let the child die, and return what it had answered by then."""
    receiving, sending = os.pipe()
    child = os.fork()
    if not child:
        os.close(receiving)
        if death is None:
            endorse_before_it_is_kept(split, sending)
        else:
            endorse_and_die(split, death, sending)
    os.close(sending)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == -signal.SIGKILL
    with os.fdopen(receiving, "rb") as pipe:
        data = pipe.read()
    return (signed_from_bytes(Endorsement, data),) if data else ()


def word_for(split: Split, freeze: Signed[Freeze]) -> tuple[Signed[Endorsement], ...]:
    """What the killed custodian says to a freeze after its restart: an endorsement or nothing."""
    (answer,) = split.world.perform(KILLED, EndorseDuty(0, freeze.digest))
    if isinstance(answer.body, Endorsement):
        return (answer,)
    assert answer.body.rule == "one-freeze-per-round", answer.body.rule
    return ()


def attempt(split: Split, death: Death | None) -> tuple[str, bool]:
    """One life and death: what the aggregator can present then, and whether x_i is its gain."""
    home = split.world.folder / KILLED
    kept = split.world.folder / "kept"
    if not kept.exists():
        shutil.copytree(home, kept)
    answered = answer_of_the_dead(split, death)
    for_without = word_for(split, split.without)
    for_whole = (*answered, *word_for(split, split.whole))[:1]
    presented = {"whole": for_whole, "without": for_without}
    gained = False
    if for_whole and for_without:
        gained = opens_the_victim(
            split, (*split.for_whole, *for_whole), (*split.for_without, *for_without)
        )
    split.world.stop(KILLED)
    shutil.rmtree(home)
    shutil.copytree(kept, home)
    word = " and ".join(name for name, endorsements in presented.items() if endorsements)
    return f"{word}, {'answered' if answered else 'silent'}", gained


def opens_the_victim(
    split: Split,
    for_whole: tuple[Signed[Endorsement], ...],
    for_without: tuple[Signed[Endorsement], ...],
) -> bool:
    """Open both sums and subtract."""
    world, victim = split.world, split.sent[-1]
    release = world.release(split.whole, for_whole, [FIRST, CORRUPT])
    larger = world.aggregator.open(split.spec, split.sent, release)
    release = world.release(split.without, for_without, [SECOND, OTHER])
    smaller = world.aggregator.open(split.spec, split.sent[:-1], release)
    return np.array_equal(larger - smaller, victim.values)


def main(folder: Path, seal: str, script: str, moments: range) -> None:
    split = split_world(folder, seal)
    words: Counter[str] = Counter()
    for moment in moments:
        death = Death(moment, after_commit=script == "after the commit")
        word, gained = attempt(split, None if script == "control" else death)
        words[word] += 1
        words["victims"] += gained
    json.dump(words, sys.stdout)


if __name__ == "__main__":
    _, where, which_seal, which_script, times, stride = sys.argv
    main(Path(where), which_seal, which_script, range(0, int(times) * int(stride), int(stride)))
