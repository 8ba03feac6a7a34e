"""How the demo watches its study: asks the aggregator how it stands, and looks after processes."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from rich.status import Status

from blindsum_cli.calls import Endpoint, RoundStanding, Standings, StudyStanding, caller_of
from blindsum_cli.demo.processes import Processes
from blindsum_cli.demo.study_setup import DemoStudy
from blindsum_crypto.errors import Aborted, Unavailable
from blindsum_crypto.identity import Identity
from blindsum_rules.manifest import Manifest
from blindsum_rules.signed import Signed
from blindsum_rules.transitions import AggregatorState

POLL_SECONDS: Final = 0.1
_OVER: Final = frozenset({AggregatorState.CLOSED.value})
_NOT_FROZEN: Final = frozenset({"", AggregatorState.PROPOSED.value, AggregatorState.OPEN.value})


@dataclass(frozen=True, slots=True)
class Watcher:
    """Waits for things to happen, and notices when they cannot any more.

    Attributes:
        processes: Who must go on running meanwhile.
        status: The line on the terminal that says what is waited for.
    """

    processes: Processes
    status: Status

    def wait(
        self,
        happened: Callable[[], bool],
        what: str,
        seconds: float,
        may_have_ended: Sequence[str] = (),
    ) -> None:
        """Wait until something happened.

        Args:
            happened: Asked ten times a second.
            what: In words, for the terminal and the error.
            seconds: At most so long.
            may_have_ended: Processes that may have ended well meanwhile.

        Raises:
            Aborted: `demo-process-ended`, when somebody stopped; `demo-too-slow`.
        """
        self.status.update(what)
        deadline = time.monotonic() + seconds
        while not happened():
            self.processes.check(may_have_ended)
            if time.monotonic() > deadline:
                raise Aborted(
                    "demo-too-slow",
                    f"expected within {seconds:g} s: {what}; the logs are in {self.processes.logs}",
                )
            time.sleep(POLL_SECONDS)


class StudyWatcher:
    """Watches one study through the aggregator's status, as its operator."""

    def __init__(
        self, watcher: Watcher, study: DemoStudy, operator: Identity, address: str
    ) -> None:
        """Prepare the connection; nothing is asked yet."""
        self.manifest: Manifest = study.manifest
        self.signed: Signed[Manifest] = study.signed
        self._watcher = watcher
        caller = caller_of(study.manifest, operator)
        self._standings = Standings(study.manifest, caller, Endpoint(address))
        self._latest: StudyStanding | None = None

    def wait_for_custodians(self, names: Sequence[str], seconds: float) -> None:
        """Wait until exactly these custodians attend; errors as `Watcher.wait`."""
        wanted = tuple(sorted(names))
        self._watcher.wait(
            lambda: self._ask().attending == wanted, f"{len(wanted)} custodians attend", seconds
        )

    def wait_for_freeze(self, number: int, seconds: float) -> None:
        """Wait until a round takes no contribution any more; errors as `Watcher.wait`."""
        self._watcher.wait(
            lambda: self._round(number).state not in _NOT_FROZEN, self._what(number), seconds
        )

    def wait_for_round(
        self, number: int, seconds: float, may_have_ended: Sequence[str] = ()
    ) -> RoundStanding:
        """Wait until a round is over for a quorum of custodians; errors as `Watcher.wait`."""
        self._watcher.wait(
            lambda: self._round(number).state in _OVER, self._what(number), seconds, may_have_ended
        )
        return self._round(number)

    def wait_for_end(self, may_have_ended: Sequence[str], seconds: float) -> None:
        """Wait until a quorum accepted the end of the study; errors as `Watcher.wait`."""
        self._watcher.wait(
            lambda: self._ask().ended, "the end of the study", seconds, may_have_ended
        )

    def close(self) -> None:
        """End the connection."""
        self._standings.close()

    def _ask(self) -> StudyStanding:
        try:
            self._latest = self._standings.ask()
        except Unavailable:
            # A busy aggregator answers the next time; one that is gone is noticed as a process.
            if self._latest is None:
                raise
        return self._latest

    def _round(self, number: int) -> RoundStanding:
        for one in self._ask().rounds:
            if one.number == number:
                invited = f"{one.received} of {one.invited} contributions"
                self._watcher.status.update(f"{self._what(number)}: {one.state}, {invited}")
                return one
        return _NOT_YET

    def _what(self, number: int) -> str:
        return f"{self.manifest.study}, round {number}"


_NOT_YET: Final = RoundStanding(
    number=-1,
    state="",
    model_version=0,
    invited=0,
    received=0,
    frozen=0,
    accepted_by=(),
    endorsed_by=(),
    released_by=(),
    closed_by=(),
    ended_by_rule="",
    seconds={},
    refusals=(),
)
