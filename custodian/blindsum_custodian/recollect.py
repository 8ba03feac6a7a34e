"""Before it attends, a custodian compares what the aggregator has of it with what it remembers.

A snapshot of a whole machine puts store and instance file back together, and neither tells on the
other (threat T25). Whoever has the custodian's answers does: a step that it is said to have
answered and does not remember was answered by a memory that came after this one. Then it stays away
from the line and signs nothing. It does not stop for good, as it does when it is shown such a
signature (`learn`): an aggregator says who answered, and only a signature proves it.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from blindsum_crypto.errors import Refused
from blindsum_custodian.seat import Seat
from blindsum_custodian.store.answers import Step, count_answers


@dataclass(frozen=True, slots=True)
class Held:
    """A step of a round to which the aggregator says that it has this custodian's answer."""

    round_number: int
    step: Step


def check_remembered(seat: Seat, held: Iterable[Held]) -> None:
    """Check that the store knows every answer that the aggregator says it has of this custodian.

    Args:
        seat: The custodian's seat.
        held: What the aggregator says; answers that it lacks are of no concern here.

    Raises:
        Refused: `answer-forgotten`, when the store does not know one of them.
    """
    with seat.store.reading() as connection:
        for one in held:
            if not count_answers(connection, seat.study, one.round_number, one.step):
                raise Refused(
                    "answer-forgotten",
                    f"expected a memory of its own answer to {one.step.value!r} in round "
                    f"{one.round_number}, which the aggregator says it has: is this machine a copy "
                    "or an old snapshot?",
                )
