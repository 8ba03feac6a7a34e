"""Differential privacy recomputed from what was deployed: the manifest's plan, the frozen sets.

Every frozen set that counts as released is charged, opened or not, to whom the ledgers of clients
and custodians charge it: those whose units stand in it. Nothing here is read from a ledger.
"""

import hmac
from collections import Counter

from blindsum_auditor.amendments import RoundManifests
from blindsum_auditor.journal import Journal
from blindsum_auditor.privacy_account import PrivacyAccount, Spender
from blindsum_auditor.records import RoundRecord, TranscriptRecord
from blindsum_auditor.released import Releases
from blindsum_crypto.errors import BlindsumError, Refused
from blindsum_rules import transcript
from blindsum_rules.privacy.account import Account
from blindsum_rules.privacy.accountant import Charge
from blindsum_rules.privacy.charging import Charging
from blindsum_rules.privacy.plan import Plan

_CHECK = "privacy-budget"


def privacy_account(
    record: TranscriptRecord, manifests: RoundManifests, journal: Journal
) -> PrivacyAccount | None:
    """Recompute what a private study has spent, and check that nobody's budget is exceeded.

    Args:
        record: The transcript, its signatures verified.
        manifests: Which manifest each round is held to.
        journal: Where the findings are written; `privacy-budget` names the frozen set with which
            somebody's sum first exceeds the budget.

    Returns:
        The figures, or None for a study without differential privacy.
    """
    manifest = manifests.signed.body
    if manifest.privacy is None:
        says = "no differential privacy: whoever reads a sum may learn of a single record from it"
        journal.holds("privacy", transcript.MANIFEST, says)
        return None
    # Who has left was charged for what it gave before; no amendment changes a price.
    charging = Charging.of(manifest).enrolling(manifests.organisations)
    accounting = _Accounting(charging, journal)
    releases = Releases(record, manifests)
    for one in record.rounds:
        for digest in sorted(releases.charged(one)):
            accounting.charge(one, digest)
    account = accounting.account()
    if accounting.holds:
        journal.holds(_CHECK, transcript.MANIFEST, account.in_words)
    return account


class _Accounting:
    """What everybody was charged so far, in exact steps."""

    def __init__(self, charging: Charging, journal: Journal) -> None:
        self._charging = charging
        self._journal = journal
        self._steps: Counter[str] = Counter()
        self._rounds: Counter[str] = Counter()
        self._rounds_charged = 0
        self.holds = True

    def charge(self, record: RoundRecord, digest: bytes) -> None:
        """Charge one of a round's freezes to those whose units stand in it."""
        freeze, file = record.freeze, record.file(transcript.FREEZE)
        self._rounds_charged += 1
        if freeze is None or not hmac.compare_digest(freeze.digest, digest):
            why = "closes charge a frozen set that is not here: to whom cannot be said"
            self._journal.not_checkable(_CHECK, file, why)
            self.holds = False
            return
        # Strangers have no noise that counts; that they are there, another check says.
        members = freeze.body.clients & self._charging.organisations.keys()
        try:
            price = self._charging.price(members)
        except BlindsumError as error:
            self._failed(file, str(error))
            return
        for payer in sorted(self._charging.payers_of(members)):
            self._spend(payer, price, file)

    def account(self) -> PrivacyAccount:
        """The figures of everything that was charged."""
        plan, setting = self._charging.plan, self._charging.plan.setting
        return PrivacyAccount(
            promise=plan.guarantee,
            mechanism=plan.share.mechanism,
            noise_multiplier=plan.noise_multiplier,
            honest_shares=plan.honest_shares,
            order=plan.order,
            budget_steps=self._charging.budget.steps,
            planned_rounds=setting.rounds,
            most_rounds=max(setting.rounds, setting.most_rounds),
            rounds_charged=self._rounds_charged,
            spenders=tuple(
                Spender(name, self._rounds[name], steps, self._settled(name).spent_epsilon)
                for name, steps in self._steps.most_common()
            ),
            against=tuple(plan.guarantee_against(count) for count in _told(plan)),
        )

    def _settled(self, payer: str) -> Account:
        return self._charging.account(payer, self._steps[payer], rounds=self._rounds[payer])

    def _spend(self, payer: str, price: Charge, file: str) -> None:
        budget, before = self._charging.budget.steps, self._steps[payer]
        self._steps[payer] += price.steps
        self._rounds[payer] += 1
        if before <= budget < self._steps[payer]:
            account = self._settled(payer)
            expected = (
                f"expected {payer!r} to spend at most {account.budget.divergence:.6g} nats at "
                f"order {account.budget.order}, epsilon {account.budget_epsilon:.4g}, got "
                f"{account.settled.divergence:.6g}, epsilon {account.spent_epsilon:.4g}"
            )
            self._failed(file, str(Refused(_CHECK, expected)))

    def _failed(self, file: str, sentence: str) -> None:
        self.holds = False
        self._journal.failed(_CHECK, file, sentence)


def _told(plan: Plan) -> tuple[int, ...]:
    """Numbers of colluders that a report tells of: all up to 8, then each double, and the most."""
    most = plan.setting.cohort.most_colluders
    doubled = {1 << power for power in range(most.bit_length())}
    return tuple(sorted({*range(1, min(most, 8) + 1), *doubled, plan.setting.colluders, most}))
