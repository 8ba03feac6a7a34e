"""An amendment checked against the manifest that it changes, before it is in force.

What the amended manifest as a whole must hold to is `manifest_checks`'; here stands what only the
change itself can show: that nobody comes back under an old id or key, and that keys change hands
only where they may.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from blindsum_crypto.errors import Refused, Rejected
from blindsum_rules.amendment import Amendment, NewCommittee
from blindsum_rules.identifiers import check_sorted_distinct
from blindsum_rules.manifest import EnrolledClient, Manifest

Former = Sequence[tuple[str, Sequence[bytes]]]
"""Ids and keys of everybody who was enrolled once; the id is empty where only a key is old."""


def check_amendment(amendment: Amendment, manifest: Manifest, former: Former) -> None:
    """Check what an amendment changes.

    Args:
        amendment: By whom it must be signed was checked before.
        manifest: The words in force so far.
        former: Ids and keys that are out of use.

    Raises:
        Refused: `amendment-empty`, when it changes nothing; `amendment-reason`;
            `amendment-known-party`, when somebody new has an id or key that the study knew before;
            `amendment-rotation`, when more than a client's agreement key changes, or nothing;
            `amendment-committee`, when a custodian that is revoked stays, one that stays has
            another identity, or the committee is the one before.
        Rejected: `sorted-distinct`; `unknown-party`, when somebody who leaves, is revoked or
            rotates is not enrolled; `amendment-twice`, when one party stands in two lists.
    """
    if amendment.is_empty:
        raise Refused("amendment-empty", "expected at least one change")
    if not amendment.reason.strip():
        raise Refused("amendment-reason", "expected a reason in words")
    lists = {
        "joined": [one.name for one in amendment.joined],
        "rotated": [one.name for one in amendment.rotated],
        "left": list(amendment.left),
        "revoked": list(amendment.revoked),
    }
    for what, names in lists.items():
        check_sorted_distinct(names, what)
    named = [name for names in lists.values() for name in names]
    if len(set(named)) != len(named):
        raise Rejected("amendment-twice", "expected every party in one list of the amendment")
    _check_enrolled(amendment, manifest)
    _check_new(amendment.joined, manifest, former)
    _check_rotated(amendment.rotated, manifest, former)
    if amendment.committee is not None:
        _check_committee(amendment.committee, manifest, former)
    _check_revoked_custodians(amendment, manifest)


def _check_enrolled(amendment: Amendment, manifest: Manifest) -> None:
    clients = {client.name for client in manifest.clients}
    custodians = {custodian.name for custodian in manifest.custodians}
    known = {
        "left": (amendment.left, clients),
        "rotated": ([one.name for one in amendment.rotated], clients),
        "revoked": (amendment.revoked, clients | custodians),
    }
    for what, (names, enrolled) in known.items():
        strangers = sorted(set(names) - enrolled)
        if strangers:
            raise Rejected("unknown-party", f"{what}: expected who is enrolled, got {strangers}")


def _check_new(joined: Iterable[EnrolledClient], manifest: Manifest, former: Former) -> None:
    """Whom the study knew before stays known: a revoked party must not return as a new one."""
    names = {name for name, _ in former} | {one.name for one in manifest.custodians}
    names |= {client.name for client in manifest.clients}
    # Who leaves by this very amendment is still enrolled here: its keys are no new ones either.
    keys = {key for _, owned in former for key in owned} | _owners(manifest).keys()
    for client in joined:
        is_known = client.name in names
        if is_known or client.identity in keys or client.agreement_key in keys:
            raise Refused(
                "amendment-known-party",
                f"expected an id and keys that the study never knew, got {client.name!r}'s",
            )


def _owners(manifest: Manifest) -> dict[bytes, str]:
    """Whose every key is that is in use before the amendment."""
    owners = {client.identity: client.name for client in manifest.clients}
    owners |= {client.agreement_key: client.name for client in manifest.clients}
    owners |= {custodian.identity: custodian.name for custodian in manifest.custodians}
    return owners | {custodian.wrap_key: custodian.name for custodian in manifest.custodians}


def _check_rotated(rotated: Iterable[EnrolledClient], manifest: Manifest, former: Former) -> None:
    enrolled = {client.name: client for client in manifest.clients}
    old = {key for _, owned in former for key in owned} | _owners(manifest).keys()
    for client in rotated:
        before = enrolled[client.name]
        same_party = replace(client, agreement_key=before.agreement_key) == before
        if not same_party or client.agreement_key in old:
            raise Refused(
                "amendment-rotation",
                f"expected {client.name!r} with its organisation and identity, and a new "
                "agreement key",
            )


def _check_committee(new: NewCommittee, manifest: Manifest, former: Former) -> None:
    before = (manifest.custodians, manifest.threshold, manifest.quorum)
    if (new.custodians, new.threshold, new.quorum) == before:
        raise Refused("amendment-committee", "expected another committee than the one before")
    seated = {custodian.name: custodian for custodian in manifest.custodians}
    names = {name for name, _ in former if name} | {client.name for client in manifest.clients}
    keys = {key: "" for _, owned in former for key in owned} | _owners(manifest)
    for custodian in new.custodians:
        owners = {keys.get(key) for key in (custodian.identity, custodian.wrap_key)}
        if custodian.name in names or owners - {None, custodian.name}:
            raise Refused(
                "amendment-known-party",
                f"expected an id and keys that the study never knew, got {custodian.name!r}'s",
            )
        known = seated.get(custodian.name)
        if known is not None and known.identity != custodian.identity:
            raise Refused(
                "amendment-committee", f"expected the identity that {custodian.name!r} had before"
            )


def _check_revoked_custodians(amendment: Amendment, manifest: Manifest) -> None:
    revoked = {one.name for one in manifest.custodians}.intersection(amendment.revoked)
    staying = manifest.custodians if amendment.committee is None else amendment.committee.custodians
    if revoked.intersection(custodian.name for custodian in staying):
        raise Refused(
            "amendment-committee",
            f"expected a new committee without {sorted(revoked)}, whom it revokes",
        )
