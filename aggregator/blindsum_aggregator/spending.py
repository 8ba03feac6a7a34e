"""What the rounds of a private study have spent, as custodians and clients settle it too.

A round that its custodians would refuse is not opened: the aggregator keeps the same account by
the same closes, those that the next spec carries. What follows from a spec never changes any more,
so it is added up once; only the newest round, whose closes may still grow, is read each time.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

from sqlalchemy import Connection

from blindsum_aggregator.eras import EraBook
from blindsum_aggregator.store.contributions import members_of
from blindsum_aggregator.store.messages import MessageKind, Place, messages_of, one_message
from blindsum_aggregator.store.rounds import RoundRow, all_rounds
from blindsum_rules.close import Close
from blindsum_rules.manifest import Manifest
from blindsum_rules.privacy.charging import Charging, charged_freezes
from blindsum_rules.signed import Signed
from blindsum_rules.spec import Spec


class Spending:
    """The settled steps of everybody who pays in one study."""

    def __init__(self, manifest: Manifest, book: EraBook) -> None:
        """Begin with nothing; what the database holds is read when it is asked for.

        Raises:
            Refused: what `Charging.of` refuses.
        """
        self.charging = Charging.of(manifest)
        self._manifest = manifest
        self._book = book
        self._settled: Counter[str] = Counter()
        self._following = 0

    def prices(self, connection: Connection) -> Charging:
        """The price list of everybody who is or was enrolled: no amendment changes a price."""
        return self.charging.enrolling(self._book.read(connection).organisations)

    def settled(self, connection: Connection) -> Mapping[str, int]:
        """Payer to settled steps, once every round of the study is closed."""
        rounds = all_rounds(connection, self._manifest.study)
        for row in rounds[self._following : -1]:
            self._settled += self._charges(connection, row, self._carried(connection, row))
            self._following = row.number + 1
        total = self._settled.copy()
        for row in rounds[-1:]:
            closes = messages_of(connection, row.study, row.number, MessageKind.CLOSE, Close)
            total += self._charges(connection, row, closes)
        return total

    def _carried(self, connection: Connection, row: RoundRow) -> Sequence[Signed[Close]]:
        """The closes of a round that the spec after it carries."""
        spec = one_message(
            connection,
            Place(row.study, row.number + 1, MessageKind.SPEC, self._manifest.aggregator.name),
            Spec,
        )
        return () if spec is None else spec.body.closes

    def _charges(
        self, connection: Connection, row: RoundRow, closes: Sequence[Signed[Close]]
    ) -> Counter[str]:
        quorum = self._book.read(connection).of_round(row.number).body.quorum
        if row.freeze_digest not in charged_freezes(closes, quorum):
            return Counter()
        members = [member.client for member in members_of(connection, row.study, row.number)]
        charging = self.prices(connection)
        steps = charging.price(members).steps
        return Counter(dict.fromkeys(charging.payers_of(members), steps))
