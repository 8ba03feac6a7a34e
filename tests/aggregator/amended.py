"""A cast whose study is amended: newcomers with keys of their own, and amendments that sign so."""

# ruff: noqa: ANN401 - `**changes` are fields of an amendment

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest
from tests.aggregator.cast import Cast
from tests.aggregator.stage import Stage

from blindsum_aggregator.operating import operate
from blindsum_crypto.errors import BlindsumError
from blindsum_crypto.identity import AgreementKey, Identity, WrapKey
from blindsum_crypto.randomness import SeededRandomness
from blindsum_rules.amended_manifest import AmendedManifest
from blindsum_rules.amendment import Amendment, NewCommittee, SignedAmendment
from blindsum_rules.manifest import EnrolledClient, EnrolledCustodian, Manifest
from blindsum_rules.requests import OperatorAction, OperatorRequest

NEW_CLIENT, NEW_CUSTODIAN = "client-5", "custodian-4"
_DRAWN = SeededRandomness(b"the newcomers of the aggregator's tests")
_IDENTITIES = {name: Identity.generate(_DRAWN) for name in (NEW_CLIENT, NEW_CUSTODIAN)}
_AGREEMENT_KEY = AgreementKey.generate(_DRAWN)
_WRAP_KEY = WrapKey.generate("x25519", _DRAWN)

NEWCOMER = EnrolledClient(
    NEW_CLIENT, "hospital-5", _IDENTITIES[NEW_CLIENT].public, _AGREEMENT_KEY.public
)


@dataclass(frozen=True)
class AmendedCast(Cast):
    """A cast that plays by the manifest as it is amended."""

    amended: AmendedManifest

    @property
    def manifest(self) -> Manifest:
        return self.amended.body


def amend(cast: Cast, signer: str = "operator", **changes: Any) -> AmendedCast:
    """The cast after one more amendment; `changes` are its fields."""
    before = before_of(cast)
    signed = SignedAmendment(cast.sign(amendment_of(before, **changes), signer))
    return AmendedCast(
        {**cast.identities, **_IDENTITIES},
        {**cast.wrap_keys, NEW_CUSTODIAN: _WRAP_KEY},
        cast.signed_manifest,
        before.as_worded((signed,)),
    )


def before_of(cast: Cast) -> AmendedManifest:
    return cast.amended if isinstance(cast, AmendedCast) else AmendedManifest(cast.signed_manifest)


def amendment_of(before: AmendedManifest, **changes: Any) -> Amendment:
    amendment = Amendment(
        study=before.body.study,
        number=before.number + 1,
        previous_digest=before.amendment_digest,
        reason="for the test",
    )
    return replace(amendment, **changes)


def with_newcomer(cast: Cast) -> NewCommittee:
    """The committee in which custodian-4 takes the seat of custodian-3."""
    manifest = cast.manifest
    new = EnrolledCustodian(
        NEW_CUSTODIAN, _IDENTITIES[NEW_CUSTODIAN].public, _WRAP_KEY.suite, _WRAP_KEY.public
    )
    staying = manifest.custodians[:3]
    return NewCommittee((*staying, new), manifest.threshold, manifest.quorum)


def hand_in(
    stage: Stage,
    amendments: Sequence[SignedAmendment],
    *,
    named: bytes | None = None,
    **changes: Any,
) -> str:
    """Send amendments as the operator does; `named` is the digest that the request names."""
    stage.nonces += 1
    last = amendments[-1].digest if amendments else b""
    request = OperatorRequest(
        study="heart",
        action=OperatorAction.AMEND_STUDY,
        round_number=0,
        reason="for the test",
        issued_unix=int(stage.clock()),
        nonce=stage.nonces.to_bytes(16, "big"),
        manifest_digest=stage.cast.signed_manifest.digest,
        amendment_digest=last if named is None else named,
    )
    signed = stage.cast.sign(replace(request, **changes), "operator")
    return stage.store.write(lambda c: operate(stage.study, c, signed, None, amendments))


def rule_of(act: Callable[[], object]) -> str:
    with pytest.raises(BlindsumError) as caught:
        act()
    return caught.value.rule
