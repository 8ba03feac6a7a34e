"""The anonymity set of every frozen set, recomputed from who stands in it (threat T4)."""

from typing import Final

from blindsum_auditor.amendments import RoundManifests
from blindsum_auditor.anonymity import RoundAnonymity
from blindsum_auditor.journal import Journal
from blindsum_auditor.records import TranscriptRecord
from blindsum_rules import transcript
from blindsum_rules.anonymity import anonymity_of

_CHECK: Final = "anonymity"


def anonymity_sets(
    record: TranscriptRecord, manifests: RoundManifests, journal: Journal
) -> tuple[RoundAnonymity, ...]:
    """The anonymity set of every frozen set, opened or not.

    Args:
        record: The transcript, its signatures verified.
        manifests: Which manifest each round is held to.
        journal: Where each is said; that a set is too small is for another check to say.
    """
    found = []
    for one in record.rounds:
        if one.freeze is None:
            continue
        clients = one.freeze.body.clients
        hidden = anonymity_of(manifests.of_round(one.number).body, clients)
        journal.holds(_CHECK, one.file(transcript.FREEZE), f"hidden: {hidden.in_words}")
        found.append(RoundAnonymity(one.number, len(clients), hidden))
    return tuple(found)
