"""A custodian's seat in one study: who it is there, its keys, its memory, its way to the others.

Every step of a round takes the seat and a duty; nothing else is shared between steps.
"""

import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NoReturn

from blindsum_crypto.errors import Refused, Rejected
from blindsum_crypto.identity import Identity, WrapKey
from blindsum_custodian.policy import CustodianPolicy
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
    """One custodian in one study.

    Attributes:
        manifest: The verified manifest, as it is amended in the round that is worked on.
        index: The custodian's place in the manifest, from 0.
        identity: Its signing key.
        wrap_key: Its wrap key of this epoch.
        store: Its memory.
        policy: Its own floors.
        fetch_signed: Digest to the bytes of that signed message, from the aggregator; what comes
            is believed only after it was verified.
        clock: UTC seconds.
        charging: What a private study's sums cost, and whom; None without differential privacy.

    Raises:
        Refused: what `charging_of` refuses.
    """

    manifest: AmendedManifest
    index: int
    identity: Identity = field(repr=False)
    wrap_key: WrapKey = field(repr=False)
    store: Store = field(repr=False)
    policy: CustodianPolicy
    fetch_signed: Callable[[bytes], bytes] = field(repr=False)
    clock: Callable[[], float] = field(repr=False)
    charging: Charging | None = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Read the price list once: it follows from the manifest."""
        object.__setattr__(self, "charging", charging_of(self.manifest.body))

    @property
    def study(self) -> str:
        """The study's id."""
        return self.manifest.body.study

    @property
    def name(self) -> str:
        """The custodian's id."""
        return self.manifest.body.custodians[self.index].name

    @property
    def parts(self) -> tuple[int, ...]:
        """The parts that it holds, ascending."""
        return self.manifest.body.committee.parts_of(self.index)

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
