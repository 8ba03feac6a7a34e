"""Who took part in a round: headers, pages, admissions, the frozen set and its endorsements."""

import hmac
from collections.abc import Iterable

from blindsum_auditor.amendments import RoundManifests
from blindsum_auditor.bound import bodies_of, check_bound
from blindsum_auditor.journal import Journal
from blindsum_auditor.records import RoundRecord
from blindsum_crypto.errors import Refused, Rejected
from blindsum_crypto.log.merkle import root
from blindsum_rules import transcript
from blindsum_rules.admission import Admission, HeaderPage
from blindsum_rules.amendment import REVOKED
from blindsum_rules.exception import NOT_IN_EXCEPTION
from blindsum_rules.freeze import Freeze, LeftOut, Member
from blindsum_rules.freeze_checks import check_freeze
from blindsum_rules.header_checks import check_core_header
from blindsum_rules.identifiers import check_sorted_distinct
from blindsum_rules.quorum import check_quorum
from blindsum_rules.round_quorums import check_acceptances, check_endorsements
from blindsum_rules.signed import Signed
from blindsum_rules.spec import Spec

_MOST_WORDS = 10
_WITH_PAIRS = "masking"
_DISPUTE = "pair-dispute"
_SEEN_BY_AGGREGATOR = frozenset({"not-admitted", "spool-damaged"})


