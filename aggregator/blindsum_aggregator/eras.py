"""Which manifest each round keeps: what the specs put in force, and what waits for the next one.

A round is run, verified and filed by the manifest of its own spec, for good. So everything that
acts on a round asks here for that round's, and nothing changes hands under a round that runs.
"""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock

from sqlalchemy import Connection

from blindsum_aggregator.store.amendments import amendment_rounds, kept_amendments
from blindsum_rules.amended_manifest import AmendedManifest
from blindsum_rules.manifest import Manifest
from blindsum_rules.party import Role
from blindsum_rules.signed import Signed


@dataclass(frozen=True, slots=True)
class Eras:
    """A study's manifests, each with the first round that it is for.

    Attributes:
        first_rounds: Ascending, beginning with 0.
        manifests: As many, each with all amendments of the one before.
        known: The newest of them with what is pending as well.
    """

    first_rounds: tuple[int, ...]
    manifests: tuple[AmendedManifest, ...]
    known: AmendedManifest

    @property
    def in_force(self) -> AmendedManifest:
        """The manifest of the newest round that was proposed."""
        return self.manifests[-1]

    def of_round(self, number: int) -> AmendedManifest:
        """The manifest that a round keeps; of one not yet proposed what is in force now."""
        return self.manifests[max(0, bisect_right(self.first_rounds, number) - 1)]

    def since(self, amendment: int) -> int | None:
        """The round whose spec carries an amendment; None while it is pending."""
        if amendment > self.in_force.number:
            return None
        return next(
            first
            for first, manifest in zip(self.first_rounds, self.manifests, strict=True)
            if manifest.number >= amendment
        )

    @property
    def organisations(self) -> Mapping[str, str]:
        """The organisation of every client that was ever enrolled: it is the same in all eras."""
        return {one.name: one.organisation for each in self.manifests for one in each.body.clients}


@dataclass(frozen=True, slots=True)
class Party:
    """A party that may call.

    Attributes:
        role: What it is.
        identity: Its Ed25519 public key, 32 bytes.
    """

    role: Role
    identity: bytes


@dataclass(frozen=True, slots=True)
class Callers:
    """Who may call about a study now.

    Attributes:
        eras: The manifests that this follows from.
        before: The manifest of the round before the newest, whose last duties may be open.
        parties: By id, whoever stands in that, in the manifest in force, or in one that is pending;
            and every custodian of earlier ones, which keeps a round's wraps until it closes it.
        custodian_keys: The custodians among them, with their Ed25519 public keys.
        revoked: Whose keys count no longer, in force or not: they are turned away at once.
    """

    eras: Eras = field(repr=False)
    before: AmendedManifest = field(repr=False)
    parties: Mapping[str, Party] = field(repr=False)
    custodian_keys: Mapping[str, bytes] = field(repr=False)
    revoked: frozenset[str]


class EraBook:
    """Reads the eras of one study, and keeps them as long as no amendment came or took force."""

    def __init__(self, signed: Signed[Manifest]) -> None:
        """Begin with the manifest alone; what the database holds is read when it is asked for."""
        plain = AmendedManifest(signed)
        self._signed = signed
        self._lock = Lock()
        self._state: tuple[tuple[bytes, int | None], ...] = ()
        self._eras = Eras((0,), (plain,), plain)

    def read(self, connection: Connection) -> Eras:
        """The eras as this transaction sees them."""
        study = self._signed.body.study
        state = amendment_rounds(connection, study)
        with self._lock:
            if state == self._state:
                return self._eras
        eras = self._fold(connection)
        with self._lock:
            # What a transaction sees may be rolled back: the state says for whom it holds.
            self._state, self._eras = state, eras
        return eras

    def _fold(self, connection: Connection) -> Eras:
        manifest = AmendedManifest(self._signed)
        firsts, manifests = [0], [manifest]
        for kept in kept_amendments(connection, self._signed.body.study):
            manifest = manifest.amended((kept.amendment,))
            if kept.since_round is None:
                continue
            if kept.since_round == firsts[-1]:
                manifests[-1] = manifest
            else:
                firsts.append(kept.since_round)
                manifests.append(manifest)
        return Eras(tuple(firsts), tuple(manifests), manifest)


def callers_of(eras: Eras, newest: int | None, known: Callers | None) -> Callers:
    """Who may call.

    Args:
        eras: Which manifest each round keeps.
        newest: The newest round, or None before the first.
        known: Who could call so far, which comes back where nothing has changed.
    """
    before = eras.of_round(max(0, (newest or 0) - 1))
    if known is not None and known.eras is eras and known.before is before:
        return known
    # Who was away when its last round ended still owes the close with which its wraps are deleted.
    parties = {
        custodian.name: Party(Role.CUSTODIAN, custodian.identity)
        for manifest in eras.manifests
        for custodian in manifest.body.custodians
    }
    distinct = {one.number: one for one in (before, eras.in_force, eras.known)}
    for manifest in distinct.values():
        parties |= _parties(manifest.body)
    custodians = {
        name: party.identity for name, party in parties.items() if party.role is Role.CUSTODIAN
    }
    return Callers(eras, before, parties, custodians, eras.known.revoked)


def _parties(manifest: Manifest) -> dict[str, Party]:
    """Everybody's role and key; a manifest holds no name twice."""
    parties = {manifest.operator.name: Party(Role.OPERATOR, manifest.operator.identity)}
    if manifest.officer is not None:
        parties[manifest.officer.name] = Party(Role.OFFICER, manifest.officer.identity)
    for client in manifest.clients:
        parties[client.name] = Party(Role.CLIENT, client.identity)
    for custodian in manifest.custodians:
        parties[custodian.name] = Party(Role.CUSTODIAN, custodian.identity)
    return parties
