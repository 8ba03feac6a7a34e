"""No differencing over the whole study, and the exceptions that were signed against it."""

from blindsum_auditor.journal import Journal
from blindsum_auditor.records import RoundRecord, TranscriptRecord
from blindsum_auditor.released import Releases
from blindsum_crypto.errors import BlindsumError, Refused
from blindsum_rules import transcript
from blindsum_rules.differencing import (
    EarlierFreeze,
    check_exception,
    check_no_differencing,
    scope_of,
)
from blindsum_rules.exception import DifferencingException
from blindsum_rules.freeze import Freeze
from blindsum_rules.manifest import Manifest
from blindsum_rules.signed import Signed
from blindsum_rules.spec import Spec


def check_all_freezes(
    record: TranscriptRecord, manifest: Signed[Manifest], journal: Journal
) -> None:
    """Check every freeze against all earlier ones that count as released (threats T5).

    A freeze counts as released until a quorum closed its round without naming it, whatever the
    aggregator says that it did.

    Args:
        record: The transcript, its signatures verified.
        manifest: The verified manifest.
        journal: Where the findings are written.
    """
    earlier: list[EarlierFreeze] = []
    releases = Releases(record, manifest)
    for one in record.rounds:
        exception = _believed_exception(one, manifest, journal)
        if one.spec is None or one.freeze is None:
            continue
        released = EarlierFreeze(
            round_number=one.number,
            model_version=one.spec.body.model_version,
            freeze_digest=one.freeze.digest,
            clients=one.freeze.body.clients,
        )
        if not releases.count(one):
            journal.holds(
                "no-differencing",
                one.file(transcript.FREEZE),
                "a quorum left the round without this freeze: it was never released",
            )
            continue
        holds = f"no forbidden overlap with the {len(earlier)} freeze(s) released before it"
        with journal.checking("no-differencing", one.file(transcript.FREEZE), holds):
            check_no_differencing(
                released.clients,
                released.model_version,
                earlier,
                scope_of(manifest.body, released.model_version),
                exception,
                one.number,
            )
        earlier.append(released)


def _believed_exception(
    record: RoundRecord, manifest: Signed[Manifest], journal: Journal
) -> DifferencingException | None:
    signatures = record.exception
    if signatures is None:
        return None
    file = record.file(transcript.EXCEPTION)
    try:
        exception = check_exception(
            signatures.operator, signatures.officer, manifest.body, manifest.digest
        )
        _check_fits(exception, record.number, record.spec, record.freeze)
    except BlindsumError as error:
        journal.failed("exception", file, str(error))
        return None
    journal.holds("exception", file, "signed by operator and officer, for this very round and set")
    return exception


def _check_fits(
    exception: DifferencingException,
    number: int,
    spec: Signed[Spec] | None,
    freeze: Signed[Freeze] | None,
) -> None:
    if exception.round_number != number:
        raise Refused("exception-round", f"expected one of round {number}")
    if spec is not None and exception.model_version != spec.body.model_version:
        raise Refused("exception-version", f"expected version {spec.body.model_version}")
    if freeze is not None and frozenset(exception.clients) != freeze.body.clients:
        raise Refused("exception-clients", "expected the very set that was frozen")
