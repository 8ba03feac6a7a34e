"""The budget as everybody keeps it: four clients' ledgers and four custodians', read from disk.

Nobody asks the aggregator what was spent. Each ledger is read as its owner would find it after a
restart: out of a client's state folder, out of a custodian's store.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from blindsum_cli.custodian import STORE_FILE
from blindsum_cli.demo.heart_disease import HOSPITALS
from blindsum_cli.demo.places import custodian_of
from blindsum_cli.demo.study_setup import DemoStudy
from blindsum_client.ledger import read_account
from blindsum_crypto.errors import Refused
from blindsum_custodian.store.reading import read_accounts
from blindsum_rules.amended_manifest import AmendedManifest
from blindsum_rules.privacy.account import Account
from blindsum_rules.privacy.charging import Charging


@dataclass(frozen=True, slots=True)
class Ledgers:
    """How the ledgers of the study stand.

    Attributes:
        charging: The study's price list, which everybody has from the manifest.
        clients: Each hospital's own account, by hospital.
        custodians: Each custodian's accounts of all hospitals, by custodian and hospital.
    """

    charging: Charging
    clients: Mapping[str, Account]
    custodians: Mapping[str, Mapping[str, Account]]

    @property
    def agreeing(self) -> tuple[str, ...]:
        """Custodians whose accounts are the clients' own to the last step.

        One that did not endorse a round learns of it from the next spec, and lags till then.
        """
        own = {hospital: _settled(account) for hospital, account in self.clients.items()}
        return tuple(
            custodian
            for custodian, accounts in self.custodians.items()
            if {hospital: _settled(account) for hospital, account in accounts.items()} == own
        )

    @property
    def agree(self) -> bool:
        """Whether all do, with nothing left reserved."""
        settled = all(account.reserved.steps == 0 for account in self.clients.values())
        return settled and len(self.agreeing) == len(self.custodians)

    @property
    def dearest(self) -> Account:
        """The account with most spent."""
        return max(self.clients.values(), key=lambda account: account.spent.steps)

    @property
    def affords(self) -> bool:
        """Whether every hospital can pay another round at its worst."""
        return self.dearest.affords(self.charging.worst)

    @property
    def rounds_left(self) -> int:
        """Rounds of all hospitals that are still paid: the last must be affordable at its worst."""
        left = self.dearest.left.steps - self.charging.worst.steps
        return 0 if left < 0 else 1 + left // self.charging.price(HOSPITALS).steps

    def refusals(self, min_cohort: int, min_organisations: int) -> Mapping[str, str]:
        """By which rule every ledger refuses another round, by its owner; empty: it does not.

        The same checks as in a round: a client's before it seals, a custodian's before it accepts.
        """
        found = {hospital: self._refusal_of(account) for hospital, account in self.clients.items()}
        for custodian, accounts in self.custodians.items():
            settled = {hospital: one.settled.steps for hospital, one in accounts.items()}
            try:
                self.charging.check_payable(HOSPITALS, settled, min_cohort, min_organisations)
                found[custodian] = ""
            except Refused as refusal:
                found[custodian] = refusal.rule
        return found

    def _refusal_of(self, account: Account) -> str:
        try:
            account.check_affords(self.charging.worst)
        except Refused as refusal:
            return refusal.rule
        return ""


def read_ledgers(study: DemoStudy) -> Ledgers:
    """Read all ledgers; their owners may be running.

    Raises:
        Refused: as `read_account` and `read_accounts`.
    """
    charging = Charging.of(study.manifest)
    places = study.places
    return Ledgers(
        charging=charging,
        clients={
            hospital: read_account(
                places.client(hospital).state / study.name, AmendedManifest(study.signed)
            )
            for hospital in HOSPITALS
        },
        custodians={
            custodian_of(hospital): {
                account.payer: account
                for account in read_accounts(
                    places.custodian(hospital).state / STORE_FILE,
                    study.manifest,
                    study.signed.digest,
                )
            }
            for hospital in HOSPITALS
        },
    )


def _settled(account: Account) -> tuple[int, int]:
    return account.settled.steps, account.rounds
