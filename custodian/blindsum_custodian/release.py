"""Step 7: a custodian releases its parts for the frozen set, a fixed function of what it stored.

The request chooses nothing: which clients, which leaves and which parameters come from the stored
freeze and spec. Nothing at all is computed for anybody outside the set (threat T11).
"""

import hmac
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from blindsum_crypto.custody import SEED_BYTES
from blindsum_crypto.errors import Refused
from blindsum_custodian.endorse import EndorseDuty, endorse_freeze, own_endorsement
from blindsum_custodian.learn import check_own_endorsements
from blindsum_custodian.seals import custodian_seal
from blindsum_custodian.seat import Seat
from blindsum_custodian.seeds import open_wrap
from blindsum_custodian.standing import Standing, stand_in_round
from blindsum_custodian.store.answers import Step, find_answers, keep_answer
from blindsum_custodian.store.freezes import endorsed_freeze
from blindsum_custodian.store.pages import KeptHeader, admitted_after
from blindsum_custodian.store.rounds import advance
from blindsum_rules.endorsement import Endorsement
from blindsum_rules.freeze import Freeze
from blindsum_rules.release import Release, pages_of_release
from blindsum_rules.round_quorums import check_endorsements
from blindsum_rules.signed import Signed
from blindsum_rules.transitions import CustodianEvent

_HEADERS_AT_ONCE: Final = 256


@dataclass(frozen=True, slots=True)
class ReleaseDuty:
    """The aggregator asks for a custodian's parts.

    Attributes:
        round_number: The round.
        freeze_digest: Digest of the freeze, 32 bytes.
        endorsements: At least a quorum of endorsements of it.
        pages_here: Pages that need not be sent again; they change nothing of what is released.
    """

    round_number: int
    freeze_digest: bytes
    endorsements: tuple[Signed[Endorsement], ...]
    pages_here: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class _MemberSeeds:
    """The seeds of all members, ascending by client, end to end for each part: 32 bytes a member.

    No wrap is opened twice. For 100,000 members and the 3 parts of (4,2) that is 10 MB, for the 20
    of (7,4) 64 MB.
    """

    clients: list[str]
    by_part: dict[int, bytearray] = field(repr=False)

    def of(self, part: int) -> Iterator[tuple[str, bytes]]:
        """Client id and seed of one part, member by member."""
        seeds = memoryview(self.by_part[part])
        for place, client in enumerate(self.clients):
            yield client, bytes(seeds[place * SEED_BYTES : (place + 1) * SEED_BYTES])

    def erase(self) -> None:
        """Overwrite the seeds; copies that the interpreter made are out of reach."""
        for seeds in self.by_part.values():
            seeds[:] = bytes(len(seeds))


def release(seat: Seat, duty: ReleaseDuty) -> tuple[Signed[Any], ...]:
    """Release this custodian's parts for the one freeze that a quorum endorsed.

    Who did not endorse it yet endorses it first, by the same checks. A stored release is sent
    again until the round is closed here: the close erases it with the seeds that it follows from.

    Returns:
        The release, page by page, without those that are there already.

    Raises:
        Refused: `quorum-of-endorsements`; `one-freeze-per-round`, when another freeze was endorsed
            here; `store-rolled-back`; `unknown-round`, `study-ended`, `round-closed`,
            `round-missed`, `unknown-seal`; and what `endorse` raises.
        Rejected: `wrong-study`, `wrong-round`, `wrong-freeze`, `repeated-signer`,
            `unknown-signer`, `bad-signature` of an endorsement.
        Unavailable: when the freeze cannot be fetched now.
    """
    number = duty.round_number
    own = own_endorsement(seat, number, duty.freeze_digest)
    with seat.store.reading() as connection:
        answered = find_answers(connection, seat.study, number, Step.RELEASE, Release)
        if answered:
            return _wanted(answered, duty)
        standing = stand_in_round(connection, seat, number)
    check_endorsements(duty.endorsements, duty.freeze_digest, standing.spec, seat.manifest.body)
    check_own_endorsements(seat, duty.endorsements)
    if own is None:
        endorse_freeze(seat, EndorseDuty(number, duty.freeze_digest))
    released = tuple(seat.sign(page) for page in _released(seat, standing))
    with seat.store.decision() as connection:
        advance(connection, seat.study, number, CustodianEvent.RELEASE)
        for page in released:
            keep_answer(connection, seat.place(number, Step.RELEASE, page.body.page), page)
    return _wanted(released, duty)


def _wanted(pages: tuple[Signed[Release], ...], duty: ReleaseDuty) -> tuple[Signed[Release], ...]:
    """What was not received yet: on a line that drops, a long release goes on where it stood."""
    return tuple(page for page in pages if page.body.page not in duty.pages_here)


def _released(seat: Seat, standing: Standing) -> list[Release]:
    """What is released: a function of the stored freeze, the stored wraps and the spec alone."""
    spec = standing.spec
    with seat.store.reading() as connection:
        freeze = endorsed_freeze(connection, seat.study, spec.body.round_number)
    if freeze is None:
        raise Refused("not-endorsed", "expected a freeze that this custodian endorsed")
    seal = custodian_seal(spec)
    members = freeze.body.clients
    absent = [client for client in spec.body.cohort if client not in members]
    seeds = _member_seeds(seat, spec.body.epoch, freeze)
    try:
        parts = {part: seal.release(part, seeds.of(part), absent) for part in seat.parts}
    finally:
        seeds.erase()
    return pages_of_release(freeze, seat.name, parts)


def _member_seeds(seat: Seat, epoch: int, freeze: Signed[Freeze]) -> _MemberSeeds:
    seeds = _MemberSeeds([], {part: bytearray() for part in seat.parts})
    members = {member.client: member.contribution_digest for member in freeze.body.members}
    for header in _headers(seat, freeze.body.round_number):
        expected = members.pop(header.client, None)
        if expected is None:
            continue
        if not hmac.compare_digest(expected, header.contribution_digest):
            raise Refused("not-admitted", f"expected the admitted header of {header.client!r}")
        opened = open_wrap(seat, epoch, header.core_digest, header.wrap or b"")
        seeds.clients.append(header.client)
        for part, seed in opened.items():
            seeds.by_part[part] += seed
    if members:
        raise Refused("not-admitted", f"expected the wraps of {len(members)} more member(s)")
    return seeds


def _headers(seat: Seat, round_number: int) -> Iterator[KeptHeader]:
    """The admitted headers of a round, some at a time, so that no long read holds the store."""
    last = ""
    while True:
        with seat.store.reading() as connection:
            headers = admitted_after(connection, seat.study, round_number, last, _HEADERS_AT_ONCE)
        if not headers:
            return
        yield from headers
        last = headers[-1].client
