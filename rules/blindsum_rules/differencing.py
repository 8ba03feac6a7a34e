"""No differencing: two sums of overlapping sets under one model would give one update away."""

import hmac
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from blindsum_crypto.errors import Refused, Rejected
from blindsum_rules.close import Close
from blindsum_rules.exception import DifferencingException
from blindsum_rules.identifiers import check_sorted_distinct
from blindsum_rules.manifest import DifferencingScope, Manifest, StudyKind
from blindsum_rules.roster import enrolled_client, organisations_of
from blindsum_rules.signed import Signed, verify


@dataclass(frozen=True, slots=True)
class EarlierFreeze:
    """A freeze that counts as released.

    Attributes:
        round_number: Its round.
        model_version: The version that its clients trained from.
        freeze_digest: Digest of the signed freeze, 32 bytes.
        clients: The client ids of its set U.
    """

    round_number: int
    model_version: int
    freeze_digest: bytes
    clients: frozenset[str]


def counts_as_released(freeze_digest: bytes, closes: Sequence[Signed[Close]], quorum: int) -> bool:
    """Say whether a freeze may have been released, whatever the aggregator says it did.

    It counts until >= quorum custodians closed its round without naming it: then fewer than a
    quorum can have endorsed it, and none of those will any more (docs/specification.md, step 9).

    Args:
        freeze_digest: Digest of the freeze, 32 bytes.
        closes: Verified closes of the freeze's own round, of any custodians.
        quorum: The committee's quorum.
    """
    naming = {
        close.signer
        for close in closes
        if hmac.compare_digest(close.body.freeze_digest, freeze_digest)
    }
    # Who named it once, named it: a custodian that signs two closes does not clear a freeze.
    silent = {close.signer for close in closes} - naming
    return len(silent) < quorum


def scope_of(manifest: Manifest, model_version: int) -> DifferencingScope | frozenset[int]:
    """Which versions' freezes a set of this version must equal or avoid.

    Two rounds of statistics count as one version whenever the windows of their queries overlap,
    whatever is asked: a window shifted by a day, or one column more, over one client fewer would
    give that client away just as the same query would (threat T5a).

    Args:
        manifest: The study.
        model_version: The version of the set.

    Returns:
        The study's own scope; or, of statistics with the scope `version`, the versions whose
        windows overlap with this one's, itself among them.
    """
    scope, queries = manifest.no_differencing, manifest.queries
    of_statistics = manifest.kind is StudyKind.STATISTIC and model_version < len(queries)
    if scope is DifferencingScope.STUDY or not of_statistics:
        return scope
    asked = queries[model_version]
    return frozenset(version for version, one in enumerate(queries) if one.overlaps(asked))


def matters(
    earlier_version: int, model_version: int, scope: DifferencingScope | frozenset[int]
) -> bool:
    """Say whether freezes of an earlier version bind a set of this one, under a scope."""
    if isinstance(scope, frozenset):
        return earlier_version in scope
    return scope is DifferencingScope.STUDY or earlier_version == model_version


def check_no_differencing(
    clients: frozenset[str],
    model_version: int,
    earlier: Iterable[EarlierFreeze],
    scope: DifferencingScope | frozenset[int],
    exception: DifferencingException | None,
    round_number: int,
) -> None:
    """Check that a set equals, or is disjoint from, every earlier one in scope (threats T5).

    Args:
        clients: The client ids of U.
        model_version: The version that they trained from.
        earlier: The freezes of other rounds that count as released.
        scope: What `scope_of` says. `version`: only freezes of the same version matter; `study`:
            all do; a set: those of the versions in it.
        exception: What `check_exception` returned, or None.
        round_number: The round of U.

    Raises:
        Refused: `no-differencing`, naming the earlier round, when the sets overlap without being
            equal and no exception is for this very round, version and set.
    """
    for freeze in earlier:
        apart = freeze.clients == clients or freeze.clients.isdisjoint(clients)
        if apart or not matters(freeze.model_version, model_version, scope):
            continue
        if exception is not None and not _misfit(exception, round_number, model_version, clients):
            continue
        raise Refused(
            "no-differencing",
            f"expected a set equal to or disjoint from the freeze of round {freeze.round_number} "
            f"(model version {freeze.model_version}), got an overlap of "
            f"{len(freeze.clients & clients)} client(s)",
        )


