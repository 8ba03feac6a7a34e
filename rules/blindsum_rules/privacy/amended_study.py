"""What an amendment may not change: the promise of a private study and the coin of its ledgers."""

from typing import Final

from blindsum_crypto.errors import Refused
from blindsum_rules.manifest import Manifest
from blindsum_rules.privacy.study_plan import study_plan

_RESOLUTION: Final = 2.0**-40
"""Of an epsilon, in nats: one step of a ledger.

What every draw of noise may be off grows with the clients, so each that joins moves epsilon by some
1e-16; a promise is not broken by less than its ledgers can tell.
"""


def check_same_promise(manifest: Manifest, amended: Manifest) -> None:
    """Check that an amended roster leaves the promise as the study was signed for.

    Another roster may leave fewer shares of noise that no colluder knows. Ledgers count in steps of
    the plan's order against one budget, so what a round costs at its worst must stay what it was.

    Args:
        manifest: The study as it was signed.
        amended: The same with its amendments, which passed `check_manifest`.

    Raises:
        Refused: `amendment-privacy`, when the budget or the price of a round at its worst would be
            other ones, or epsilon or delta larger ones.
    """
    if manifest.privacy is None:
        return
    before, after = study_plan(manifest), study_plan(amended)
    same = (before.budget, before.round_charge()) == (after.budget, after.round_charge())
    promised, kept = before.guarantee, after.guarantee
    larger = kept.epsilon > promised.epsilon + _RESOLUTION or kept.delta > promised.delta
    if not same or larger:
        raise Refused(
            "amendment-privacy",
            f"expected a roster under which epsilon stays {promised.epsilon:.6g} and a round costs "
            f"what it did: {before.honest_shares} shares of noise that no colluder knows, got "
            f"{after.honest_shares}",
        )
