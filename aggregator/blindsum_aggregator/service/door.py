"""The frame of every call: who calls, what may be refused, and never a traceback to the outside."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf.message import Message

from blindsum_aggregator.service.authentication import Authentication, Caller
from blindsum_aggregator.service.refusals import fail, refuse
from blindsum_aggregator.study import Study
from blindsum_crypto.errors import BlindsumError, Rejected
from blindsum_protos.calling import CALL_METADATA
from blindsum_protos.convert.strict import refuse_unknown_fields

Context = grpc.aio.ServicerContext[Any, Any]


@dataclass(slots=True)
class Visit:
    """One identified call.

    Attributes:
        study: The study that it is about.
        name: Who calls.
        about: Digest of the signed message that it carries, for a refusal of it.
    """

    study: Study
    name: str
    about: bytes = b""

    def check_study(self, named: str) -> None:
        """Check that the request is about the study that the call was signed for.

        Raises:
            Rejected: `wrong-study`.
        """
        if named != self.study.name:
            raise Rejected("wrong-study", f"expected {self.study.name!r}, the study of the call")


class Door:
    """Lets calls in to the studies of one aggregator."""

    def __init__(self, studies: Mapping[str, Study], authentication: Authentication) -> None:
        self._studies = studies
        self._authentication = authentication

    @asynccontextmanager
    async def visit(
        self, context: Context, method: str, request: Message | None = None
    ) -> AsyncIterator[Visit]:
        """Identify a caller and turn what is raised inside into a refusal.

        Args:
            context: The call.
            method: Its name in the service.
            request: Its request message, unless it is a stream.
        """
        caller = await self._identify(context, method)
        visit = Visit(caller.study, caller.name)
        try:
            if request is not None:
                refuse_unknown_fields(request)
            yield visit
        except BlindsumError as error:
            await refuse(context, error, visit.study, visit.about)
        except grpc.aio.BaseError:
            raise
        except Exception:  # noqa: BLE001 - whatever it is, the outside must not read it
            await fail(context, visit.study, method)

    async def _identify(self, context: Context, method: str) -> Caller:
        metadata = _call_metadata(context)
        try:
            return self._authentication.identify(metadata, method)
        except BlindsumError as error:
            # A stranger gets a signed word as well: the one who is refused may be a good client
            # with a wrong clock.
            study = self._authentication.study_named(metadata)
            await refuse(context, error, study, is_stranger=True)
            raise


def _call_metadata(context: Context) -> bytes | None:
    for key, value in context.invocation_metadata() or ():
        if key == CALL_METADATA and isinstance(value, bytes):
            return value
    return None
