"""A custodian's seat in one study: who it is there, its keys, its memory, its way to the others.

Every step of a round takes the seat and a duty; nothing else is shared between steps. A study that
is amended has a seat for each stand of its manifest: place, parts and wrap key may change between
two rounds, and a committee may be joined or left. The memory is one.
"""

import hmac
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn

from sqlalchemy import Connection

from blindsum_crypto.errors import Refused, Rejected
from blindsum_crypto.identity import Identity, WrapKey
from blindsum_custodian.enrolment import place_of, wrap_key_among
from blindsum_custodian.policy import CustodianPolicy
from blindsum_custodian.store.amendments import amendments_in_force, last_amendment
from blindsum_custodian.store.answers import Place, Step
from blindsum_custodian.store.database import Store
from blindsum_custodian.store.evidence import keep_evidence
from blindsum_protos.convert.signed import sign, signed_from_bytes
from blindsum_rules.amended_manifest import AmendedManifest
from blindsum_rules.freeze import Freeze
from blindsum_rules.privacy.charging import Charging, charging_of
from blindsum_rules.signed import BodyT, Signed, verify
from blindsum_rules.spec import Spec


@dataclass(frozen=True, slots=True)
class Seat:
    """One custodian in one study, under its manifest as it stands in one round.

    Attributes:
        manifest: The verified manifest, as it is amended in the round that is worked on.
        name: The custodian's id.
        identity: Its signing key.
        wrap_keys: Its wrap keys of all epochs that it holds a key file of.
        store: Its memory.
        policy: Its own floors.
        fetch_signed: Digest to the bytes of that signed message, from the aggregator; what comes
            is believed only after it was verified.
        clock: UTC seconds.
        threads: How many threads judge a page of headers together, 1 or more.
        known: The manifest with every amendment that the custodian was started with; the rounds
            may not have come so far, or may have come further.
        charging: What a private study's sums cost, and whom; None without differential privacy.

    Raises:
        Refused: what `charging_of` refuses.
    """

    manifest: AmendedManifest
    name: str
    identity: Identity = field(repr=False)
    wrap_keys: tuple[WrapKey, ...] = field(repr=False)
    store: Store = field(repr=False)
    policy: CustodianPolicy
    fetch_signed: Callable[[bytes], bytes] = field(repr=False)
    clock: Callable[[], float] = field(repr=False)
    known: AmendedManifest = field(repr=False)
    threads: int = 1
    charging: Charging | None = field(init=False, repr=False)
    _index: int | None = field(init=False, repr=False)
    _wrap_key: WrapKey | None = field(init=False, repr=False)
    # All seats of this custodian in this study, by the digest of the last amendment (or nothing).
    _seats: dict[bytes, "Seat"] = field(repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        """Read once what follows from the manifest: the price list, the place, the wrap key."""
        body = self.manifest.body
        index = place_of(body, self.identity.public)
        wrap_key = None if index is None else wrap_key_among(body.custodians[index], self.wrap_keys)
        object.__setattr__(self, "charging", charging_of(body))
        object.__setattr__(self, "_index", index)
        object.__setattr__(self, "_wrap_key", wrap_key)
        self._seats[_stand(self.manifest)] = self

    @property
    def study(self) -> str:
        """The study's id."""
        return self.manifest.body.study

    @property
    def is_seated(self) -> bool:
        """Whether the custodian is of the committee here; it reads rounds of other ones too."""
        return self._index is not None

    @property
    def index(self) -> int:
        """The custodian's place in the committee, from 0.

        Raises:
            Refused: `not-seated`.
        """
        if self._index is None:
            seated = [custodian.name for custodian in self.manifest.body.custodians]
            raise Refused(
                "not-seated", f"expected a committee with {self.name!r} in it, got {seated}"
            )
        return self._index

    def check_seated(self) -> None:
        """Raise as `index`, unless the custodian is of the committee here."""
        _ = self.index

    @property
    def wrap_key(self) -> WrapKey:
        """Its wrap key of this epoch.

        Raises:
            Refused: `not-seated`; `epoch-key`, when it was started without the key file.
        """
        if self._wrap_key is None:
            raise Refused(
                "epoch-key",
                f"expected the key file with the wrap key that "
                f"{self.manifest.body.custodians[self.index].name!r} has in epoch "
                f"{self.manifest.epoch}",
            )
        return self._wrap_key

    def check_key(self) -> None:
        """Raise as `wrap_key`, unless the custodian is here and has the key of this epoch."""
        _ = self.wrap_key

    @property
    def parts(self) -> tuple[int, ...]:
        """The parts that it holds, ascending; `not-seated` as `index`."""
        return self.manifest.body.committee.parts_of(self.index)

    def under(self, manifest: AmendedManifest) -> "Seat":
        """The same custodian's seat under the manifest of another round."""
        seat = self._seats.get(_stand(manifest))
        return replace(self, manifest=manifest) if seat is None else seat

    def at(self, connection: Connection, round_number: int) -> "Seat":
        """The seat in a round, by the amendments that this custodian followed up to it.

        In a round that it does not know yet it is the seat of the newest one that it knows.
        """
        seat = self._seats.get(last_amendment(connection, self.study, round_number))
        if seat is not None:
            return seat
        following = amendments_in_force(connection, self.study, round_number)
        return self.under(AmendedManifest(self.manifest.signed).amended(following))

    def place(self, round_number: int, step: Step, page: int = 0) -> Place:
        """Where this study's answer to one step stands."""
        return Place(self.study, round_number, step, page)

    def sign(self, body: BodyT) -> Signed[BodyT]:
        """Sign in the custodian's name; who calls keeps the answer before it leaves."""
        return sign(body, self.name, self.identity)

    def fetch_spec(self, round_id: bytes) -> Signed[Spec]:
        """Fetch a spec by its round id; its content is not checked yet.

        Raises:
            Rejected: `fetched-digest`, when other bytes come; `unknown-signer`, `bad-signature`.
            Unavailable: when nothing comes.
        """
        return self._fetch(Spec, round_id)

    def fetch_freeze(self, freeze_digest: bytes) -> Signed[Freeze]:
        """Fetch a freeze by its digest; raises as `fetch_spec`."""
        return self._fetch(Freeze, freeze_digest)

    def refuse_with_evidence(
        self, round_number: int, message: Signed[Any], error: Refused
    ) -> NoReturn:
        """Keep what the aggregator signed against its earlier word, then refuse it.

        Args:
            round_number: The round that it is about.
            message: The contradicting message, its signature verified.
            error: What to raise.
        """
        with self.store.decision() as connection:
            keep_evidence(connection, self.study, round_number, error.rule, message)
        raise error

    def _fetch(self, kind: type[BodyT], digest: bytes) -> Signed[BodyT]:
        signed = signed_from_bytes(kind, self.fetch_signed(digest))
        if not hmac.compare_digest(signed.digest, digest):
            raise Rejected(
                "fetched-digest", f"expected the {kind.__name__} of the digest that was asked for"
            )
        return verify(signed, self.manifest.body.aggregator_key)


def _stand(manifest: AmendedManifest) -> bytes:
    """What a manifest's stand is kept under; the digest of a long manifest takes long itself."""
    return manifest.amendments[-1].digest if manifest.amendments else b""
