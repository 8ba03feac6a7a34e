"""Sections 6 and 17 of docs/specification.md in plain Python: who is enrolled in a round.

A study is what its manifest says, folded over the amendments that specs put in force. Which freeze
counts, which group is next and what an exception is for are asked of the folded study.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from tests.independent.notation import Unaccepted, digest, fields_of, u64be, verify

Client = tuple[bytes, bytes, bytes, bytes]
"""Organisation, identity, agreement key, group (8 bytes)."""
Custodian = tuple[bytes, bytes, bytes]
"""Identity, wrap suite, wrap key."""


@dataclass(frozen=True)
class Study:
    """Roster, committee and stand of the rounds that are opened now."""

    name: str
    digest: bytes
    operator: tuple[str, bytes]
    officer: tuple[str, bytes] | None
    clients: Mapping[str, Client]
    custodians: Mapping[str, Custodian]
    threshold: int
    quorum: int
    floors: tuple[int, int]
    amendment_digest: bytes
    number: int = 0
    epoch: int = 0
    revoked: frozenset[str] = frozenset()
    names_of_old: frozenset[str] = field(default=frozenset())
    keys_of_old: frozenset[bytes] = field(default=frozenset())

    @property
    def groups(self) -> int:
        return 1 + max(int.from_bytes(client[3], "big") for client in self.clients.values())


def study_of(manifest: bytes) -> Study:
    """A study as its ManifestBody says."""
    said = fields_of(manifest)
    named = digest("manifest", manifest)
    return Study(
        said[1][0].decode(),
        named,
        _party(said[6][0]),
        _party(said[7][0]) if 7 in said else None,
        _clients(said.get(9, [])),
        _custodians(said.get(10, [])),
        _number(said, 11),
        _number(said, 12),
        (_number(said, 13), _number(said, 14)),
        named,
    )


def amended(study: Study, amendments: Iterable[bytes]) -> Study:
    """The study with further SignedAmendments in force, in order."""
    for amendment in amendments:
        study = _amended(study, _by_its_hands(study, amendment))
    return study


def in_force(study: Study, spec: bytes) -> Study:
    """The study of a spec's round, given that of the round before."""
    said = fields_of(spec)
    following = amended(study, said.get(21, []))
    if said[4][0] != following.amendment_digest:
        raise Unaccepted("spec-amendment")
    if _number(said, 5) != following.epoch:
        raise Unaccepted("spec-epoch")
    if _number(said, 22) >= following.groups:
        raise Unaccepted("spec-group")
    return following


def handed_to(amendments: Sequence[bytes]) -> bytes:
    """What closes name before these come into force: the last one that seats a committee."""
    bodies = [fields_of(fields_of(one)[1][0])[1][0] for one in amendments]
    seating = [digest("amendment", body) for body in bodies if 9 in fields_of(body)]
    return seating[-1] if seating else b""


def _by_its_hands(study: Study, amendment: bytes) -> bytes:
    hands = fields_of(amendment)
    body = verify("amendment", hands[1][0], dict([study.operator]))
    if (study.officer is None) != (2 not in hands):
        raise Unaccepted("officer-approval")
    if study.officer is not None:
        try:
            same = body == verify("amendment", hands[2][0], dict([study.officer]))
        except Unaccepted:
            same = False
        if not same:
            raise Unaccepted("officer-approval")
    return body


def _amended(study: Study, body: bytes) -> Study:
    said = fields_of(body)
    _holds(said[1][0].decode() == study.name, "amendment-study")
    _holds(_number(said, 2) == study.number + 1, "amendment-number")
    _holds(said[3][0] == study.amendment_digest, "amendment-chain")
    _holds(bool(set(range(5, 10)) & set(said)), "amendment-empty")
    joined, rotated = _clients(said.get(5, [])), _clients(said.get(6, []))
    left, revoked = ([one.decode() for one in said.get(number, [])] for number in (7, 8))
    named = [*joined, *rotated, *left, *revoked]
    _holds(len(set(named)) == len(named), "amendment-twice")
    _holds({*rotated, *left} <= set(study.clients), "unknown-party")
    _holds(set(revoked) <= {*study.clients, *study.custodians}, "unknown-party")
    _check_joined(study, joined)
    _check_rotated(study, rotated)
    committee = _committee_after(study, said)
    _holds(not set(revoked) & set(committee[0]), "amendment-committee")
    gone = {*left, *revoked}
    roster = {name: one for name, one in study.clients.items() if name not in gone}
    after = replace(
        study,
        clients={**roster, **rotated, **joined},
        custodians=committee[0],
        threshold=committee[1],
        quorum=committee[2],
        amendment_digest=digest("amendment", body),
        number=study.number + 1,
        epoch=study.number + 1 if {5, 6, 9} & set(said) else study.epoch,
        revoked=study.revoked | set(revoked),
    )
    _check_whole(after)
    _holds(after.groups == study.groups, "amendment-groups")
    return _grown_old(study, after)


def _check_whole(study: Study) -> None:
    """What every manifest must hold to, as far as an amendment changes it."""
    for keys in zip(*_keys(study).values(), strict=True):
        _holds(len(set(keys)) == len(keys), "enrolled-twice")
    smallest = (len(study.custodians) + study.threshold - 1) // 2 + 1
    _holds(1 <= study.threshold <= len(study.custodians), "quorum-rule")
    _holds(smallest <= study.quorum <= len(study.custodians), "quorum-rule")
    for group in range(study.groups):
        invited = [one for one in study.clients.values() if one[3] == u64be(group)]
        many = study.groups > 1
        _holds(bool(invited), "groups" if many else "min-cohort")
        _holds(len(invited) >= study.floors[0], "groups-floors" if many else "min-cohort")
        organisations = {one[0] for one in invited}
        enough = len(organisations) >= study.floors[1]
        _holds(enough, "groups-floors" if many else "min-organisations")


