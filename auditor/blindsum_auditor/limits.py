"""What no transcript can show. Every report says it, whatever else it says."""

from typing import Final

LIMITS: Final = (
    "That no t custodians colluded out of band: together they hold every seed, and seeds leave no "
    "trace in a transcript.",
    "That a client really clipped its update and, where the study has noise, really added its "
    "share: sealed integers look alike.",
    "That seeds and keys were really erased after a round and an epoch.",
    "That the enrolled organisations are independent of each other.",
    "That clients were invited, and the frozen set chosen, fairly: within the policy the "
    "aggregator chooses.",
    "That nobody was shown another transcript: compare the manifest's digest and the last round "
    "id with other readers.",
)
"""One sentence each, in the order in which a report prints them."""
