"""Whether a custodian's answer is about this round: its spec, its page, its freeze, its parts."""

import hmac
from typing import Any

from sqlalchemy import Connection

from blindsum_aggregator.store.amendments import kept_handover
from blindsum_aggregator.store.contributions import count_members
from blindsum_aggregator.store.messages import (
    MessageKind,
    Place,
    message_digest,
    one_message,
)
from blindsum_aggregator.store.rounds import RoundRow
from blindsum_aggregator.study import Study
from blindsum_crypto.errors import Refused, Rejected
from blindsum_crypto.log.merkle import root
from blindsum_rules.acceptance import Acceptance
from blindsum_rules.admission import AGGREGATORS_REASONS, Admission, HeaderPage
from blindsum_rules.close import Close
from blindsum_rules.endorsement import Endorsement
from blindsum_rules.header import Contribution
from blindsum_rules.release import Release, check_page, release_pages
from blindsum_rules.signed import Signed
from blindsum_rules.spec import SpecKind


# Any: answers are of five kinds, told apart by their bodies.
def check_answer(study: Study, connection: Connection, row: RoundRow, answer: Signed[Any]) -> None:
    """Check an answer whose signature is verified against the round that it names.

    Raises:
        Refused: `study-ended`, for anything but the acceptance of an end spec.
        Rejected: `wrong-round`, when it names another spec; `wrong-manifest` or `handed-to`, for a
            close;
            `unknown-page`, `page-root`, `denials`; `wrong-freeze`, when it names another freeze;
            what `check_page` rejects of a release.
    """
    if row.kind is SpecKind.END and not isinstance(answer.body, Acceptance):
        raise Refused("study-ended", f"expected a round, {row.number} is the end of the study")
    if not isinstance(answer.body, Close) and not hmac.compare_digest(
        answer.body.round_id, row.round_id
    ):
        raise Rejected("wrong-round", "expected the id of this round")
    match answer.body:
        case Admission():
            _check_admission(study, connection, answer.body)
        case Endorsement():
            _check_freeze_digest(row, answer.body.freeze_digest)
        case Release():
            _check_freeze_digest(row, answer.body.freeze_digest)
            _check_release(study, connection, answer)
        case Close():
            _check_close(study, connection, row, answer.body)


# Any: answers are of five kinds, told apart by their bodies.
def page_exists(study: Study, connection: Connection, row: RoundRow, answer: Signed[Any]) -> bool:
    """Whether an answer is to a page that there is, or of a step that has no pages.

    The signer alone chooses the page's number. An admission's page was sent before; a release has
    the pages that its freeze makes, and its first one before there is a freeze.
    """
    match answer.body:
        case Admission():
            place = _page_place(study, answer.body)
            return message_digest(connection, place) is not None
        case Release(page=page):
            if page == 0 or not row.freeze_digest:
                return page == 0
            held, part_bytes = _released_by(study, connection, answer)
            return page < release_pages(len(held), part_bytes)
        case _:
            return True


def _page_place(study: Study, admission: Admission) -> Place:
    aggregator = study.manifest.aggregator.name
    number = admission.round_number
    return Place(study.name, number, MessageKind.PAGE, aggregator, admission.page)


def _check_admission(study: Study, connection: Connection, admission: Admission) -> None:
    number = admission.round_number
    page = one_message(connection, _page_place(study, admission), HeaderPage)
    if page is None:
        raise Rejected("unknown-page", f"expected a page that was sent, got {admission.page}")
    digests = page.body.contribution_digests
    if not hmac.compare_digest(admission.root, root(digests)):
        raise Rejected("page-root", f"expected the root over page {admission.page} as it was sent")
    positions = {digest: position for position, digest in enumerate(digests)}
    order = [positions.get(denial.contribution_digest, -1) for denial in admission.denials]
    if -1 in order or order != sorted(set(order)):
        raise Rejected("denials", "expected denials of contributions of the page, in its order")
    for denial in admission.denials:
        if denial.rule in AGGREGATORS_REASONS:
            raise Rejected("denials", f"expected a custodian's own reason, got {denial.rule!r}")
        place = study.place(number, MessageKind.CONTRIBUTION, denial.client)
        denied = one_message(connection, place, Contribution)
        if denied is None or not hmac.compare_digest(denied.digest, denial.contribution_digest):
            raise Rejected("denials", f"expected the client of the denied, got {denial.client!r}")


def _check_release(study: Study, connection: Connection, answer: Signed[Release]) -> None:
    check_page(answer.body, *_released_by(study, connection, answer))


def _released_by(
    study: Study, connection: Connection, answer: Signed[Release]
) -> tuple[tuple[int, ...], int]:
    """The parts that the signer holds, and the bytes of each for the frozen set."""
    number = answer.body.round_number
    manifest = study.manifest_of(connection, number)
    index = manifest.custodian_index(answer.signer)
    seal = study.seal(study.spec(connection, number))
    part_bytes = seal.part_bytes(count_members(connection, study.name, number))
    return manifest.committee.parts_of(index), part_bytes


def _check_close(study: Study, connection: Connection, row: RoundRow, close: Close) -> None:
    if not hmac.compare_digest(close.manifest_digest, study.signed_manifest.digest):
        raise Rejected("wrong-manifest", "expected a close of the study of this manifest")
    if close.freeze_digest:
        _check_freeze_digest(row, close.freeze_digest)
    decided = kept_handover(connection, study.name, row.number)
    if decided is None or not hmac.compare_digest(close.handed_to, decided):
        raise Rejected(
            "handed-to",
            f"expected a close of round {row.number} after its end, to the committee that follows",
        )


def _check_freeze_digest(row: RoundRow, named: bytes) -> None:
    if not row.freeze_digest or not hmac.compare_digest(named, row.freeze_digest):
        raise Rejected("wrong-freeze", f"expected the one freeze of round {row.number}")