class Membership:
    """The checks of one round's membership.

    Args:
        record: The round, its signatures verified save those of the contributions.
        spec: The round's spec.
        manifests: Which manifest each round is held to.
        journal: Where the findings are written.
    """

    def __init__(
        self, record: RoundRecord, spec: Signed[Spec], manifests: RoundManifests, journal: Journal
    ) -> None:
        self._record = record
        self._spec = spec
        self._manifest = manifests.of_round(record.number).body
        self._manifests = manifests
        self._journal = journal

    def check(self) -> None:
        """Check everything that says who took part, and write what came of it."""
        self._check_acceptances()
        self._check_contributions()
        self._check_pages()
        self._check_filed()
        self._check_admissions()
        self._check_freeze()
        self._check_endorsements()

    def _check_acceptances(self) -> None:
        record, spec = self._record, self._spec
        file = record.file(transcript.ACCEPTANCES)
        if not _was_open(record):
            with self._journal.checking("acceptances", file, "of this spec; it was never open"):
                check_bound(bodies_of(record.acceptances), spec)
                check_quorum(record.acceptances, self._manifest.custodian_keys, 0, "acceptances")
            return
        with self._journal.checking("acceptances", file, "a quorum accepted this very spec"):
            check_acceptances(record.acceptances, spec, self._manifest)

    def _check_contributions(self) -> None:
        record = self._record
        file = record.file(transcript.CONTRIBUTIONS)
        holds = f"{len(record.contributions)} signed by invited clients, for this round"
        with self._journal.checking("contributions", file, holds):
            clients = [one.body.core.client for one in record.contributions]
            check_sorted_distinct(clients, "contributions")
            for one in record.contributions:
                check_core_header(one, self._spec, self._manifest)

    def _check_pages(self) -> None:
        record = self._record
        holds = f"{len(record.pages)} in order, each contribution once"
        with self._journal.checking("pages", record.file(transcript.PAGES), holds):
            pages = bodies_of(record.pages)
            check_bound(pages, self._spec)
            numbers = [page.page for page in pages]
            if numbers != list(range(len(pages))):
                raise Rejected("page-number", f"expected pages from 0 on, got {numbers}")
            paged = [digest for page in pages for digest in page.contribution_digests]
            if len(set(paged)) != len(paged):
                raise Rejected("repeated-contribution", "expected every contribution on one page")

    def _check_filed(self) -> None:
        """Check that what pages and admissions speak of is filed: who lacks it is at fault."""
        record = self._record
        paged = {one for page in record.pages for one in page.body.contribution_digests}
        lacking = len(paged - {one.digest for one in record.contributions})
        holds = "every contribution that a page lists"
        with self._journal.checking("filed", record.file(transcript.CONTRIBUTIONS), holds):
            if lacking:
                raise Rejected("filed", f"expected {lacking} more that pages of the round list")
        answered = {one.body.page for one in record.admissions}
        missing = sorted(answered - {page.body.page for page in record.pages})
        holds = "every page that was answered"
        with self._journal.checking("filed", record.file(transcript.PAGES), holds):
            if missing:
                raise Rejected("filed", f"expected the pages {missing} too: they were answered")

    def _check_admissions(self) -> None:
        record = self._record
        denials = sum(len(one.body.denials) for one in record.admissions)
        holds = f"{len(record.admissions)} for pages of this round, {denials} denial(s)"
        with self._journal.checking("admissions", record.file(transcript.ADMISSIONS), holds):
            check_bound(bodies_of(record.admissions), self._spec)
            places = [(one.body.page, one.signer) for one in record.admissions]
            if places != sorted(set(places)):
                raise Rejected("admissions", "expected them by page, then custodian, each once")
            pages = {page.page: page for page in bodies_of(record.pages)}
            clients = {one.digest: one.body.core.client for one in record.contributions}
            for admission in bodies_of(record.admissions):
                _check_admission(admission, pages.get(admission.page), clients)

    def _check_freeze(self) -> None:
        record, freeze = self._record, self._record.freeze
        if freeze is None:
            return
        file = record.file(transcript.FREEZE)
        left_out = some(f"{one.client} ({one.rule})" for one in freeze.body.left_out)
        holds = f"{len(freeze.body.members)} members; left out: {left_out}"
        with self._journal.checking("freeze", file, holds):
            check_freeze(freeze, self._spec, self._manifest)
        self._check_everybody_named(freeze.body)
        self._check_reasons(freeze.body, file)
        holds = "every endorsing custodian admitted the whole set"
        with self._journal.checking("admitted", record.file(transcript.ADMISSIONS), holds):
            pages = bodies_of(record.pages)
            for endorsement in record.endorsements:
                mine = [one.body for one in record.admissions if one.signer == endorsement.signer]
                _check_admitted(endorsement.signer, freeze.body, pages, mine)

    def _check_everybody_named(self, freeze: Freeze) -> None:
        """Check that the freeze names every contribution, and that each of them is filed."""
        filed = {one.body.core.client: one.digest for one in self._record.contributions}
        named = {one.client: one.contribution_digest for one in _named(freeze)}
        with self._journal.checking(
            "contributions",
            self._record.file(transcript.CONTRIBUTIONS),
            "every contribution is in the set or left out by name, and the other way round",
        ):
            astray = sorted(
                client
                for client in filed.keys() | named.keys()
                if not hmac.compare_digest(filed.get(client, b""), named.get(client, b""))
            )
            if astray:
                raise Rejected(
                    "freeze-contributions",
                    f"expected the filed contributions and those that the freeze names to be the "
                    f"same, they differ for {some(astray)}",
                )

    def _check_reasons(self, freeze: Freeze, file: str) -> None:
        """Check that a rule by which somebody is left out was broken by somebody's word here.

        What the aggregator alone sees stays its own word: damage in its spool, and who had not
        answered when it froze, because an answer may come later and is filed as well.
        """
        admissions = bodies_of(self._record.admissions)
        if not admissions:
            return  # Where they have to be here, that they are not is a finding of its own.
        denied = {
            (denial.contribution_digest, denial.rule)
            for admission in admissions
            for denial in admission.denials
        }
        seen = _SEEN_BY_AGGREGATOR | ({_DISPUTE} if self._spec.body.seal == _WITH_PAIRS else set())
        excepted = {
            (one.contribution_digest, NOT_IN_EXCEPTION)
            for one in freeze.left_out
            if self._leaves_out(one.client)
        }
        explained = denied | excepted | self._revoked(freeze, file)
        invented = [
            f"{one.client} ({one.rule})"
            for one in freeze.left_out
            if one.rule not in seen and (one.contribution_digest, one.rule) not in explained
        ]
        holds = "every denial that it leaves somebody out for stands in an admission"
        with self._journal.checking("left-out", file, holds):
            if invented:
                raise Rejected(
                    "left-out-rule", f"expected a denial by that rule, got {some(invented)}"
                )

    def _leaves_out(self, client: str) -> bool:
        """Whether the round's exception, believed or not, names others and not this client."""
        exception = self._record.exception
        return exception is not None and client not in exception.body.clients

    def _revoked(self, freeze: Freeze, file: str) -> set[tuple[bytes, str]]:
        """Who is left out as revoked, as far as an amendment here says so, or a later one may.

        A revocation is heeded at once; the next spec carries it, and shows that it was one.
        """
        left_out = [one for one in freeze.left_out if one.rule == REVOKED]
        shown = self._manifests.newest.revoked
        open_ended = [one.client for one in left_out if one.client not in shown]
        if open_ended and not self._manifests.ended:
            why = f"a later spec must carry the amendment that revokes {some(open_ended)}"
            self._journal.not_checkable("left-out", file, why)
        return {
            (one.contribution_digest, REVOKED)
            for one in left_out
            if one.client in shown or not self._manifests.ended
        }

    def _check_endorsements(self) -> None:
        record, freeze = self._record, self._record.freeze
        file = record.file(transcript.ENDORSEMENTS)
        if freeze is None:
            return
        if record.is_published:
            with self._journal.checking("endorsements", file, "a quorum endorsed this freeze"):
                check_endorsements(record.endorsements, freeze.digest, self._spec, self._manifest)
            return
        with self._journal.checking("endorsements", file, "of this freeze alone"):
            check_bound(bodies_of(record.endorsements), self._spec)
            check_quorum(record.endorsements, self._manifest.custodian_keys, 0, "endorsements")
            for body in bodies_of(record.endorsements):
                if not hmac.compare_digest(body.freeze_digest, freeze.digest):
                    raise Rejected("wrong-freeze", "expected endorsements of the round's freeze")


