"""Evidence: nobody may sign two specs or two freezes of one round, wherever the two stand."""

import hmac
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from blindsum_auditor.amendments import RoundManifests
from blindsum_auditor.journal import Journal
from blindsum_auditor.records import RoundRecord, TranscriptRecord
from blindsum_auditor.report import Finding, Level, Status
from blindsum_crypto.errors import BlindsumError
from blindsum_rules import transcript
from blindsum_rules.acceptance import Acceptance
from blindsum_rules.admission import Admission, HeaderPage
from blindsum_rules.certificate import Abort, Certificate
from blindsum_rules.close import Close
from blindsum_rules.endorsement import Endorsement
from blindsum_rules.freeze import Freeze
from blindsum_rules.manifest import Manifest
from blindsum_rules.release import Release
from blindsum_rules.signed import BodyT, Signed, verify
from blindsum_rules.spec import Spec

_CHECK = "equivocation"
_SPEC = "spec"
_FREEZE = "freeze"

Stated = (
    Signed[Spec]
    | Signed[Acceptance]
    | Signed[HeaderPage]
    | Signed[Admission]
    | Signed[Freeze]
    | Signed[Endorsement]
    | Signed[Release]
    | Signed[Certificate]
    | Signed[Abort]
    | Signed[Close]
)
"""The messages that name a spec or a freeze."""


@dataclass(frozen=True, slots=True)
class Statement:
    """A party's signature that names a spec or a freeze of a round.

    Attributes:
        signer: Who signed.
        round_number: The round that it signed about.
        about: `spec` or `freeze`.
        digest: The digest that it named, 32 bytes.
        file: The file in which the signature stands.
    """

    signer: str
    round_number: int
    about: str
    digest: bytes
    file: str


def check_equivocation(
    record: TranscriptRecord, manifests: RoundManifests, journal: Journal
) -> None:
    """Print every signature on another spec or freeze than the one that its round holds.

    Args:
        record: The transcript, its signatures verified.
        manifests: Which manifest each round is held to.
        journal: Where the evidence is written.
    """
    by_signer: defaultdict[tuple[int, str, str], list[Statement]] = defaultdict(list)
    for statement in _statements(record, manifests):
        by_signer[statement.round_number, statement.about, statement.signer].append(statement)
    held = _held_digests(record, manifests)
    evidence = [finding for key in sorted(by_signer) for finding in _evidence(by_signer[key], held)]
    for finding in evidence:
        journal.write(finding)
    if not evidence:
        journal.holds(
            _CHECK,
            transcript.ROUNDS,
            "no signature here is on another spec or freeze of its round",
        )


def _evidence(
    statements: list[Statement], held: Mapping[tuple[int, str], bytes]
) -> Iterator[Finding]:
    first = statements[0]
    expected = held.get((first.round_number, first.about), first.digest)
    also = next((other.file for other in statements if other.digest == expected), None)
    for one in statements:
        if one.digest == expected:
            continue
        signed_both = "" if also is None else f", which it signed as well in {also}"
        sentence = (
            f"equivocation: evidence against {one.signer!r}: it signed the {one.about} "
            f"{one.digest.hex()} of round {one.round_number}, expected {expected.hex()}"
            f"{signed_both}"
        )
        yield Finding(_CHECK, Level.PUBLIC, Status.FAILED, one.file, sentence)


def _held_digests(
    record: TranscriptRecord, manifests: RoundManifests
) -> dict[tuple[int, str], bytes]:
    """The digest of the spec and the freeze that each round's folder holds of this study.

    Another study's spec in a folder is refused where it stands; nobody here has to agree with it.
    """
    held: dict[tuple[int, str], bytes] = {}
    for one in record.rounds:
        if one.spec is not None and _is_of_this_study(one.spec, manifests):
            held[one.number, _SPEC] = one.spec.digest
        if one.freeze is not None:
            held[one.number, _FREEZE] = one.freeze.digest
    end = None if record.end is None else record.end.spec
    if end is not None and _is_of_this_study(end, manifests):
        held.setdefault((end.body.round_number, _SPEC), end.digest)
    return held


