"""Which freezes count as released, whatever the aggregator says that it did with them."""

import hmac
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress

from blindsum_auditor.records import RoundRecord, TranscriptRecord
from blindsum_crypto.errors import BlindsumError
from blindsum_rules.close import Close
from blindsum_rules.differencing import counts_as_released
from blindsum_rules.manifest import Manifest
from blindsum_rules.round_quorums import check_closes
from blindsum_rules.signed import Signed


class Releases:
    """The closes of a study that hold, and what follows from them.

    Args:
        record: The transcript, its signatures verified.
        manifest: The verified manifest.
    """

    def __init__(self, record: TranscriptRecord, manifest: Signed[Manifest]) -> None:
        self._closes = _verified_closes(record, manifest)
        self._quorum = manifest.body.quorum

    def count(self, record: RoundRecord) -> bool:
        """Say whether the round's freeze counts as released; not if the folder holds none."""
        if record.freeze is None:
            return False
        closes = self._closes.get(record.number, ())
        return counts_as_released(record.freeze.digest, closes, self._quorum)

    def names_another(self, record: RoundRecord) -> bool:
        """Say whether a close of the round names a freeze that the folder does not hold."""
        held = b"" if record.freeze is None else record.freeze.digest
        named = (close.body.freeze_digest for close in self._closes.get(record.number, ()))
        return any(digest and not hmac.compare_digest(digest, held) for digest in named)


def _verified_closes(
    record: TranscriptRecord, manifest: Signed[Manifest]
) -> Mapping[int, Sequence[Signed[Close]]]:
    """The closes of each round, its own file's and the next spec's, where they hold.

    The next spec may carry more than the round's own file holds, which is written at a quorum.
    Where either does not hold, another check says so; a freeze is not cleared by it.
    """
    groups = [(one.number, one.closes) for one in record.rounds]
    specs = [one.spec for one in record.rounds] + [record.end.spec if record.end else None]
    groups += [(one.body.round_number - 1, one.body.closes) for one in specs if one is not None]
    verified: defaultdict[int, list[Signed[Close]]] = defaultdict(list)
    for number, closes in groups:
        with suppress(BlindsumError):
            # The manifest's own digest: a spec may name another study's, and its closes fit that.
            check_closes(closes, number, manifest.body, manifest.digest)
            verified[number] += closes
    return verified
