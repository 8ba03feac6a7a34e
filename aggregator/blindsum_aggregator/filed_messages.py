"""Which signed messages of an ended round are filed: those that stood when it ended.

A certificate lists what it rests on, so whatever arrived behind it stays out of the files.
"""

from typing import Any

from sqlalchemy import Connection

from blindsum_aggregator.exceptions import used_exception
from blindsum_aggregator.store.contributions import receipted
from blindsum_aggregator.store.messages import (
    MessageKind,
    find_message,
    message_position,
    messages_of,
    one_message,
)
from blindsum_aggregator.store.rounds import RoundRow
from blindsum_aggregator.study import Study
from blindsum_protos.convert.exception import signed_exception_to_bytes
from blindsum_protos.convert.signed import signed_list_to_bytes
from blindsum_rules import transcript
from blindsum_rules.acceptance import Acceptance
from blindsum_rules.admission import Admission, HeaderPage
from blindsum_rules.certificate import Certificate
from blindsum_rules.endorsement import Endorsement
from blindsum_rules.header import Contribution
from blindsum_rules.release import Release
from blindsum_rules.signed import Signed

# Any: the table's rows are of many kinds.
_LISTS: tuple[tuple[str, MessageKind, type[Any]], ...] = (
    (transcript.ACCEPTANCES, MessageKind.ACCEPTANCE, Acceptance),
    (transcript.PAGES, MessageKind.PAGE, HeaderPage),
    (transcript.ADMISSIONS, MessageKind.ADMISSION, Admission),
    (transcript.ENDORSEMENTS, MessageKind.ENDORSEMENT, Endorsement),
)


def outcome_files(study: Study, connection: Connection, row: RoundRow) -> dict[str, bytes]:
    """The files of signed messages of a published or aborted round, by name, closes excepted."""
    outcome = MessageKind.CERTIFICATE if row.is_published else MessageKind.ABORT
    end = message_position(connection, study.place(row.number, outcome))

    def kept(kind: MessageKind, body: type[Any]) -> list[Signed[Any]]:
        return messages_of(connection, study.name, row.number, kind, body, end)

    files = {name: signed_list_to_bytes(kept(kind, body)) for name, kind, body in _LISTS}
    clients = {one.client for one in receipted(connection, study.name, row.number)}
    contributions = kept(MessageKind.CONTRIBUTION, Contribution)
    files[transcript.CONTRIBUTIONS] = signed_list_to_bytes(
        one for one in contributions if one.signer in clients
    )
    if row.is_published:
        releases = _compared(study, connection, row, kept(MessageKind.RELEASE, Release))
        files[transcript.RELEASES] = signed_list_to_bytes(releases)
    single = {transcript.SPEC: MessageKind.SPEC, transcript.FREEZE: MessageKind.FREEZE}
    single[transcript.CERTIFICATE if row.is_published else transcript.ABORT] = outcome
    for name, kind in single.items():
        signed = find_message(connection, study.place(row.number, kind))
        if signed is not None:
            files[name] = signed
    exception = used_exception(study, connection, row)
    if exception is not None:
        files[transcript.EXCEPTION] = signed_exception_to_bytes(exception)
    return files


def _compared(
    study: Study, connection: Connection, row: RoundRow, releases: list[Signed[Release]]
) -> list[Signed[Release]]:
    """The releases that the opening compared; one that came during it is in no certificate."""
    place = study.place(row.number, MessageKind.CERTIFICATE)
    certificate = one_message(connection, place, Certificate)
    if certificate is None:
        return []
    names = {*certificate.body.opened_by, *certificate.body.disagreeing}
    return [release for release in releases if release.signer in names]
