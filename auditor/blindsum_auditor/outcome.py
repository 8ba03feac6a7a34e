"""How a round ended: its certificate or its abort, and the closes of the custodians who left it."""

import hmac
from collections.abc import Iterable, Sequence

from blindsum_auditor.bound import check_bound
from blindsum_auditor.journal import Journal
from blindsum_auditor.records import RoundRecord
from blindsum_crypto.errors import Refused, Rejected
from blindsum_rules import transcript
from blindsum_rules.certificate import Certificate
from blindsum_rules.close import Close
from blindsum_rules.manifest import Manifest
from blindsum_rules.outcome_checks import check_certificate
from blindsum_rules.round_quorums import check_closes
from blindsum_rules.signed import BodyT, Signed
from blindsum_rules.spec import Spec


def check_outcome(
    record: RoundRecord, spec: Signed[Spec], manifest: Manifest, journal: Journal
) -> None:
    """Check a round's certificate or abort, and its closes.

    Args:
        record: The round, its signatures verified.
        spec: The round's spec.
        manifest: The verified manifest.
        journal: Where the findings are written.
    """
    if {transcript.CERTIFICATE, transcript.ABORT} <= record.names:
        journal.failed(
            "outcome",
            record.file(transcript.ABORT),
            "outcome: expected a certificate or an abort, got both",
        )
    _check_certificate(record, spec, manifest, journal)
    _check_abort(record, spec, journal)
    _check_closes(record, spec, manifest, journal)


def _check_certificate(
    record: RoundRecord, spec: Signed[Spec], manifest: Manifest, journal: Journal
) -> None:
    certificate, freeze = record.certificate, record.freeze
    if certificate is None:
        return
    if transcript.FREEZE not in record.names:
        journal.failed(
            "files",
            record.file(transcript.FREEZE),
            "missing-file: expected the freeze that the certificate names",
        )
    file = record.file(transcript.CERTIFICATE)
    if freeze is None:
        journal.not_checkable(
            "certificate", file, f"rests on {record.file(transcript.FREEZE)}, not believed"
        )
    else:
        with journal.checking("certificate", file, "names the pieces that the sum rests on"):
            check_certificate(
                certificate, spec, record.acceptances, freeze, record.endorsements, manifest
            )
    _check_pieces(record, certificate.body, journal)


def _check_pieces(record: RoundRecord, body: Certificate, journal: Journal) -> None:
    """Check that the files hold what the certificate lists, neither less nor more."""
    frozen = () if record.freeze is None else (record.freeze,)
    exception = () if record.exception is None else (record.exception.operator,)
    exceptions = (body.exception_digest,) if body.exception_digest else ()
    # Acceptances of one spec are the same bytes under several signatures, so they share a digest;
    # the certificate lists it once, and the quorum is counted elsewhere.
    listed: tuple[tuple[str, Sequence[bytes], Sequence[bytes]], ...] = (
        (transcript.ACCEPTANCES, _distinct(record.acceptances), body.acceptance_digests),
        (transcript.CONTRIBUTIONS, _digests(record.contributions), body.contribution_digests),
        (transcript.PAGES, _digests(record.pages), body.page_digests),
        (transcript.ADMISSIONS, _digests(record.admissions), body.admission_digests),
        (transcript.FREEZE, _digests(frozen), (body.freeze_digest,)),
        (transcript.ENDORSEMENTS, _distinct(record.endorsements), body.endorsement_digests),
        (transcript.EXCEPTION, _digests(exception), exceptions),
    )
    for name, held, expected in listed:
        if name not in record.names and not expected:
            continue
        with journal.checking("listed", record.file(name), "what the certificate lists"):
            if tuple(held) != tuple(expected):
                raise Rejected(
                    "certificate-lists",
                    f"expected exactly the {len(expected)} digest(s) that the certificate lists",
                )


def _digests(signed_bodies: Iterable[Signed[BodyT]]) -> tuple[bytes, ...]:
    return tuple(signed.digest for signed in signed_bodies)


def _distinct(signed_bodies: Iterable[Signed[BodyT]]) -> tuple[bytes, ...]:
    return tuple(sorted(set(_digests(signed_bodies))))


def _check_abort(record: RoundRecord, spec: Signed[Spec], journal: Journal) -> None:
    if record.abort is None:
        return
    for name in (transcript.SEALED_SUM, transcript.AGGREGATE):
        if name in record.names and not record.is_published:
            journal.failed(
                "files", record.file(name), "unknown-file: expected none of an aborted round"
            )
    body = record.abort.body
    if body.freeze_digest and transcript.FREEZE not in record.names:
        journal.failed(
            "files",
            record.file(transcript.FREEZE),
            "missing-file: expected the freeze that the abort names",
        )
    holds = f"the round ended without an aggregate, by the rule {body.rule}"
    with journal.checking("abort", record.file(transcript.ABORT), holds):
        check_bound((body,), spec)
        named = body.freeze_digest
        if record.freeze is not None and not hmac.compare_digest(named, record.freeze.digest):
            raise Rejected("abort-freeze", "expected the freeze that the round came to")


def _check_closes(
    record: RoundRecord, spec: Signed[Spec], manifest: Manifest, journal: Journal
) -> None:
    if transcript.CLOSES not in record.names:
        return
    file = record.file(transcript.CLOSES)
    named = any(close.body.freeze_digest for close in record.closes)
    if named and transcript.FREEZE not in record.names:
        journal.failed(
            "files",
            record.file(transcript.FREEZE),
            "missing-file: expected the freeze that closes name",
        )
    with journal.checking("closes", file, "a quorum left the round, and said what it endorsed"):
        check_closes(record.closes, spec.body.round_number, manifest)
        endorsers = {endorsement.signer for endorsement in record.endorsements}
        for close in record.closes:
            _check_close(close, record, endorsed=close.signer in endorsers)


def _check_close(close: Signed[Close], record: RoundRecord, *, endorsed: bool) -> None:
    named = close.body.freeze_digest
    if not named:
        if endorsed:
            raise Refused(
                "close-denies-endorsement",
                f"evidence against {close.signer!r}: it endorsed a freeze and closed without it",
            )
    elif record.freeze is None or not hmac.compare_digest(named, record.freeze.digest):
        raise Refused(
            "freeze-in-closes", f"expected {close.signer!r} to name the freeze of the round"
        )
