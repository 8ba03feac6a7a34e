"""A client command's session: joined by its options, let go at its end, stopped by signals."""

import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Final

from rich.markup import escape

from blindsum_cli.console import note
from blindsum_cli.key_files import named
from blindsum_cli.options import build_settings, check_tls, tls_key_of
from blindsum_cli.passphrase import read_passphrase
from blindsum_crypto.errors import Refused, Unavailable

if TYPE_CHECKING:
    from blindsum_client.client import Client
    from blindsum_client.round import Round

STUDY_ENDED: Final = "study-ended"


@dataclass(frozen=True, slots=True)
class Tls:
    """The TLS options of a client; all None is plain TCP."""

    authority: Path | None = None
    certificate: Path | None = None
    key: Path | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """How a client comes to its study.

    Attributes:
        manifest: STUDY.manifest.
        digest: Its digest in full, as hex.
        keys: NAME.key; both files while keys change.
        passphrase_file: Where their passphrase is, or None.
        aggregator: "host:port".
        state: The state folder.
        tls: The TLS options.
        initial_model: The .npz of the first model, or None: fetched.
        min_cohort: Own floor, or None for the default.
        min_organisations: Own floor, or None for the default.
        max_epsilon: Own limit, or None for any study.
        max_delta: Own limit, or None for any study.
    """

    manifest: Path
    digest: str
    keys: Sequence[Path]
    passphrase_file: Path | None
    aggregator: str
    state: Path
    tls: Tls
    initial_model: Path | None = None
    min_cohort: int | None = None
    min_organisations: int | None = None
    max_epsilon: float | None = None
    max_delta: float | None = None

    @contextmanager
    def open(self, *, alone: bool = True) -> "Iterator[Client]":
        """Join, and let go of everything at the end; `alone` and errors as `Client.join`."""
        from blindsum_client.settings import ClientSettings

        check_tls(self.tls.authority, self.tls.certificate)
        settings = build_settings(
            ClientSettings,
            manifest=self.manifest,
            digest=self.digest.lower(),
            key_file=tuple(self.keys),
            passphrase=read_passphrase(self.passphrase_file, named(self.keys)),
            aggregator=self.aggregator,
            state=self.state,
            initial_model=self.initial_model,
            min_cohort_floor=self.min_cohort,
            min_organisations_floor=self.min_organisations,
            max_epsilon=self.max_epsilon,
            max_delta=self.max_delta,
            tls_authority=self.tls.authority,
            tls_certificate=self.tls.certificate,
            tls_key=tls_key_of(self.tls.certificate, self.tls.key),
        )
        with settings.join(alone=alone) as client:
            yield client


def next_round(client: "Client", wait_seconds: float) -> "Round":
    """The next round that invites this client, for somebody who sits in front of the command.

    What it waits for stands on standard error before it waits. An aggregator that does not answer
    the first call ends it at once; once it has answered, waiting outlasts network failures.

    Raises:
        Unavailable: `aggregator-unreachable`, when nobody answers the first call; `no-round`, when
            none came in time; the client is closed then.
        Rejected: `wrong-aggregator`, when somebody else answers.
        Refused: `study-ended`.
    """
    if not client.standing.ended:
        client.call_once()
        note(escape(_awaited(client, wait_seconds)))
    timer = threading.Timer(wait_seconds, client.close)
    timer.daemon = True
    timer.start()
    try:
        for round_ in client.rounds():
            return round_
    except Unavailable:
        if not client.closed:
            raise
    finally:
        timer.cancel()
    if client.closed:
        raise Unavailable("no-round", f"expected a round within {wait_seconds:g} s")
    raise Refused(STUDY_ENDED, "expected a study that goes on")


def _awaited(client: "Client", wait_seconds: float) -> str:
    """What a client waits for and how long, in one line."""
    standing = client.standing
    for_so_long = f"up to {wait_seconds:g} s (--wait)"
    if standing.round_number < 0:
        return f"waiting for a first round, {for_so_long}"
    if standing.sealed:
        return (
            f"this --state has sealed its contribution to round {standing.round_number}: waiting "
            f"for round {standing.round_number + 1}, {for_so_long}"
        )
    return f"waiting for round {standing.round_number} or a later one, {for_so_long}"


@contextmanager
def stopped_by_signals(client: "Client") -> Iterator[None]:
    """Close the client on SIGTERM and SIGINT; what is queued stays on the disk."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        # In a thread: the main one may hold a lock that closing needs at this very instruction.
        threading.Thread(target=client.close).start()

    numbers = (signal.SIGTERM, signal.SIGINT)
    before = [signal.signal(number, stop) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
