"""What no transcript can show. Every report says it, whatever else it says."""

from typing import Final

from blindsum_rules.groups import VISIBLE

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

PRIVATE_LIMITS: Final = (
    "That participation, timing and refusals did not depend on the data: epsilon says nothing "
    "about who took part, when, and who refused.",
    "That nobody breaks a seal or a generator: the differential privacy is computational.",
    "That no more organisations pooled what they know than the promise counts, and that nothing "
    "else of the same data left a client: logs, metrics, other studies, choices tuned on them.",
    "That the ledgers of clients and custodians say the same: this report recomputes what they "
    "should say, and reads none of them.",
)
"""What no transcript of a private study can show besides."""


GROUP_LIMITS: Final = (
    f"That only the whole was learned: {VISIBLE}; every group's own aggregate was published.",
)
"""What a study in groups shows besides, of which no transcript can say who made use."""


def limits_of(*, is_private: bool, groups: int = 1) -> tuple[str, ...]:
    """What a report on a study must say that it does not show."""
    private = PRIVATE_LIMITS if is_private else ()
    return LIMITS + private + (GROUP_LIMITS if groups > 1 else ())