def _was_open(record: RoundRecord) -> bool:
    """Whether anything happened that needs a quorum of acceptances first."""
    return record.is_published or bool(
        record.contributions or record.pages or record.freeze or record.endorsements
    )


def some(words: Iterable[str]) -> str:
    """The first ten words in a row, and how many more there are; a cohort may be very large."""
    listed = list(words)
    shown = ", ".join(listed[:_MOST_WORDS]) or "nobody"
    more = len(listed) - _MOST_WORDS
    return f"{shown} and {more} more" if more > 0 else shown


def _named(freeze: Freeze) -> Iterable[Member | LeftOut]:
    return (*freeze.members, *freeze.left_out)


def _check_admission(
    admission: Admission, page: HeaderPage | None, clients: dict[bytes, str]
) -> None:
    if page is None:
        raise Rejected("page-number", f"expected an admission of a page, got {admission.page}")
    if not hmac.compare_digest(admission.root, root(page.contribution_digests)):
        raise Rejected("admission-root", f"expected the root of page {page.page} as it is here")
    denied = [denial.contribution_digest for denial in admission.denials]
    places = {digest: place for place, digest in enumerate(page.contribution_digests)}
    order = [places.get(digest, -1) for digest in denied]
    if -1 in order or order != sorted(set(order)):
        raise Rejected("denials", "expected denials of contributions of the page, in its order")
    for denial in admission.denials:
        if clients.get(denial.contribution_digest) != denial.client:
            raise Rejected("denials", f"expected the client of the denied, got {denial.client!r}")


def _check_admitted(
    custodian: str, freeze: Freeze, pages: tuple[HeaderPage, ...], admissions: list[Admission]
) -> None:
    answered = {admission.page for admission in admissions}
    admitted = {
        digest for page in pages if page.page in answered for digest in page.contribution_digests
    } - {denial.contribution_digest for one in admissions for denial in one.denials}
    missing = [
        member.client for member in freeze.members if member.contribution_digest not in admitted
    ]
    if missing:
        raise Refused(
            "not-admitted", f"{custodian!r} endorsed and had not admitted {some(missing)}"
        )
