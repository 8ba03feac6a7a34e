"""Amendments of the small study, signed by both hands, with newcomers that nobody knew before."""

# ruff: noqa: ANN401 - `**changes` are fields of an amendment

from dataclasses import replace
from functools import cache
from typing import Any

from tests.rules.conftest import SmallStudy

from blindsum_crypto.identity import AgreementKey, Identity, WrapKey
from blindsum_crypto.randomness import SeededRandomness
from blindsum_rules.amended_manifest import AmendedManifest
from blindsum_rules.amendment import Amendment, NewCommittee, SignedAmendment
from blindsum_rules.manifest import EnrolledClient, EnrolledCustodian


@cache
def new_client(number: int) -> EnrolledClient:
    drawn = SeededRandomness(f"new client {number}".encode())
    identity, agreement = Identity.generate(drawn).public, AgreementKey.generate(drawn).public
    return EnrolledClient(f"new-{number:02}", f"organisation-new-{number:02}", identity, agreement)


@cache
def new_custodian(number: int) -> EnrolledCustodian:
    drawn = SeededRandomness(f"new custodian {number}".encode())
    identity, wrap = Identity.generate(drawn).public, WrapKey.generate("x25519", drawn).public
    return EnrolledCustodian(f"new-custodian-{number:02}", identity, "x25519", wrap)


@cache
def new_key(number: int) -> bytes:
    return AgreementKey.generate(SeededRandomness(f"new key {number}".encode())).public


def words(before: AmendedManifest, /, **changes: Any) -> Amendment:
    """The next amendment in order; `changes` are what it changes, or what is wrong with it."""
    amendment = Amendment(
        study=before.body.study,
        number=before.number + 1,
        previous_digest=before.amendment_digest,
        reason="for the test",
    )
    return replace(amendment, **changes)


def signed(study: SmallStudy, body: Amendment) -> SignedAmendment:
    return SignedAmendment(study.sign(body, "operator"), study.sign(body, "officer"))


def amended(study: SmallStudy, before: AmendedManifest, /, **changes: Any) -> AmendedManifest:
    return before.amended((signed(study, words(before, **changes)),))


def committee_with(
    before: AmendedManifest, *new: EnrolledCustodian, without: tuple[str, ...] = (), **changes: Any
) -> NewCommittee:
    staying = [one for one in before.body.custodians if one.name not in without]
    together = tuple(sorted((*staying, *new), key=lambda one: one.name))
    committee = NewCommittee(together, before.body.threshold, before.body.quorum)
    return replace(committee, **changes)


def rotated(before: AmendedManifest, name: str, number: int) -> EnrolledClient:
    client = next(one for one in before.body.clients if one.name == name)
    return replace(client, agreement_key=new_key(number))