def _statements(record: TranscriptRecord, manifests: RoundManifests) -> Iterator[Statement]:
    for file, signed in _signed_bodies(record, manifests):
        # Words about another study contradict nothing here; they are refused where they stand.
        if _is_of_this_study(signed, manifests):
            for about, digest in _named(signed):
                yield Statement(signed.signer, signed.body.round_number, about, digest, file)


def _is_of_this_study(signed: Stated, manifests: RoundManifests) -> bool:
    """Whether words are of this very study, and not of an earlier one of its name."""
    match signed.body:
        case Spec() as spec:
            same_study = spec.study == manifests.signed.body.study
            return same_study and spec.amendment_digest in manifests.digests
        case Close() as close:
            digest = close.manifest_digest
        case _:
            # These name a manifest through their round's id alone: as a file of a round they are
            # held to that round's spec; carried by a spec, `_inside` asks for it.
            digest = manifests.signed.digest
    same_study = signed.body.study == manifests.signed.body.study
    return same_study and hmac.compare_digest(digest, manifests.signed.digest)


def _named(signed: Stated) -> Iterator[tuple[str, bytes]]:
    match signed.body:
        case Spec():
            yield _SPEC, signed.digest
        case Freeze() as freeze:
            yield _SPEC, freeze.round_id
            yield _FREEZE, signed.digest
        case Acceptance() | HeaderPage() | Admission() as body:
            yield _SPEC, body.round_id
        case Endorsement() | Release() | Certificate() | Abort() as body:
            yield _SPEC, body.round_id
            if body.freeze_digest:
                yield _FREEZE, body.freeze_digest
        case Close() as close:
            if close.freeze_digest:
                yield _FREEZE, close.freeze_digest


def _signed_bodies(
    record: TranscriptRecord, manifests: RoundManifests
) -> Iterator[tuple[str, Stated]]:
    held = _held_digests(record, manifests)
    for one in record.rounds:
        yield from _in_round(one)
        if one.spec is not None:
            yield from _inside(one.spec, one.file(transcript.SPEC), manifests, held)
    if record.end is not None:
        for acceptance in record.end.acceptances:
            yield transcript.end_file(transcript.ACCEPTANCES), acceptance
        if record.end.spec is not None:
            file = transcript.end_file(transcript.SPEC)
            yield file, record.end.spec
            yield from _inside(record.end.spec, file, manifests, held)


def _in_round(record: RoundRecord) -> Iterator[tuple[str, Stated]]:
    groups: tuple[tuple[str, tuple[Stated | None, ...]], ...] = (
        (transcript.SPEC, (record.spec,)),
        (transcript.ACCEPTANCES, record.acceptances),
        (transcript.PAGES, record.pages),
        (transcript.ADMISSIONS, record.admissions),
        (transcript.FREEZE, (record.freeze,)),
        (transcript.ENDORSEMENTS, record.endorsements),
        (transcript.RELEASES, record.releases),
        (transcript.CERTIFICATE, (record.certificate,)),
        (transcript.ABORT, (record.abort,)),
        (transcript.CLOSES, record.closes),
    )
    for name, signed_bodies in groups:
        for signed in signed_bodies:
            if signed is not None:
                yield record.file(name), signed


def _inside(
    spec: Signed[Spec], file: str, manifests: RoundManifests, held: Mapping[tuple[int, str], bytes]
) -> Iterator[tuple[str, Stated]]:
    """The closes and endorsements that a spec carries, where their signatures hold.

    An endorsement counts where it names the round before as this folder holds it. One of another
    round id may be of an earlier study of this name, and is no evidence against who signed it.
    """
    manifest = manifests.of_round(spec.body.round_number - 1).body
    for close in spec.body.closes:
        if _holds(close, manifest):
            yield file, close
    before = held.get((spec.body.round_number - 1, _SPEC), b"")
    for endorsement in spec.body.endorsements:
        if hmac.compare_digest(endorsement.body.round_id, before) and _holds(endorsement, manifest):
            yield file, endorsement


def _holds(signed: Signed[BodyT], manifest: Manifest) -> bool:
    try:
        verify(signed, manifest.custodian_keys)
    except BlindsumError:
        return False  # The chain's own check says so; it is no evidence against anybody.
    return True
