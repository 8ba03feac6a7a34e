"""Enrolment checked: who stands in a manifest, each once, each with keys of the right lengths.

One name or key in two places would let one party count as two: towards min_cohort, towards a
quorum, or as its own privacy officer (threat T4).
"""

from collections.abc import Iterable, Mapping
from typing import Final, cast

from blindsum_crypto.errors import Refused, Rejected
from blindsum_crypto.identity import check_agreement_key
from blindsum_crypto.primitives import KEY_BYTES, WrapSuite, hpke_wrap
from blindsum_rules.identifiers import check_identifier, check_sorted_distinct
from blindsum_rules.manifest import EnrolledClient, EnrolledCustodian, Manifest

WRAP_KEY_BYTES: Final[Mapping[str, int]] = {"mlkem768x25519": 1184 + 32, "x25519": 32}
"""Length of a public wrap key by HPKE suite."""


def check_enrolment(manifest: Manifest) -> None:
    """Check every party of a manifest.

    Under the seal masking every agreement key must lead to a secret: one of small order would stop
    whoever agrees with it, at sealing, one round after the other.

    Raises:
        Rejected: `identifier`, `sorted-distinct`, `key-length`; `enrolled-twice`, when a name or a
            key of any kind stands in two places of the manifest; `small-order-key`,
            `non-canonical-key`; `bad-wrap-key`, when nothing can be wrapped to a key.
        Refused: `unknown-wrap-suite`; `roster`, when there are no clients or no custodians.
    """
    if not manifest.clients or not manifest.custodians:
        raise Refused("roster", "expected at least one client and one custodian")
    for client in manifest.clients:
        _check_client(client)
    for custodian in manifest.custodians:
        _check_custodian(custodian)
    parties = [manifest.operator, manifest.aggregator]
    if manifest.officer is not None:
        parties.append(manifest.officer)
    for party in parties:
        check_identifier(party.name, "party")
        _check_key(party.identity, KEY_BYTES, f"{party.name}: identity")
    _check_once("name", _names(manifest))
    check_sorted_distinct([client.name for client in manifest.clients], "clients")
    check_sorted_distinct([custodian.name for custodian in manifest.custodians], "custodians")
    identities = [(party.identity, party.name) for party in parties]
    identities += [(client.identity, client.name) for client in manifest.clients]
    identities += [(custodian.identity, custodian.name) for custodian in manifest.custodians]
    _check_once("identity", identities)
    _check_once("agreement key", ((one.agreement_key, one.name) for one in manifest.clients))
    if "masking" in manifest.seals:
        _check_agreement_keys(manifest)
    _check_once("wrap key", ((one.wrap_key, one.name) for one in manifest.custodians))


def _names(manifest: Manifest) -> Iterable[tuple[str, str]]:
    yield manifest.operator.name, "the operator"
    yield manifest.aggregator.name, "the aggregator"
    if manifest.officer is not None:
        yield manifest.officer.name, "the officer"
    for client in manifest.clients:
        yield client.name, f"client {client.name!r}"
    for custodian in manifest.custodians:
        yield custodian.name, f"custodian {custodian.name!r}"


def _check_client(client: EnrolledClient) -> None:
    check_identifier(client.name, "client")
    check_identifier(client.organisation, f"{client.name}: organisation")
    _check_key(client.identity, KEY_BYTES, f"{client.name}: identity")
    _check_key(client.agreement_key, KEY_BYTES, f"{client.name}: agreement key")


def _check_agreement_keys(manifest: Manifest) -> None:
    for client in manifest.clients:
        try:
            check_agreement_key(client.agreement_key)
        except Rejected as error:
            raise Rejected(error.rule, f"{client.name}: {error.expected}") from error


def _check_custodian(custodian: EnrolledCustodian) -> None:
    check_identifier(custodian.name, "custodian")
    _check_key(custodian.identity, KEY_BYTES, f"{custodian.name}: identity")
    if custodian.wrap_suite not in WRAP_KEY_BYTES:
        raise Refused(
            "unknown-wrap-suite",
            f"{custodian.name}: expected one of {sorted(WRAP_KEY_BYTES)}, "
            f"got {custodian.wrap_suite!r}",
        )
    _check_key(
        custodian.wrap_key, WRAP_KEY_BYTES[custodian.wrap_suite], f"{custodian.name}: wrap key"
    )
    try:
        # A key that does not parse would stop every client, at sealing.
        hpke_wrap(cast(WrapSuite, custodian.wrap_suite), custodian.wrap_key, b"", b"")
    except Rejected as error:
        raise Rejected(error.rule, f"{custodian.name}: {error.expected}") from error


def _check_key(key: bytes, expected_bytes: int, what: str) -> None:
    if len(key) != expected_bytes:
        raise Rejected("key-length", f"{what}: expected {expected_bytes} bytes, got {len(key)}")


def _check_once(what: str, entries: Iterable[tuple[str | bytes, str]]) -> None:
    seen: dict[str | bytes, str] = {}
    for value, owner in entries:
        if value in seen:
            raise Rejected(
                "enrolled-twice",
                f"expected every {what} once, got the same for {seen[value]} and {owner}",
            )
        seen[value] = owner
