"""No differencing over the whole study, and the exceptions that were signed against it."""

from collections import defaultdict
from collections.abc import Mapping
from contextlib import suppress

from blindsum_auditor.journal import Journal
from blindsum_auditor.records import RoundRecord, TranscriptRecord
from blindsum_crypto.errors import BlindsumError, Refused
from blindsum_rules import transcript
from blindsum_rules.close import Close
from blindsum_rules.differencing import (
    EarlierFreeze,
    check_exception,
    check_no_differencing,
    counts_as_released,
)
from blindsum_rules.exception import DifferencingException
from blindsum_rules.freeze import Freeze
from blindsum_rules.manifest import Manifest
from blindsum_rules.round_quorums import check_closes
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
    verified = _verified_closes(record, manifest)
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
        closes = verified[one.number]
        if not counts_as_released(one.freeze.digest, closes, manifest.body.quorum):
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
                manifest.body.no_differencing,
                exception,
                one.number,
            )
        earlier.append(released)


def _verified_closes(
    record: TranscriptRecord, manifest: Signed[Manifest]
) -> Mapping[int, list[Signed[Close]]]:
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
