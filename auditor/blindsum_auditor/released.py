"""Which freezes count as released, whatever the aggregator says that it did with them."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress

from blindsum_auditor.amendments import RoundManifests
from blindsum_auditor.records import RoundRecord, TranscriptRecord
from blindsum_crypto.errors import BlindsumError
from blindsum_rules.close import Close
from blindsum_rules.differencing import counts_as_released
from blindsum_rules.privacy.charging import charged_freezes
from blindsum_rules.round_quorums import check_closes
from blindsum_rules.signed import Signed
from blindsum_rules.spec import Spec


class Releases:
    """The closes of a study that hold, and what follows from them.

    Args:
        record: The transcript, its signatures verified.
        manifests: Which manifest each round is held to.
    """

    def __init__(self, record: TranscriptRecord, manifests: RoundManifests) -> None:
        self._closes = _verified_closes(record, manifests)
        self._settling = _settling_closes(record, manifests)
        self._manifests = manifests

    def count(self, record: RoundRecord) -> bool:
        """Say whether the round's freeze counts as released; not if the folder holds none."""
        if record.freeze is None:
            return False
        closes = self._closes.get(record.number, ())
        return counts_as_released(record.freeze.digest, closes, self._quorum_of(record))

    def charged(self, record: RoundRecord) -> frozenset[bytes]:
        """Digests of the round's freezes that ledgers charge; some may not lie in the folder.

        The next spec's closes settle a round for all ledgers, even where others, that came later,
        would clear a freeze. A round that no spec has settled yet is charged for its freeze, unless
        it cannot have been released.
        """
        settling = self._settling.get(record.number)
        if settling is not None:
            return charged_freezes(settling, self._quorum_of(record))
        if record.freeze is None or not self.count(record):
            return frozenset()
        return frozenset({record.freeze.digest})

    def _quorum_of(self, record: RoundRecord) -> int:
        return self._manifests.of_round(record.number).body.quorum


def _settling_closes(
    record: TranscriptRecord, manifests: RoundManifests
) -> Mapping[int, Sequence[Signed[Close]]]:
    """By round, the closes that the spec after it carries, where they hold."""
    settling: dict[int, Sequence[Signed[Close]]] = {}
    for spec in _specs(record):
        number = spec.body.round_number - 1
        with suppress(BlindsumError):
            manifest = manifests.of_round(number)
            check_closes(spec.body.closes, number, manifest.body, manifest.digest)
            settling[number] = spec.body.closes
    return settling


def _specs(record: TranscriptRecord) -> Sequence[Signed[Spec]]:
    specs = [one.spec for one in record.rounds] + [record.end.spec if record.end else None]
    return [spec for spec in specs if spec is not None]


def _verified_closes(
    record: TranscriptRecord, manifests: RoundManifests
) -> Mapping[int, Sequence[Signed[Close]]]:
    """The closes of each round, its own file's and the next spec's, where they hold.

    The next spec may carry more than the round's own file holds, which is written at a quorum.
    Where either does not hold, another check says so; a freeze is not cleared by it.
    """
    groups = [(one.number, one.closes) for one in record.rounds]
    groups += [(one.body.round_number - 1, one.body.closes) for one in _specs(record)]
    verified: defaultdict[int, list[Signed[Close]]] = defaultdict(list)
    for number, closes in groups:
        with suppress(BlindsumError):
            # The manifest's own digest: a spec may name another study's, and its closes fit that.
            manifest = manifests.of_round(number)
            check_closes(closes, number, manifest.body, manifest.digest)
            verified[number] += closes
    return verified
