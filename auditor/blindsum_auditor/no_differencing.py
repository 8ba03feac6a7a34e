"""No differencing over the whole study, and the exceptions that were signed against it."""

from collections.abc import Iterable

from blindsum_auditor.amendments import RoundManifests
from blindsum_auditor.exceptions import UsedException
from blindsum_auditor.journal import Journal
from blindsum_auditor.records import RoundRecord, TranscriptRecord
from blindsum_auditor.released import Releases
from blindsum_crypto.errors import BlindsumError
from blindsum_rules import transcript
from blindsum_rules.amended_manifest import AmendedManifest
from blindsum_rules.differencing import (
    EarlierFreeze,
    check_exception,
    check_exception_fits,
    check_no_differencing,
    matters,
    scope_of,
)
from blindsum_rules.exception import DifferencingException, SignedException, given_away
from blindsum_rules.manifest import Manifest


def check_all_freezes(
    record: TranscriptRecord, manifests: RoundManifests, journal: Journal
) -> tuple[UsedException, ...]:
    """Check every freeze against all earlier ones that count as released (threats T5).

    A freeze counts as released until a quorum closed its round without naming it, whatever the
    aggregator says that it did.

    Args:
        record: The transcript, its signatures verified.
        manifests: Which manifest each round is held to.
        journal: Where the findings are written.

    Returns:
        The exceptions that released freezes used, by ascending round.
    """
    used: list[UsedException] = []
    earlier: list[EarlierFreeze] = []
    releases = Releases(record, manifests)
    for one in record.rounds:
        manifest = manifests.of_round(one.number)
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
                None if exception is None else exception.body,
                one.number,
            )
        if exception is not None:
            used.append(_used(exception, released, earlier, manifest.body))
        earlier.append(released)
    return tuple(used)


def _used(
    exception: SignedException,
    released: EarlierFreeze,
    earlier: Iterable[EarlierFreeze],
    manifest: Manifest,
) -> UsedException:
    """What an exception was for, and what it gave away beside the sums before it."""
    scope = scope_of(manifest, released.model_version)
    overlapping = [
        one
        for one in earlier
        if matters(one.model_version, released.model_version, scope)
        and one.clients != released.clients
        and not one.clients.isdisjoint(released.clients)
    ]
    return UsedException(
        round_number=released.round_number,
        model_version=released.model_version,
        members=len(released.clients),
        operator=exception.operator.signer,
        officer="" if exception.officer is None else exception.officer.signer,
        reason=exception.body.reason,
        gives_away=tuple(
            f"beside the sum of round {one.round_number} it gives away "
            f"{given_away(released.clients, one.clients)}"
            for one in overlapping
        ),
    )


def _believed_exception(
    record: RoundRecord, manifest: AmendedManifest, journal: Journal
) -> SignedException | None:
    signed = record.exception
    if signed is None or signed.officer is None:
        return None
    file = record.file(transcript.EXCEPTION)
    try:
        check_exception(signed.operator, signed.officer, manifest.body, manifest.digest)
        _check_fits(signed.body, record)
    except BlindsumError as error:
        journal.failed("exception", file, str(error))
        return None
    journal.holds("exception", file, "signed by operator and officer, for this very round and set")
    return signed


def _check_fits(exception: DifferencingException, record: RoundRecord) -> None:
    """Check that it is for this very freeze, as far as spec and freeze are here to compare it."""
    spec, freeze = record.spec, record.freeze
    check_exception_fits(
        exception,
        record.number,
        exception.model_version if spec is None else spec.body.model_version,
        frozenset(exception.clients) if freeze is None else freeze.body.clients,
    )
