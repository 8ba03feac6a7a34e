"""The three quorums of a round: acceptances of its spec, endorsements of its freeze, its closes."""

import hmac
from collections.abc import Sequence

from blindsum_crypto.errors import Refused, Rejected
from blindsum_rules.acceptance import Acceptance
from blindsum_rules.close import Close
from blindsum_rules.endorsement import Endorsement
from blindsum_rules.manifest import Manifest
from blindsum_rules.quorum import check_quorum
from blindsum_rules.signed import Signed
from blindsum_rules.spec import Spec


def check_acceptances(
    acceptances: Sequence[Signed[Acceptance]], spec: Signed[Spec], manifest: Manifest
) -> None:
    """Check that a quorum of custodians accepted this very spec.

    Raises:
        Refused: `quorum-of-acceptances`, when there are fewer than a quorum.
        Rejected: `wrong-study` or `wrong-round`, when one names another study, round or spec;
            `repeated-signer`, `unknown-signer`, `bad-signature`.
    """
    for acceptance in acceptances:
        _check_round(acceptance.body, spec)
    if len(acceptances) < manifest.quorum:
        raise Refused(
            "quorum-of-acceptances", f"expected {manifest.quorum}, got {len(acceptances)}"
        )
    check_quorum(acceptances, manifest.custodian_keys, manifest.quorum, "acceptances")


def check_endorsements(
    endorsements: Sequence[Signed[Endorsement]],
    freeze_digest: bytes,
    spec: Signed[Spec],
    manifest: Manifest,
) -> None:
    """Check that a quorum of custodians endorsed this very freeze of this round.

    Raises:
        Refused: `quorum-of-endorsements`, when there are fewer than a quorum.
        Rejected: `wrong-study`, `wrong-round` or `wrong-freeze`, when one names another;
            `repeated-signer`, `unknown-signer`, `bad-signature`.
    """
    for endorsement in endorsements:
        _check_round(endorsement.body, spec)
        if not hmac.compare_digest(endorsement.body.freeze_digest, freeze_digest):
            raise Rejected(
                "wrong-freeze",
                f"expected endorsements of one freeze, {endorsement.signer!r} names another",
            )
    if len(endorsements) < manifest.quorum:
        raise Refused(
            "quorum-of-endorsements", f"expected {manifest.quorum}, got {len(endorsements)}"
        )
    check_quorum(endorsements, manifest.custodian_keys, manifest.quorum, "endorsements")


def check_closes(
    closes: Sequence[Signed[Close]], round_number: int, manifest: Manifest, manifest_digest: bytes
) -> None:
    """Check that a quorum of custodians closed this round, with whatever freeze they name.

    Args:
        closes: As parsed.
        round_number: The round that they must close.
        manifest: The study's verified manifest.
        manifest_digest: Its digest, 32 bytes.

    Raises:
        Refused: `quorum-of-closes`, when there are fewer than a quorum.
        Rejected: `wrong-study`, `wrong-manifest` or `wrong-round`, when one names another study,
            an earlier one of that name, or another round; `repeated-signer`, `unknown-signer`,
            `bad-signature`.
    """
    for close in closes:
        _check_study_and_number(close.body, manifest.study, round_number)
        if not hmac.compare_digest(close.body.manifest_digest, manifest_digest):
            raise Rejected("wrong-manifest", "Close: expected the digest of this study's manifest")
    if len(closes) < manifest.quorum:
        raise Refused("quorum-of-closes", f"expected {manifest.quorum}, got {len(closes)}")
    check_quorum(closes, manifest.custodian_keys, manifest.quorum, "closes")


def _check_round(body: Acceptance | Endorsement, spec: Signed[Spec]) -> None:
    _check_study_and_number(body, spec.body.study, spec.body.round_number)
    if not hmac.compare_digest(body.round_id, spec.digest):
        raise Rejected("wrong-round", f"{type(body).__name__}: expected the id of this round")


def _check_study_and_number(
    body: Acceptance | Endorsement | Close, study: str, round_number: int
) -> None:
    kind = type(body).__name__
    if body.study != study:
        raise Rejected("wrong-study", f"{kind}: expected {study!r}, got {body.study!r}")
    if body.round_number != round_number:
        raise Rejected(
            "wrong-round", f"{kind}: expected round {round_number}, got {body.round_number}"
        )
