"""How many custodians must sign, and whether they did."""

from collections.abc import Mapping, Sequence

from blindsum_crypto.errors import Refused, Rejected
from blindsum_rules.signed import BodyT, Signed, verify


def smallest_quorum(custodians: int, threshold: int) -> int:
    """The fewest signatures of m custodians that exclude two conflicting quorums.

    Two sets of `quorum` signers share at least 2*quorum - m custodians. With f = threshold - 1
    corrupt ones who sign twice, an honest custodian stands in both as soon as 2*quorum - m > f
    (docs/specification.md, 4), and an honest custodian signs one freeze of a round.
    """
    return (custodians + threshold - 1) // 2 + 1


def check_quorum_rule(custodians: int, threshold: int, quorum: int) -> None:
    """Check that a committee's numbers exclude two endorsed freezes of one round.

    Args:
        custodians: m, custodians in the committee; >= 1.
        threshold: t, custodians needed to open.
        quorum: Signatures needed.

    Raises:
        Refused: `quorum-rule`, unless 1 <= t <= m and floor((m + t - 1) / 2) + 1 <= quorum <= m.
    """
    if not 1 <= threshold <= custodians:
        raise Refused(
            "quorum-rule",
            f"expected a threshold of 1 to {custodians} custodians, got {threshold}",
        )
    smallest = smallest_quorum(custodians, threshold)
    if not smallest <= quorum <= custodians:
        raise Refused(
            "quorum-rule",
            f"expected a quorum of {smallest} to {custodians} for {custodians} custodians with "
            f"threshold {threshold}, got {quorum}",
        )


def liveness_note(custodians: int, threshold: int, quorum: int) -> str:
    """Say what f = t - 1 faulty custodians can still stop, in one sentence for people.

    Silence is harmless while quorum <= m - f; lies are named and outvoted while quorum >= 2t - 1,
    because t honest custodians then stand among those who answered (docs/specification.md, 4).

    Raises:
        Refused: `quorum-rule`, when the numbers are not allowed at all.
    """
    check_quorum_rule(custodians, threshold, quorum)
    faulty = threshold - 1
    if custodians == 1:
        return "One custodian is the single key authority: it alone opens the sum, and stops it."
    stops = []
    if quorum > custodians - faulty:
        stops.append("by keeping silent, rounds may find no quorum")
    if quorum < 2 * threshold - 1:
        stops.append("by releasing false parts, an endorsed sum may stay unopened")
    if threshold == 1:
        return (
            f"Each of {custodians} custodians alone can open a sum; "
            f"{custodians - quorum} may be away."
        )
    those = "1 faulty custodian" if faulty == 1 else f"{faulty} faulty custodians"
    if not stops:
        nothing = "stops nothing" if faulty == 1 else "stop nothing"
        return f"{those} {nothing}; {custodians - quorum} of {custodians} may be away."
    return f"{those} can stop rounds: {'; '.join(stops)}."


def check_quorum(
    signed: Sequence[Signed[BodyT]], signers: Mapping[str, bytes], needed: int, what: str
) -> None:
    """Check that enough distinct parties signed, every signature included.

    What the bodies say is the caller's to check; this is about who signed.

    Args:
        signed: The signed messages; more than needed is fine.
        signers: Identifier to Ed25519 public key of everybody who may sign.
        needed: Signatures needed.
        what: What was signed, in the plural, for the error.

    Raises:
        Rejected: `repeated-signer`, when a signer stands twice; `unknown-signer` or
            `bad-signature`, when any signature does not hold.
        Refused: `quorum`, when there are fewer than `needed`.
    """
    seen: set[str] = set()
    for one in signed:
        if one.signer in seen:
            raise Rejected(
                "repeated-signer", f"{what}: expected distinct signers, got {one.signer!r} twice"
            )
        seen.add(one.signer)
        verify(one, signers)
    if len(seen) < needed:
        raise Refused("quorum", f"{what}: expected at least {needed}, got {len(seen)}")
