"""The amendments folded spec by spec: which manifest each round is held to, and who changed it.

A spec carries what comes into force with it, so a transcript needs no further file. What does not
verify is a finding by its own rule, and is not put in force: the rounds behind it are held to the
manifest that was believed before.
"""

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from blindsum_auditor.amendment_in_force import AmendmentInForce
from blindsum_auditor.journal import Journal
from blindsum_auditor.records import TranscriptRecord
from blindsum_crypto.errors import BlindsumError
from blindsum_rules import transcript
from blindsum_rules.amended_manifest import AmendedManifest
from blindsum_rules.amendment_words import changes_in_words, signers_in_words
from blindsum_rules.manifest import Manifest
from blindsum_rules.signed import Signed, verify
from blindsum_rules.spec import Spec

_CHECK: Final = "amendments"


@dataclass(frozen=True, slots=True)
class RoundManifests:
    """A study's manifests, each from the round on that its spec opened.

    Attributes:
        signed: The verified manifest.
        first_rounds: Ascending, beginning with 0.
        manifests: As many, each with all amendments of the one before.
        ended: Whether a believed end spec is there: no later spec can carry anything.
        in_force: Every amendment that came into force, in order.
    """

    signed: Signed[Manifest]
    first_rounds: tuple[int, ...] = field(repr=False)
    manifests: tuple[AmendedManifest, ...] = field(repr=False)
    ended: bool
    in_force: tuple[AmendmentInForce, ...]

    @property
    def newest(self) -> AmendedManifest:
        """With everything that came into force."""
        return self.manifests[-1]

    def of_round(self, number: int) -> AmendedManifest:
        """The manifest that a round is held to."""
        return self.manifests[max(0, bisect_right(self.first_rounds, number) - 1)]

    @property
    def digests(self) -> frozenset[bytes]:
        """Of the manifest and of every amendment: what a spec of this study may name."""
        return frozenset(one.digest for one in self.newest.amendments) | {self.signed.digest}

    @property
    def organisations(self) -> Mapping[str, str]:
        """The organisation of everybody who was ever enrolled; no amendment changes it."""
        return {one.name: one.organisation for each in self.manifests for one in each.body.clients}


def fold_amendments(
    record: TranscriptRecord, manifest: Signed[Manifest], journal: Journal
) -> RoundManifests:
    """Put in force what the specs carry, round by round.

    Args:
        record: The transcript as read.
        manifest: The verified manifest.
        journal: Where each amendment is told, or what is wrong with it.
    """
    firsts, manifests, told = [0], [AmendedManifest(manifest)], list[AmendmentInForce]()
    for number, file, spec in _specs(record, manifest.body):
        if not spec.body.amendments:
            continue
        before = manifests[-1]
        try:
            amended = before.amended(spec.body.amendments)
        except BlindsumError as error:
            journal.failed(_CHECK, file, str(error))
            continue
        if number == firsts[-1]:
            manifests[-1] = amended
        else:
            firsts.append(number)
            manifests.append(amended)
        told += _told(before, amended, number)
        for one in told[before.number :]:
            journal.holds(_CHECK, file, one.in_words)
    if record.manifest is not None and not told:
        journal.holds(_CHECK, transcript.MANIFEST, "none: the manifest holds for every round")
    ended = record.end is not None and record.end.spec is not None
    return RoundManifests(manifest, tuple(firsts), tuple(manifests), ended, tuple(told))


def _specs(record: TranscriptRecord, manifest: Manifest) -> Iterator[tuple[int, str, Signed[Spec]]]:
    """The specs that the aggregator signed, ascending; that another is not is a finding already."""
    specs = [(one.number, one.file(transcript.SPEC), one.spec) for one in record.rounds]
    if record.end is not None and record.end.spec is not None:
        end = record.end.spec
        specs.append((end.body.round_number, transcript.end_file(transcript.SPEC), end))
    for number, file, spec in specs:
        if spec is None:
            continue
        try:
            verify(spec, manifest.aggregator_key)
        except BlindsumError:
            continue
        yield number, file, spec


def _told(
    before: AmendedManifest, amended: AmendedManifest, number: int
) -> Iterator[AmendmentInForce]:
    for index in range(before.number, amended.number):
        one = amended.amendments[index]
        words = changes_in_words(one.body, amended.up_to(index).body)
        yield AmendmentInForce(
            index + 1, number, one.body.reason, signers_in_words(one), tuple(words)
        )
