"""The rounds of a study as they come: announced, verified, and handed to the trainer once each."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final

import structlog

from blindsum_client.contribute import Contributor
from blindsum_client.following import Follower, has_ended
from blindsum_client.memory import Position
from blindsum_client.patience import try_patiently
from blindsum_client.round import Round
from blindsum_client.sending import Sender
from blindsum_client.transport import Announcement, Transport
from blindsum_crypto.errors import Refused, Unavailable
from blindsum_rules.manifest import Manifest, StudyKind
from blindsum_rules.privacy.adaptive_clipping import (
    clip_norm_of,
    has_adaptive_clipping,
    trained_arrays,
)
from blindsum_rules.privacy.guarantee import Unit
from blindsum_rules.roster import is_invited

_log = structlog.get_logger(__name__)

WAIT_SECONDS: Final = 30
"""How long the aggregator may hold one request for the next round."""

_PASSED_OVER: Final = frozenset(
    {"amendment-withheld", "epoch-key", "one-seal-per-round", "restored-state", "spec-late"}
)
"""Rules by which a client lets a round pass and goes on with the next."""


@dataclass(frozen=True, slots=True)
class Rounds:
    """Waits for rounds and verifies them.

    Attributes:
        manifest: The verified manifest.
        client: This client's id.
        follower: Verifies, and knows where the client stands.
        contributor: Knows whether the client may still seal.
        sender: Sends what is queued in between.
        transport: Where announcements come from.
        stop: Ends the waiting.
    """

    manifest: Manifest
    client: str
    follower: Follower
    contributor: Contributor
    sender: Sender
    transport: Transport
    stop: threading.Event

    def __iter__(self) -> Iterator[Round]:
        """Each round that invites this client, until the study ends or the client is closed.

        Raises:
            Refused, Rejected: when an announcement is not to be believed. The client then stands
                where it stood; iterating again asks again. Refused `not-enrolled`, for good, when
                this client left the study or was revoked.
        """
        # A client that stopped while it trained is shown its round again.
        after = self.follower.round_number - 1
        while not self.stop.is_set() and not self._ended():
            self.sender.send_queued()
            self._check_enrolled()
            try:
                announcement = try_patiently(partial(self._next, after), self.stop)
            except Unavailable:
                return  # It was closed while it waited.
            if announcement is None:
                continue
            position = self.follower.position
            after = self.follower.round_number
            if position is not None and self._is_for_me(position):
                yield self._round(position, announcement)

    def _next(self, after: int) -> Announcement | None:
        """Ask once, and follow what comes; a network failure anywhere means asking again."""
        announcement = self.transport.next_round(max(after, -1), WAIT_SECONDS)
        if announcement is None:
            return None
        for spec in self.follower.follow(announcement):
            for amendment in spec.body.amendments:
                body = amendment.body
                _log.info("amended", number=body.number, reason=body.reason)
            self.sender.free_closed(spec.body.closes)
        return announcement

    def _ended(self) -> bool:
        return self.follower.position is not None and has_ended(self.follower.position)

    def _check_enrolled(self) -> None:
        """Check that later rounds may still invite this client; one that joins may wait."""
        manifest = self.follower.manifest
        was_enrolled = any(name == self.client for name, _ in manifest.former)
        if was_enrolled and self.client not in manifest.body.client_keys:
            word = "was revoked" if self.client in manifest.revoked else "left"
            raise Refused(
                "not-enrolled",
                f"expected a client of the study; {self.client!r} {word} by amendment "
                f"{manifest.number} or one before it, and no later round invites it",
            )

    def _is_for_me(self, position: Position) -> bool:
        body = position.spec.body
        if has_ended(position) or not is_invited(body.cohort, self.client):
            return False
        try:
            self.contributor.check_may_seal(position)
        except Refused as error:
            if error.rule not in _PASSED_OVER:
                raise
            if error.rule != "one-seal-per-round":
                _log.warning("round-passed-over", round_number=body.round_number, rule=error.rule)
            return False
        return True

    def _round(self, position: Position, announcement: Announcement) -> Round:
        model = trained_arrays(self.manifest, position.model)
        adapts = has_adaptive_clipping(self.manifest)
        clip_norm = clip_norm_of(self.manifest, position.model) if adapts else None
        return Round(position.spec, announcement.acceptances, model, self._unit, clip_norm)

    @property
    def _unit(self) -> Unit | None:
        policy = self.manifest.privacy
        if policy is None or self.manifest.kind is not StudyKind.MODEL:
            return None
        return None if policy.unit is Unit.CLIENT else policy.unit
