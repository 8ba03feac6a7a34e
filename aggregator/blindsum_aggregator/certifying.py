"""The certificate: what a published round rests on, fixed in the transaction that publishes it."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from blindsum_aggregator.exceptions import used_exception
from blindsum_aggregator.outcome import running_round, settle_closes
from blindsum_aggregator.store.contributions import receipted
from blindsum_aggregator.store.messages import MessageKind, add_message, messages_of
from blindsum_aggregator.store.rounds import RoundRow, move_round
from blindsum_aggregator.study import Study
from blindsum_rules.acceptance import Acceptance
from blindsum_rules.admission import Admission, HeaderPage
from blindsum_rules.certificate import Certificate
from blindsum_rules.endorsement import Endorsement
from blindsum_rules.release import Release
from blindsum_rules.signed import BodyT, Signed
from blindsum_rules.transitions import AggregatorEvent


@dataclass(frozen=True, slots=True)
class Published:
    """What came of an opening.

    Attributes:
        opened_by: Custodians whose parts opened the sum, ascending.
        disagreeing: Custodians whose parts differed, ascending.
        sealed_sum_root: Merkle root (RFC 6962) over the sealed sum's chunks.
        commitment: Commitment of the aggregate, which is kept as a blob already.
        next_version: Model version after this round.
        next_digest: Digest of the model after this round, which is kept as a blob already.
    """

    opened_by: tuple[str, ...]
    disagreeing: tuple[str, ...]
    sealed_sum_root: bytes
    commitment: bytes
    next_version: int
    next_digest: bytes


def certify(study: Study, connection: Connection, number: int, published: Published) -> None:
    """Sign the certificate and publish the round, unless the operator aborted it meanwhile."""
    row = running_round(study, connection, number)
    if row is None:
        return
    certificate = study.sign(_certificate(study, connection, row, published))
    add_message(connection, study.place(number, MessageKind.CERTIFICATE), certificate)
    row = move_round(
        connection,
        row,
        AggregatorEvent.PUBLISH,
        study.clock(),
        commitment=published.commitment,
        next_version=published.next_version,
        next_digest=published.next_digest,
    )
    settle_closes(study, connection, row)


def _certificate(
    study: Study, connection: Connection, row: RoundRow, published: Published
) -> Certificate:
    def kept(kind: MessageKind, body: type[BodyT]) -> list[Signed[BodyT]]:
        return messages_of(connection, study.name, row.number, kind, body)

    contributions = receipted(connection, study.name, row.number)
    # A release that came during the opening was not compared, so the certificate is silent on it.
    compared = {*published.opened_by, *published.disagreeing}
    releases = [one for one in kept(MessageKind.RELEASE, Release) if one.signer in compared]
    exception = used_exception(study, connection, row)
    return Certificate(
        study=study.name,
        round_number=row.number,
        round_id=row.round_id,
        acceptance_digests=_ascending(kept(MessageKind.ACCEPTANCE, Acceptance)),
        contribution_digests=tuple(one.digest for one in contributions),
        page_digests=_in_order(kept(MessageKind.PAGE, HeaderPage)),
        admission_digests=_in_order(kept(MessageKind.ADMISSION, Admission)),
        freeze_digest=row.freeze_digest,
        endorsement_digests=_ascending(kept(MessageKind.ENDORSEMENT, Endorsement)),
        exception_digest=b"" if exception is None else exception.digest,
        release_digests=_ascending(releases),
        sealed_sum_root=published.sealed_sum_root,
        aggregate_commitment=published.commitment,
        opened_by=published.opened_by,
        disagreeing=published.disagreeing,
    )


def _in_order(messages: Sequence[Signed[BodyT]]) -> tuple[bytes, ...]:
    return tuple(message.digest for message in messages)


def _ascending(messages: Sequence[Signed[BodyT]]) -> tuple[bytes, ...]:
    return tuple(sorted(message.digest for message in messages))
