"""The freeze checked: is U a set that this round may sum?"""

import hmac
from collections.abc import Sequence

from blindsum_crypto.errors import Refused, Rejected
from blindsum_crypto.log.merkle import root
from blindsum_rules.freeze import Freeze, Member
from blindsum_rules.identifiers import check_sorted_distinct
from blindsum_rules.manifest import Manifest
from blindsum_rules.roster import organisations_of
from blindsum_rules.signed import Signed, verify
from blindsum_rules.spec import Spec


def freeze_root(members: Sequence[Member]) -> bytes:
    """The Merkle root (RFC 6962) over the members' contribution digests in order, 32 bytes."""
    return root(member.contribution_digest for member in members)


def check_freeze(freeze: Signed[Freeze], spec: Signed[Spec], manifest: Manifest) -> None:
    """Check a freeze against its round. Differencing, budget and seeds are checked elsewhere.

    Args:
        freeze: The freeze.
        spec: The round's verified spec.
        manifest: The study's verified manifest.

    Raises:
        Rejected: `unknown-signer` or `bad-signature`, unless the aggregator signed it;
            `wrong-study`, `wrong-round`; `repeated-client`, `sorted-distinct`, `freeze-root`;
            `left-out`, when the left out are unsorted, repeated, or members.
        Refused: `unknown-client`, when somebody was not invited; `min-cohort`, `min-organisations`.
    """
    verify(freeze, manifest.aggregator_key)
    body = freeze.body
    _check_round(body, spec)
    _check_members(body, spec.body)
    _check_left_out(body, spec.body)
    if not hmac.compare_digest(body.root, freeze_root(body.members)):
        raise Rejected("freeze-root", "expected the Merkle root over the members' digests")
    floor = max(spec.body.min_cohort, manifest.min_cohort)
    if len(body.members) < floor:
        raise Refused("min-cohort", f"expected at least {floor} members, got {len(body.members)}")
    organisations = len(organisations_of(manifest, body.clients))
    if organisations < manifest.min_organisations:
        raise Refused(
            "min-organisations",
            f"expected at least {manifest.min_organisations}, got {organisations}",
        )


def _check_round(freeze: Freeze, spec: Signed[Spec]) -> None:
    if freeze.study != spec.body.study:
        raise Rejected("wrong-study", f"expected {spec.body.study!r}, got {freeze.study!r}")
    same_round = freeze.round_number == spec.body.round_number
    if not (same_round and hmac.compare_digest(freeze.round_id, spec.digest)):
        raise Rejected("wrong-round", "Freeze: expected the number and the id of this round")


def _check_members(freeze: Freeze, spec: Spec) -> None:
    names = [member.client for member in freeze.members]
    if len(set(names)) != len(names):
        raise Rejected("repeated-client", "expected every client of a freeze once")
    check_sorted_distinct(names, "freeze")
    strangers = freeze.clients.difference(spec.cohort)
    if strangers:
        raise Refused("unknown-client", f"expected invited clients, got {sorted(strangers)}")


def _check_left_out(freeze: Freeze, spec: Spec) -> None:
    names = [one.client for one in freeze.left_out]
    if names != sorted(set(names)):
        raise Rejected("left-out", "expected the left out by ascending id, each once")
    if not freeze.clients.isdisjoint(names):
        raise Rejected("left-out", "expected nobody both in the freeze and left out")
    strangers = set(names).difference(spec.cohort)
    if strangers:
        raise Refused("unknown-client", f"expected invited clients, got {sorted(strangers)}")
