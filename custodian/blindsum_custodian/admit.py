"""Step 4: a custodian admits or denies the contributions on one page of headers.

It checks what each client signed and whether its own seeds fit the commitments, and keeps the
wraps. It never sees a sealed vector.
"""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from blindsum_crypto.errors import Refused, Rejected
from blindsum_crypto.log.merkle import root
from blindsum_custodian.judging import NOTHING_WRONG, Judge
from blindsum_custodian.seat import Seat
from blindsum_custodian.standing import stand_in_round
from blindsum_custodian.store.answers import Step, find_answer, keep_answer, next_page
from blindsum_custodian.store.pages import (
    KeptHeader,
    fix_page,
    fixed_page,
    keep_headers,
    kept_clients,
)
from blindsum_rules.admission import Admission, Denial, HeaderPage
from blindsum_rules.header import Contribution, wrap_digest
from blindsum_rules.signed import Signed, verify
from blindsum_rules.spec import Spec
from blindsum_rules.transitions import CustodianState

_SIGNATURE_RULES: Final = frozenset({"unknown-signer", "bad-signature"})
"""Rules of `verify` that a header breaks only on its way from the aggregator."""


@dataclass(frozen=True, slots=True)
class HeaderEntry:
    """One client's signed contribution header and this custodian's own wrap of its seeds."""

    contribution: Signed[Contribution]
    wrap: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class AdmitDuty:
    """The aggregator shows one page of headers, fixed by its signature.

    Attributes:
        page: The signed page: digests in order.
        entries: What the digests stand for, in the same order.
    """

    page: Signed[HeaderPage]
    entries: tuple[HeaderEntry, ...]


def admit(seat: Seat, duty: AdmitDuty) -> tuple[Signed[Any], ...]:
    """Admit everybody on a page whose seeds this custodian holds, and deny the others by rule.

    What is the aggregator's fault is no client's: a header that its client did not sign, or a wrap
    that is not the one that the client signed for, makes the page be rejected as a whole, and it
    may come again with the true one (threat T31).

    Returns:
        The signed admission; for a page that was answered before, the stored one.

    Raises:
        Refused: `unknown-round`, `study-ended`, `round-closed`, `round-missed`; `round-frozen`,
            when this custodian endorsed a freeze already; `second-page`, when page n is another
            than before; `page-gap`, when the page before was not answered; `epoch-key`.
        Rejected: `unknown-signer`, `bad-signature`, `wrong-study`, `wrong-round`; `page-entries`,
            when the entries are not those of the page; `wrap-digest-mismatch`;
            `contribution-signature`, when a header is not signed by the client that it names.
    """
    page = verify(duty.page, seat.manifest.body.aggregator_key)
    if page.body.study != seat.study:
        raise Rejected("wrong-study", f"expected {seat.study!r}, got {page.body.study!r}")
    answered = _answered(seat, page)
    if answered is not None:
        return (answered,)
    seat.check_key()  # without it no wrap opens, which is no client's fault
    spec = _admitting_round(seat, page)
    try:
        _check_delivered(seat, duty)
        judged = _judge_page(seat, spec, duty.entries)
    except Rejected:
        with seat.store.decision() as connection:
            fix_page(connection, page)  # it may come again, but only as it is
        raise
    return (_keep(seat, page, *judged),)


def _answered(seat: Seat, page: Signed[HeaderPage]) -> Signed[Admission] | None:
    """The stored answer to this very page, or None when it was not answered yet."""
    number, index = page.body.round_number, page.body.page
    with seat.store.reading() as connection:
        fixed = fixed_page(connection, seat.study, number, index)
        answered = find_answer(connection, seat.place(number, Step.ADMIT, index), Admission)
    if fixed is not None and not hmac.compare_digest(fixed, page.digest):
        refusal = Refused("second-page", f"expected the one page {index} of round {number}")
        seat.refuse_with_evidence(number, page, refusal)
    return answered


