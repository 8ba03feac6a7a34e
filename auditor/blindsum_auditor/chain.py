"""The chain of specs: numbers without gaps, each on the record of the round before, to the end."""

import hmac

from blindsum_auditor.amendments import RoundManifests
from blindsum_auditor.journal import Journal
from blindsum_auditor.records import EndRecord, RoundRecord, TranscriptRecord
from blindsum_crypto.errors import Refused
from blindsum_rules import transcript
from blindsum_rules.round_quorums import check_acceptances
from blindsum_rules.signed import Signed
from blindsum_rules.spec import Spec, SpecKind
from blindsum_rules.spec_checks import check_spec
from blindsum_rules.succession import check_first, check_succession

_CHECK = "chain"


def check_chain(record: TranscriptRecord, manifests: RoundManifests, journal: Journal) -> bool:
    """Check every spec, how they follow each other, and where the chain ends.

    Args:
        record: The transcript, its signatures verified.
        manifests: Which manifest each round is held to.
        journal: Where the findings are written.

    Returns:
        Whether an end spec that holds in every way closes the chain.
    """
    before: RoundRecord | None = None
    for one in record.rounds:
        _check_link(one, before, manifests, journal)
        before = one
    if record.end is None:
        journal.not_checkable(
            _CHECK,
            transcript.ROUNDS,
            "the study has not ended: later rounds may be missing",
        )
        return False
    return _check_end(record.end, before, manifests, journal)


def _check_link(
    record: RoundRecord,
    before: RoundRecord | None,
    manifests: RoundManifests,
    journal: Journal,
) -> None:
    spec, file = record.spec, record.file(transcript.SPEC)
    if spec is None:
        return  # Missing, unreadable or unsigned: each is a finding already.
    manifest = manifests.of_round(record.number)
    with journal.checking("spec", file, "a round that the manifest allows"):
        check_spec(spec, manifest, None)
        _check_place(spec, record.number)
    if before is None:
        with journal.checking(_CHECK, file, "begins on the manifest's digest"):
            check_first(spec, manifest)
        return
    _check_follows(spec, file, before, manifests, journal)


def _check_end(
    end: EndRecord, before: RoundRecord | None, manifests: RoundManifests, journal: Journal
) -> bool:
    spec, file = end.spec, transcript.end_file(transcript.SPEC)
    if spec is None:
        return False
    manifest = manifests.newest
    holds = "ends the study and opens nothing"
    with journal.checking("spec", file, holds):
        check_spec(spec, manifest, None)
        if spec.body.kind is not SpecKind.END:
            raise Refused("end-spec", "expected a spec that ends the study")
    acceptances = transcript.end_file(transcript.ACCEPTANCES)
    with journal.checking("acceptances", acceptances, "a quorum accepted the end of the study"):
        check_acceptances(end.acceptances, spec, manifest.body)
    if before is None:
        with journal.checking(_CHECK, file, "ends a study that opened no round"):
            check_first(spec, manifest)
    else:
        _check_follows(spec, file, before, manifests, journal)
    return not (journal.has_failed(file) or journal.has_failed(acceptances))


def _check_place(spec: Signed[Spec], number: int) -> None:
    if spec.body.kind is not SpecKind.ROUND:
        raise Refused("round-spec", "expected a spec that opens a round")
    if spec.body.round_number != number:
        raise Refused(
            "round-number", f"expected the spec of round {number}, got {spec.body.round_number}"
        )


def _check_follows(
    spec: Signed[Spec], file: str, before: RoundRecord, manifests: RoundManifests, journal: Journal
) -> None:
    if before.spec is None:
        journal.not_checkable(
            _CHECK, file, f"rests on {before.file(transcript.SPEC)}, which is not believed"
        )
        return
    with journal.checking(_CHECK, file, "follows the round before, by number, id, closes, model"):
        check_succession(spec, before.spec, manifests.of_round(before.number))
    _check_record(spec.body, file, before, journal)


def _check_record(spec: Spec, file: str, before: RoundRecord, journal: Journal) -> None:
    """Check the record of the round before against what lies in that round's folder."""
    recorded = spec.previous
    if not before.has_outcome:
        missing = transcript.CERTIFICATE if recorded.aggregate_commitment else transcript.ABORT
        journal.failed(
            "files",
            before.file(missing),
            f"missing-file: expected this file, {file} records how the round ended",
        )
    with journal.checking("record", file, "records how the round before ended"):
        if before.freeze is not None or transcript.FREEZE not in before.names:
            frozen = b"" if before.freeze is None else before.freeze.digest
            _check_same(recorded.freeze_digest, frozen, "freeze")
        if before.certificate is not None:
            committed = before.certificate.body.aggregate_commitment
            _check_same(recorded.aggregate_commitment, committed, "commitment")
        elif before.abort is not None:
            _check_same(recorded.aggregate_commitment, b"", "lack of an aggregate")


def _check_same(recorded: bytes, held: bytes, what: str) -> None:
    if not hmac.compare_digest(recorded, held):
        raise Refused("previous-round", f"expected the record to name that round's {what}")