def _keys(study: Study) -> dict[str, tuple[bytes, bytes]]:
    """Everybody's two keys before an amendment."""
    keys = {name: (one[1], one[2]) for name, one in study.clients.items()}
    return keys | {name: (one[0], one[2]) for name, one in study.custodians.items()}


def _known_keys(study: Study, *, of_others_than: str) -> frozenset[bytes]:
    """Every key that the study ever knew, also those in use, but for one party's."""
    of_others = (both for name, both in _keys(study).items() if name != of_others_than)
    return study.keys_of_old | {key for both in of_others for key in both}


def _check_joined(study: Study, joined: Mapping[str, Client]) -> None:
    known = {*study.clients, *study.custodians, *study.names_of_old}
    for name, client in joined.items():
        _holds(name not in known, "amendment-known-party")
        _holds(
            not set(client[1:3]) & _known_keys(study, of_others_than=""), "amendment-known-party"
        )


def _check_rotated(study: Study, rotated: Mapping[str, Client]) -> None:
    for name, client in rotated.items():
        before = study.clients[name]
        same = (client[0], client[1], client[3]) == (before[0], before[1], before[3])
        fresh = client[2] not in _known_keys(study, of_others_than="")
        _holds(same and fresh, "amendment-rotation")


def _committee_after(
    study: Study, said: Mapping[int, list[bytes]]
) -> tuple[Mapping[str, Custodian], int, int]:
    before = (study.custodians, study.threshold, study.quorum)
    if 9 not in said:
        return before
    committee = fields_of(said[9][0])
    after = (_custodians(committee.get(1, [])), _number(committee, 2), _number(committee, 3))
    _holds(after != before, "amendment-committee")
    for name, custodian in after[0].items():
        fresh = name not in {*study.names_of_old, *study.clients}
        known_keys = _known_keys(study, of_others_than=name)
        _holds(fresh and not {custodian[0], custodian[2]} & known_keys, "amendment-known-party")
        known = study.custodians.get(name, custodian)
        _holds(known[0] == custodian[0], "amendment-committee")
    return after


def _grown_old(before: Study, after: Study) -> Study:
    """Whoever left and every key that changed is not given out again."""
    held, holds = _keys(before), _keys(after)
    keys = {key for name, both in held.items() for key in set(both) - set(holds.get(name, ()))}
    return replace(
        after,
        names_of_old=before.names_of_old | (set(held) - set(holds)),
        keys_of_old=before.keys_of_old | keys,
    )


def counts_as_released(
    freeze: bytes, closes: Iterable[tuple[str, bytes]], study_of_the_round: Study
) -> bool:
    """Whether a freeze counts; closes: custodian and the freeze that it names, or none."""
    closed = list(closes)
    naming = {custodian for custodian, named in closed if named == freeze}
    silent = {custodian for custodian, _ in closed} - naming
    return len(silent) < study_of_the_round.quorum


def next_group(group: int, groups: int, *, published: bool) -> int:
    """The group of the round after one of a group."""
    return (group + 1) % groups if published else group


def excepted(
    study: Study, signed_exception: bytes, number: int, version: int, members: Sequence[str]
) -> None:
    """Take an exception for the freeze of a round, a version and a set, or not at all."""
    hands = fields_of(signed_exception)
    if study.officer is None:
        raise Unaccepted("exception-without-officer")
    _holds(1 in hands and 2 in hands, "exception")
    body = verify("exception", hands[1][0], dict([study.operator]))
    _holds(body == verify("exception", hands[2][0], dict([study.officer])), "exception-bodies")
    said = fields_of(body)
    of_this = said[1][0].decode() == study.name and said[6][0] == study.digest
    _holds(of_this, "exception-study")
    clients = [one.decode() for one in said.get(4, [])]
    _holds(set(clients) <= set(study.clients), "unknown-client")
    _holds(len(clients) >= study.floors[0], "min-cohort")
    organisations = {study.clients[one][0] for one in clients}
    _holds(len(organisations) >= study.floors[1], "min-organisations")
    _holds(_number(said, 2) == number, "exception-round")
    _holds(_number(said, 3) == version, "exception-version")
    _holds(set(clients) == set(members), "exception-clients")


def _holds(condition: bool, rule: str) -> None:  # noqa: FBT001 - the condition is the sentence
    if not condition:
        raise Unaccepted(rule)


def _number(said: Mapping[int, list[bytes]], number: int) -> int:
    return int.from_bytes(said.get(number, [b""])[0], "big")


def _party(body: bytes) -> tuple[str, bytes]:
    said = fields_of(body)
    return said[1][0].decode(), said[2][0]


def _clients(bodies: Iterable[bytes]) -> dict[str, Client]:
    found = {}
    for body in bodies:
        said = fields_of(body)
        group = said.get(5, [bytes(8)])[0]
        found[said[1][0].decode()] = said[2][0], said[3][0], said[4][0], group
    return found


def _custodians(bodies: Iterable[bytes]) -> dict[str, Custodian]:
    found = {}
    for body in bodies:
        said = fields_of(body)
        found[said[1][0].decode()] = said[2][0], said[3][0], said[4][0]
    return found
