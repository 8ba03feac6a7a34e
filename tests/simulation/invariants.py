"""What must hold in every simulated study, after every step of every schedule, in plain words.

COUNTED ONCE. A published aggregate is 1 at the coordinate of every member of its freeze, and 0
    everywhere else: nobody in U is missing, nobody outside is counted, nobody is counted twice.
    What a member contributed is what it signed and sent, the one contribution of its round.
ONE WORD. A round has one freeze, one aggregate and one end. No restart and no late message changes
    them, and no custodian says two different things in one place. What it endorsed or released is
    what its close names.
ONE SEAL. A client sends one contribution in a round, the same bytes at every retry, also after it
    died with them half sent.
RECEIPTS. Whoever got a receipt stands in the freeze: in U, or in the list of who is left out, with
    the reason.
NO GATE. Nobody in a simulated study lies, so no round ends at a gate of its seal, nobody is kept
    as evidence, and everything that is refused is refused for coming late, early or again.
NO DIFFERENCE. Two sets that custodians released parts for under one model version are equal or
    disjoint. Where the model moves, every published round makes a new version, and no other does.
QUEUES. A contribution stays in its client's queue, its bytes on the disk, until a receipt, a
    certificate that counts it, or a quorum of closes of its round: an abort alone frees nothing.
HEARD. What a client believes of a round's end is what happened: that it is in the sum, or not.
GOES ON. When the faults cease, the round at hand ends and a later one is published, whatever came
    before; everybody's queue is then empty of ended rounds, and the transcript passes the audit.
"""

from tests.simulation.sites import NOTHING_NEW

ROUND_ENDS = frozenset(
    {
        "acceptance-time-out",
        "admission-time-out",
        "min-cohort",
        "min-organisations",
        "no-differencing",
        "operator-abort",
    }
)
"""The rules that may end an honest round without an aggregate."""

CLIENTS_HEAR = frozenset(
    {NOTHING_NEW, "aggregator-unreachable", "collection-closed", "round-not-open", "round-over"}
)
"""What an honest client may be refused."""

CUSTODIANS_REFUSE = frozenset(
    {
        "aggregator-unreachable",
        "no-differencing",
        "not-admitted",
        "page-gap",
        "round-closed",
        "round-frozen",
        "round-missed",
        "spec-late",
        "unknown-round",
    }
)
"""What an honest custodian may refuse of an honest aggregator: what comes late or out of turn."""

CUSTODIANS_HEAR = frozenset({"aggregator-unreachable", "round-ended", "unknown-round"})
"""What an honest custodian's answer may be refused for."""


class BrokenError(AssertionError):
    """An invariant does not hold."""

    def __init__(self, invariant: str, what: str) -> None:
        super().__init__(f"{invariant}: {what}")
        self.invariant = invariant


def require(holds: bool, invariant: str, what: str) -> None:  # noqa: FBT001 - the thing itself
    if not holds:
        raise BrokenError(invariant, what)
