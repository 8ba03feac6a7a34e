"""The exceptions that this custodian endorsed a freeze by: why two of its sums overlap."""

from sqlalchemy import Connection, insert, select

from blindsum_custodian.store.tables import EXCEPTIONS
from blindsum_protos.convert.exception import (
    signed_exception_from_bytes,
    signed_exception_to_bytes,
)
from blindsum_rules.exception import SignedException


def keep_exception(connection: Connection, exception: SignedException) -> None:
    """Remember an exception as used, in the decision that endorses by it; one a round at most."""
    body = exception.body
    connection.execute(
        insert(EXCEPTIONS).values(
            study=body.study,
            round_number=body.round_number,
            exception=signed_exception_to_bytes(exception),
        )
    )


def used_exception(connection: Connection, study: str, round_number: int) -> SignedException | None:
    """The exception by which the freeze of a round was endorsed here, or None."""
    query = select(EXCEPTIONS.c.exception).where(
        EXCEPTIONS.c.study == study, EXCEPTIONS.c.round_number == round_number
    )
    data = connection.execute(query).scalar_one_or_none()
    return None if data is None else signed_exception_from_bytes(data)
