"""The service as gRPC knows it: the calls of all roles in one object, every one behind the door."""

from collections.abc import Callable, Mapping

from blindsum_aggregator.receiving import UploadDesk
from blindsum_aggregator.service.authentication import Authentication
from blindsum_aggregator.service.clients import ClientCalls
from blindsum_aggregator.service.custodians import CustodianCalls
from blindsum_aggregator.service.door import Door
from blindsum_aggregator.service.operator import OperatorCalls
from blindsum_aggregator.settings import AggregatorSettings
from blindsum_aggregator.study import Study
from blindsum_protos.v1.aggregator_pb2_grpc import AggregatorServicer


class Servicer(ClientCalls, CustodianCalls, OperatorCalls, AggregatorServicer):
    """Every call of the service."""

    def __init__(
        self,
        studies: Mapping[str, Study],
        settings: AggregatorSettings,
        clock: Callable[[], float],
    ) -> None:
        door = Door(studies, Authentication(studies, clock))
        # The other half is for those who act: uploads, and custodians above all.
        most_waiting = max(1, settings.max_concurrent_calls // 2)
        ClientCalls.__init__(self, door, UploadDesk(settings), most_waiting)
