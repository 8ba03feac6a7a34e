"""Who pays for a frozen sum of a private study, and how much: the same figures for every ledger.

A freeze is charged once to everybody whose data it may hold: to each member where the unit is the
client, else to each organisation with a member. It costs what its own noise leaves, which is less
than the worst that is permitted wherever more clients than the fewest took part.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from blindsum_crypto.errors import Refused
from blindsum_rules.close import Close
from blindsum_rules.differencing import counts_as_released
from blindsum_rules.manifest import Manifest
from blindsum_rules.privacy.account import Account
from blindsum_rules.privacy.accountant import Charge
from blindsum_rules.privacy.effective_noise import honest_shares_in
from blindsum_rules.privacy.guarantee import Unit
from blindsum_rules.privacy.plan import Plan
from blindsum_rules.privacy.study_plan import privacy_policy, study_plan
from blindsum_rules.signed import Signed


@dataclass(frozen=True, slots=True)
class Charging:
    """The price list of one private study.

    Attributes:
        plan: The study's plan.
        colluders: c, organisations whose noise does not count.
        organisations: The organisation of every client of the roster.
        budget: What every account begins with.
        worst: What a round costs with the least noise that is permitted: what clients reserve.
    """

    plan: Plan
    colluders: int
    organisations: Mapping[str, str] = field(repr=False)
    budget: Charge
    worst: Charge
    _prices: dict[int, Charge] = field(repr=False, compare=False, default_factory=dict)

    @classmethod
    def of(cls, manifest: Manifest) -> "Charging":
        """The price list that a manifest fixes.

        Raises:
            Refused: what `study_plan` refuses.
        """
        plan = study_plan(manifest)
        return cls(
            plan=plan,
            colluders=privacy_policy(manifest).colluders,
            organisations={client.name: client.organisation for client in manifest.clients},
            budget=plan.budget,
            worst=plan.round_charge(),
        )

    def enrolling(self, organisations: Mapping[str, str]) -> "Charging":
        """The same price list over more clients: who joined a study, or has left it."""
        return replace(self, organisations={**organisations, **self.organisations})

    def payer_of(self, client: str) -> str:
        """Who is charged for a client's data.

        Raises:
            KeyError: when the client is not enrolled.
        """
        organisation = self.organisations[client]
        return client if self.plan.setting.unit is Unit.CLIENT else organisation

    def payers_of(self, members: Iterable[str]) -> frozenset[str]:
        """Who is charged for a frozen set, once each."""
        return frozenset(self.payer_of(client) for client in members)

    def price(self, members: Iterable[str]) -> Charge:
        """What a frozen set costs each of its payers, by the noise that nobody colluding knows.

        Args:
            members: Client ids of U, a set that the manifest permits.

        Raises:
            Refused: `privacy-no-honest-noise`, for a set that the manifest does not permit.
            KeyError: when a member is not enrolled.
        """
        held = Counter(self.organisations[client] for client in members)
        shares = honest_shares_in(tuple(held.values()), self.colluders)
        if shares not in self._prices:
            self._prices[shares] = self.plan.round_charge(shares)
        return self._prices[shares]

    def account(
        self, payer: str, settled_steps: int = 0, reserved_steps: int = 0, rounds: int = 0
    ) -> Account:
        """An account from what a ledger has stored of it."""
        order = self.plan.order
        return Account(
            payer=payer,
            budget=self.budget,
            delta=self.plan.setting.conversion_delta,
            settled=Charge(order, settled_steps),
            reserved=Charge(order, reserved_steps),
            rounds=rounds,
        )

    def able(self, clients: Iterable[str], settled: Mapping[str, int]) -> tuple[str, ...]:
        """The clients whose payer can afford another round at its worst, in their order.

        Args:
            clients: Client ids of the roster.
            settled: Payer to settled steps; who is not named has spent nothing.
        """
        most = self.budget.steps - self.worst.steps
        return tuple(one for one in clients if settled.get(self.payer_of(one), 0) <= most)

    def check_payable(
        self,
        cohort: Collection[str],
        settled: Mapping[str, int],
        min_cohort: int,
        min_organisations: int,
    ) -> None:
        """Check that a cohort can still pay a round at its worst: that a sum of it may come about.

        Args:
            cohort: The invited clients.
            settled: Payer to settled steps; who is not named has spent nothing.
            min_cohort: Fewest contributions that may be released.
            min_organisations: Fewest organisations among them.

        Raises:
            Refused: `privacy-budget`, saying who has most left and how much.
        """
        able = self.able(cohort, settled)
        organisations = {self.organisations[client] for client in able}
        if len(able) >= min_cohort and len(organisations) >= min_organisations:
            return
        unable = self.payers_of(cohort) - self.payers_of(able)
        richest = min(unable, key=lambda payer: (settled.get(payer, 0), payer), default="")
        account = self.account(richest, settled.get(richest, 0))
        raise Refused(
            "privacy-budget",
            f"expected {min_cohort} clients of {min_organisations} organisations or more that can "
            f"afford {self.worst.divergence:.6g} nats at order {self.worst.order}, got "
            f"{len(able)} of {len(organisations)}; of the others {richest!r} has most left, "
            f"{account.left.divergence:.6g} nats of epsilon {account.budget_epsilon:.4g}, the "
            "noise beyond the least that is permitted counted in its favour already",
        )


def charging_of(manifest: Manifest) -> Charging | None:
    """The price list of a study, or None where it has no differential privacy.

    Raises:
        Refused: as `Charging.of`.
    """
    return None if manifest.privacy is None else Charging.of(manifest)


def charged_freezes(closes: Sequence[Signed[Close]], quorum: int) -> frozenset[bytes]:
    """The freezes of a round that are charged, by the closes that the next spec carries.

    A freeze that no close names has a quorum of silent ones, since a spec carries a quorum. So all
    who read that spec settle the round alike, however many more closes each of them may know.

    Args:
        closes: Verified closes of the round, a quorum of them or more, each signer once.
        quorum: The committee's quorum.
    """
    named = {close.body.freeze_digest for close in closes} - {b""}
    return frozenset(digest for digest in named if counts_as_released(digest, closes, quorum))
