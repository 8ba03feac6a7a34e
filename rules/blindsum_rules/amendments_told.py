"""What a party was told of amendments, against what the rounds put in force.

A party is started with the study's file, which may hold amendments that no round has put in force
yet, and may lack some that have been since. Both must be one history: the operator signs one
amendment of a number.
"""

import hmac

from blindsum_crypto.errors import Refused
from blindsum_rules.amended_manifest import AmendedManifest


def check_one_history(in_force: AmendedManifest, told: AmendedManifest) -> None:
    """Check that of two stands of a study's manifest one continues the other.

    Args:
        in_force: As a round has it.
        told: As the party's own file has it.

    Raises:
        Refused: `amendment-fork`, when they differ in an amendment.
    """
    for here, there in zip(in_force.amendments, told.amendments, strict=False):
        if not hmac.compare_digest(here.digest, there.digest):
            raise Refused(
                "amendment-fork",
                f"expected amendment {there.body.number} of the round to be the one that this "
                "party was started with; the operator signed two of one number",
            )


def check_as_told(in_force: AmendedManifest, told: AmendedManifest) -> None:
    """Check that a new round puts in force what the party was told of, before it takes part.

    Raises:
        Refused: `amendment-withheld`, when an amendment of the party's own file is missing: who
            left or was revoked would still be enrolled; `amendment-fork`.
    """
    check_one_history(in_force, told)
    if in_force.number < told.number:
        raise Refused(
            "amendment-withheld",
            f"expected a round under amendment {told.number}, of which this party was told, got "
            f"one under {in_force.number}",
        )
