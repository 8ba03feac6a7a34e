"""Differential privacy recomputed from what was deployed: the manifest's plan, the frozen sets.

Every frozen set that counts as released is charged, opened or not, to whom the ledgers of clients
and custodians charge it: those whose units stand in it. Nothing here is read from a ledger.
"""

from collections import Counter

from blindsum_auditor.journal import Journal
from blindsum_auditor.privacy_account import PrivacyAccount, Spender
from blindsum_auditor.records import RoundRecord, TranscriptRecord
from blindsum_auditor.released import Releases
from blindsum_crypto.errors import BlindsumError, Refused
from blindsum_rules import transcript
from blindsum_rules.manifest import Manifest
from blindsum_rules.privacy.accountant import Charge, epsilon_of
from blindsum_rules.privacy.guarantee import Unit
from blindsum_rules.privacy.plan import Plan
from blindsum_rules.privacy.study_plan import honest_shares_of, study_plan
from blindsum_rules.signed import Signed

_CHECK = "privacy-budget"


def privacy_account(
    record: TranscriptRecord, manifest: Signed[Manifest], journal: Journal
) -> PrivacyAccount | None:
    """Recompute what a private study has spent, and check that nobody's budget is exceeded.

    Args:
        record: The transcript, its signatures verified.
        manifest: The verified manifest.
        journal: Where the findings are written; `privacy-budget` names the frozen set with which
            somebody's sum first exceeds the budget.

    Returns:
        The figures, or None for a study without differential privacy.
    """
    if manifest.body.privacy is None:
        says = "no differential privacy: whoever reads a sum may learn of a single record from it"
        journal.holds("privacy", transcript.MANIFEST, says)
        return None
    accounting = _Accounting(manifest.body, study_plan(manifest.body), journal)
    releases = Releases(record, manifest)
    for one in record.rounds:
        if releases.count(one):
            accounting.charge(one)
        if releases.names_another(one):
            why = "a close names a frozen set that is not here: whom it charges cannot be said"
            journal.not_checkable(_CHECK, one.file(transcript.FREEZE), why)
    account = accounting.account()
    if not accounting.has_failed:
        journal.holds(_CHECK, transcript.MANIFEST, account.in_words)
    return account


class _Accounting:
    """What everybody was charged so far, in exact steps."""

    def __init__(self, manifest: Manifest, plan: Plan, journal: Journal) -> None:
        self._manifest = manifest
        self._plan = plan
        self._journal = journal
        self._budget = plan.budget
        self._organisations = {one.name: one.organisation for one in manifest.clients}
        self._steps: Counter[str] = Counter()
        self._rounds: Counter[str] = Counter()
        self._rounds_charged = 0
        self.has_failed = False

    def charge(self, record: RoundRecord) -> None:
        """Charge a round's frozen set to those whose units stand in it."""
        freeze = record.freeze
        if freeze is None:
            return
        file = record.file(transcript.FREEZE)
        # Strangers have no noise that counts; that they are there, another check says.
        members = sorted(freeze.body.clients & self._organisations.keys())
        self._rounds_charged += 1
        try:
            shares = honest_shares_of(self._manifest, tuple(members))
            charge = self._plan.round_charge(shares)
        except BlindsumError as error:
            self._failed(file, str(error))
            return
        for owner in sorted({self._owner(client) for client in members}):
            self._spend(owner, charge, file)

    def account(self) -> PrivacyAccount:
        """The figures of everything that was charged."""
        plan, setting = self._plan, self._plan.setting
        return PrivacyAccount(
            promise=plan.guarantee,
            mechanism=plan.share.mechanism,
            noise_multiplier=plan.noise_multiplier,
            honest_shares=plan.honest_shares,
            order=plan.order,
            budget_steps=self._budget.steps,
            planned_rounds=setting.rounds,
            most_rounds=max(setting.rounds, setting.most_rounds),
            rounds_charged=self._rounds_charged,
            spenders=tuple(
                Spender(name, self._rounds[name], steps, self._epsilon(steps))
                for name, steps in self._steps.most_common()
            ),
            against=tuple(plan.guarantee_against(count) for count in _told(plan)),
        )

    def _owner(self, client: str) -> str:
        """Whose ledger a client's units stand in."""
        if self._plan.setting.unit is Unit.CLIENT:
            return client
        return self._organisations[client]

    def _spend(self, owner: str, charge: Charge, file: str) -> None:
        before = self._steps[owner]
        self._steps[owner] += charge.steps
        self._rounds[owner] += 1
        if before <= self._budget.steps < self._steps[owner]:
            spent = Charge(self._plan.order, self._steps[owner])
            broken = Refused(
                _CHECK,
                f"expected {owner!r} to spend at most {self._budget.divergence:.6g} nats at order "
                f"{self._plan.order}, epsilon {self._plan.guarantee.epsilon:.4g}, got "
                f"{spent.divergence:.6g}, epsilon {self._epsilon(spent.steps):.4g}",
            )
            self._failed(file, str(broken))

    def _failed(self, file: str, sentence: str) -> None:
        self.has_failed = True
        self._journal.failed(_CHECK, file, sentence)

    def _epsilon(self, steps: int) -> float:
        delta = self._plan.setting.conversion_delta
        return epsilon_of(Charge(self._plan.order, steps), delta)


def _told(plan: Plan) -> tuple[int, ...]:
    """Numbers of colluders that a report tells of: all up to 8, then each double, and the most."""
    most = plan.setting.cohort.most_colluders
    doubled = {1 << power for power in range(most.bit_length())}
    return tuple(sorted({*range(1, min(most, 8) + 1), *doubled, plan.setting.colluders, most}))
