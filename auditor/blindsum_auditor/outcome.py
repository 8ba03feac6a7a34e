"""How a round ended: its certificate or its abort, and the closes of the custodians who left it."""

import hmac

from blindsum_auditor.bound import check_bound, digests_of, holds_all
from blindsum_auditor.journal import Journal
from blindsum_auditor.records import RoundRecord
from blindsum_crypto.errors import Refused, Rejected
from blindsum_rules import transcript
from blindsum_rules.amended_manifest import AmendedManifest
from blindsum_rules.certificate import Certificate
from blindsum_rules.close import Close
from blindsum_rules.manifest import Manifest
from blindsum_rules.outcome_checks import check_certificate
from blindsum_rules.round_quorums import check_closes
from blindsum_rules.signed import Signed
from blindsum_rules.spec import Spec

_Listed = tuple[str, tuple[bytes, ...], tuple[bytes, ...]]
"""A file's name, the digests of what it holds, the digests that the certificate lists."""


def check_outcome(
    record: RoundRecord, spec: Signed[Spec], manifest: AmendedManifest, journal: Journal
) -> None:
    """Check a round's certificate or abort, and its closes.

    Args:
        record: The round, its signatures verified.
        spec: The round's spec.
        manifest: The manifest that the round is held to.
        journal: Where the findings are written.
    """
    if {transcript.CERTIFICATE, transcript.ABORT} <= record.names:
        journal.failed(
            "outcome",
            record.file(transcript.ABORT),
            "outcome: expected a certificate or an abort, got both",
        )
    _expect_freeze(record, journal)
    _check_certificate(record, spec, manifest.body, journal)
    _check_abort(record, spec, journal)
    _check_closes(record, spec, manifest, journal)


def _expect_freeze(record: RoundRecord, journal: Journal) -> None:
    """Check that the freeze is there as soon as anybody's signature names one."""
    if transcript.FREEZE in record.names:
        return
    naming = {
        transcript.CERTIFICATE: record.certificate is not None,
        transcript.ABORT: record.abort is not None and bool(record.abort.body.freeze_digest),
        transcript.ENDORSEMENTS: bool(record.endorsements),
        transcript.CLOSES: any(close.body.freeze_digest for close in record.closes),
    }
    names = [name for name, names_it in naming.items() if names_it]
    if names:
        what = f"missing-file: expected the freeze that is named in {', '.join(names)}"
        journal.failed("files", record.file(transcript.FREEZE), what)


def _check_certificate(
    record: RoundRecord, spec: Signed[Spec], manifest: Manifest, journal: Journal
) -> None:
    certificate, freeze = record.certificate, record.freeze
    if certificate is None:
        return
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
    """Check that the files hold what the certificate lists.

    What the aggregator orders must be exactly that. Of what custodians send, more may have come
    after the certificate; it is signed by them and checked like the rest.
    """
    frozen = () if record.freeze is None else (record.freeze,)
    exception = () if record.exception is None else (record.exception.operator,)
    exceptions = (body.exception_digest,) if body.exception_digest else ()
    exact: tuple[_Listed, ...] = (
        (transcript.CONTRIBUTIONS, digests_of(record.contributions), body.contribution_digests),
        (transcript.PAGES, digests_of(record.pages), body.page_digests),
        (transcript.FREEZE, digests_of(frozen), (body.freeze_digest,)),
        (transcript.EXCEPTION, digests_of(exception), exceptions),
    )
    at_least: tuple[_Listed, ...] = (
        (transcript.ACCEPTANCES, digests_of(record.acceptances), body.acceptance_digests),
        (transcript.ADMISSIONS, digests_of(record.admissions), body.admission_digests),
        (transcript.ENDORSEMENTS, digests_of(record.endorsements), body.endorsement_digests),
    )
    whole = [(name, held == listed, listed) for name, held, listed in exact]
    whole += [(name, holds_all(held, listed), listed) for name, held, listed in at_least]
    for name, is_whole, listed in whole:
        if name not in record.names and not listed:
            continue
        with journal.checking("listed", record.file(name), "what the certificate lists"):
            if not is_whole:
                raise Rejected(
                    "certificate-lists",
                    f"expected the {len(listed)} digest(s) that the certificate lists",
                )


def _check_abort(record: RoundRecord, spec: Signed[Spec], journal: Journal) -> None:
    if record.abort is None:
        return
    for name in (transcript.SEALED_SUM, transcript.AGGREGATE):
        if name in record.names and not record.is_published:
            journal.failed(
                "files", record.file(name), "unknown-file: expected none of an aborted round"
            )
    body = record.abort.body
    holds = f"the round ended without an aggregate, by the rule {body.rule}"
    with journal.checking("abort", record.file(transcript.ABORT), holds):
        check_bound((body,), spec)
        named = body.freeze_digest
        if record.freeze is not None and not hmac.compare_digest(named, record.freeze.digest):
            raise Rejected("abort-freeze", "expected the freeze that the round came to")


def _check_closes(
    record: RoundRecord, spec: Signed[Spec], manifest: AmendedManifest, journal: Journal
) -> None:
    if transcript.CLOSES not in record.names:
        return
    file = record.file(transcript.CLOSES)
    with journal.checking("closes", file, "a quorum left the round, and said what it endorsed"):
        check_closes(record.closes, spec.body.round_number, manifest.body, manifest.digest)
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