def check_exception_fits(
    exception: DifferencingException,
    round_number: int,
    model_version: int,
    clients: frozenset[str],
) -> None:
    """Check that an exception is for this very freeze: it names one round, and so is used once.

    Args:
        exception: What `check_exception` returned.
        round_number: The round of U.
        model_version: The version that its clients trained from.
        clients: The client ids of U.

    Raises:
        Refused: `exception-round`, `exception-version`, `exception-clients`, when it is for
            another one.
    """
    refusal = _misfit(exception, round_number, model_version, clients)
    if refusal is not None:
        raise refusal


def _misfit(
    exception: DifferencingException,
    round_number: int,
    model_version: int,
    clients: frozenset[str],
) -> Refused | None:
    if exception.round_number != round_number:
        return Refused(
            "exception-round",
            f"expected one for round {round_number}, got one for {exception.round_number}",
        )
    if exception.model_version != model_version:
        return Refused(
            "exception-version",
            f"expected one for model version {model_version}, got one for "
            f"{exception.model_version}",
        )
    if frozenset(exception.clients) != clients:
        return Refused(
            "exception-clients", "expected the very set that was frozen, no client more or less"
        )
    return None


def check_exception(
    operator: Signed[DifferencingException],
    officer: Signed[DifferencingException],
    manifest: Manifest,
    manifest_digest: bytes,
) -> DifferencingException:
    """Check an exception by two hands; it is used up by its one round.

    Args:
        operator: The exception as the operator signed it.
        officer: The same words as the privacy officer signed them.
        manifest: The study's verified manifest.
        manifest_digest: Its digest, 32 bytes: the exception names it.

    Returns:
        The exception, now believed; `check_exception_fits` says whether it is for a freeze.

    Raises:
        Refused: what `check_exception_words` refuses.
        Rejected: `unknown-signer`, `bad-signature`; `exception-bodies`, when the two signed
            different words; and what `check_exception_words` rejects.
    """
    if manifest.officer is None:
        raise Refused(
            "exception-without-officer", "expected a study with a privacy officer to sign it"
        )
    verify(operator, manifest.operator_key)
    verify(officer, manifest.officer_key)
    if not operator.same_body(officer):
        raise Rejected("exception-bodies", "expected operator and officer to sign the same bytes")
    check_exception_words(operator.body, manifest, manifest_digest)
    return operator.body


def check_exception_words(
    exception: DifferencingException, manifest: Manifest, manifest_digest: bytes
) -> None:
    """Check what an exception says, whoever signed it so far: it lifts no floor of the study.

    Args:
        exception: As parsed.
        manifest: The study's verified manifest.
        manifest_digest: Its digest, 32 bytes.

    Raises:
        Refused: `exception-without-officer`, when the study has no privacy officer; `min-cohort`,
            `min-organisations`, when a sum over these clients could not be released at all.
        Rejected: `exception-study`, when it is another study's; `unknown-client`,
            `sorted-distinct`.
    """
    if manifest.officer is None:
        raise Refused(
            "exception-without-officer", "expected a study with a privacy officer to sign it"
        )
    same_manifest = hmac.compare_digest(exception.manifest_digest, manifest_digest)
    if exception.study != manifest.study or not same_manifest:
        raise Rejected("exception-study", f"expected this study, {manifest.study!r}")
    check_sorted_distinct(exception.clients, "exception")
    for client in exception.clients:
        if enrolled_client(manifest, client) is None:
            raise Rejected("unknown-client", f"expected clients of the roster, got {client!r}")
    if len(exception.clients) < manifest.min_cohort:
        raise Refused(
            "min-cohort",
            f"expected an exception for at least {manifest.min_cohort} clients, got "
            f"{len(exception.clients)}",
        )
    organisations = len(organisations_of(manifest, exception.clients))
    if organisations < manifest.min_organisations:
        raise Refused(
            "min-organisations",
            f"expected an exception for clients of at least {manifest.min_organisations} "
            f"organisations, got {organisations}",
        )