def _admitting_round(seat: Seat, page: Signed[HeaderPage]) -> Signed[Spec]:
    number = page.body.round_number
    with seat.store.reading() as connection:
        standing = stand_in_round(connection, seat, number)
        following = next_page(connection, seat.study, number, Step.ADMIT)
    if not hmac.compare_digest(page.body.round_id, standing.spec.digest):
        raise Rejected("wrong-round", "HeaderPage: expected the id of this round")
    if standing.state is not CustodianState.ACCEPTED:
        raise Refused("round-frozen", f"expected no page after the freeze of round {number}")
    if page.body.page != following:
        raise Refused("page-gap", f"expected page {following}, got {page.body.page}")
    return standing.spec


def _check_delivered(seat: Seat, duty: AdmitDuty) -> None:
    """Check that the aggregator delivered what page and clients signed, before judging anybody."""
    expected = b"".join(duty.page.body.contribution_digests)
    delivered = b"".join(entry.contribution.digest for entry in duty.entries)
    if not hmac.compare_digest(expected, delivered):
        raise Rejected("page-entries", "expected the contributions whose digests stand on the page")
    index = seat.index
    for entry in duty.entries:
        signed = entry.contribution.body.wrap_digests
        # A header with too few wraps is its client's fault, and is denied later.
        if index >= len(signed):
            continue
        if not hmac.compare_digest(wrap_digest(entry.wrap), signed[index]):
            raise Rejected(
                "wrap-digest-mismatch",
                f"expected the wrap that {entry.contribution.body.core.client!r} signed for",
            )


def _judge_page(
    seat: Seat, spec: Signed[Spec], entries: Sequence[HeaderEntry]
) -> tuple[list[KeptHeader], list[Denial]]:
    """Whose headers are kept, with or without their wraps, and who is denied, in page order.

    A signature is in no digest of the page, so the aggregator can exchange it on the way. It
    verified the signature before it gave a receipt and made the page, so one that does not hold is
    its own doing, and denies nobody.

    Raises:
        Rejected: `contribution-signature`.
    """
    clients = [entry.contribution.body.core.client for entry in entries]
    with seat.store.reading() as connection:
        seen = set(kept_clients(connection, seat.study, spec.body.round_number, clients))
    shown = [(entry.contribution, entry.wrap) for entry in entries]
    findings = Judge.of(seat, spec).find_all(shown, seat.threads)
    headers: list[KeptHeader] = []
    denials: list[Denial] = []
    for client, entry, finding in zip(clients, entries, findings, strict=True):
        contribution_digest = entry.contribution.digest
        rule = finding.header_rule or ("repeated-client" if client in seen else NOTHING_WRONG)
        if rule in _SIGNATURE_RULES:
            raise Rejected("contribution-signature", f"expected a header that {client!r} signed")
        denied_by = rule or finding.seeds_rule
        if denied_by:
            denials.append(Denial(client, contribution_digest, denied_by))
        if rule:
            continue
        # This header is the client's own word: also when its seeds do not fit, it has no second.
        seen.add(client)
        wrap = None if denied_by else entry.wrap
        headers.append(KeptHeader(client, contribution_digest, finding.core_digest, wrap))
    return headers, denials


def _keep(
    seat: Seat, page: Signed[HeaderPage], headers: Sequence[KeptHeader], denials: Sequence[Denial]
) -> Signed[Admission]:
    body = page.body
    admission = seat.sign(
        Admission(
            study=body.study,
            round_number=body.round_number,
            round_id=body.round_id,
            page=body.page,
            root=root(body.contribution_digests),
            denials=tuple(denials),
            custodian=seat.name,
        )
    )
    with seat.store.decision() as connection:
        stand_in_round(connection, seat, body.round_number)  # no wrap is kept behind a close
        fix_page(connection, page)
        keep_headers(connection, seat.study, body.round_number, headers)
        keep_answer(connection, seat.place(body.round_number, Step.ADMIT, body.page), admission)
    return admission
