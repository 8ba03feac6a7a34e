"""Flower's SecAgg+, run by the Python of Flower's own environment: it answers requests on a pipe.

Only what Flower makes public is called: `secaggplus_mod` is the client, the four stages of
`SecAggPlusWorkflow` are the server, and between them stands a grid that hands messages over in this
process. Each request is a line of JSON, and so is each answer; seconds are process time.

    {"prepare": "unmask", "nodes": 50, "values": 100000, "dropped": 15}
    {"largest_error": 2e-06}
    {"run": "unmask"}
    {"seconds": 12.1, "bytes": 0.0}

`share` is one client's share-keys stage, `mask` one client's stage that quantizes and masks a
vector (training left out), `unmask` the server's last stage, without the time of the clients in it.
Every node is a neighbour of every other, and more than two thirds of them rebuild a secret, as
Bonawitz et al. (CCS 2017) ask for against a server that lies; all else is Flower's default:
clipping range 8, quantization range 2^22, modulus 2^32.
"""

import copy
import gc
import json
import logging
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

import flwr.compat.common.recorddict_compat as compat
import numpy as np
import numpy.typing as npt
from flwr.app import Array, ArrayRecord, ConfigRecord, Context, Message, RecordDict
from flwr.client.mod import secaggplus_mod
from flwr.common import Code, FitIns, FitRes, Status, ndarrays_to_parameters, parameters_to_ndarrays
from flwr.common.secure_aggregation.secaggplus_constants import RECORD_KEY_CONFIGS, Key, Stage
from flwr.server import LegacyContext, SimpleClientManager
from flwr.server.compat.grid_client_proxy import GridClientProxy
from flwr.server.workflow import SecAggPlusWorkflow
from flwr.server.workflow.constant import MAIN_CONFIGS_RECORD, MAIN_PARAMS_RECORD
from flwr.server.workflow.constant import Key as WorkflowKey
from flwr.server.workflow.secure_aggregation.secaggplus_workflow import WorkflowState
from flwr.supercore.task_identity import TaskIdentity

_FIRST: Final = 1  # the node whose stages are timed; it stands below every other, as the id says
_RECORDS: Final = 800
_STAGE_OF: Final = {"share": Stage.SHARE_KEYS, "mask": Stage.COLLECT_MASKED_VECTORS}

# Any: Flower's messages and records; no types of it are here where this file is checked.
Replies = list[Any]


@dataclass(slots=True, eq=False)
class Town:
    """So many nodes, and the grid that a server reaches them by.

    Attributes:
        nodes: How many.
        dropped: How many of them are gone when the masked vectors are collected: the last ones.
        update: What every node trained, float32.
        last: The last stage that is played; only the first node does what it is timed for.
    """

    nodes: int
    dropped: int
    update: npt.NDArray[np.float32]
    last: str
    contexts: dict[int, Any] = field(init=False)
    before: dict[str, tuple[Any, Any]] = field(init=False, default_factory=dict)
    replies: Replies = field(init=False, default_factory=list)
    training_seconds: float = field(init=False, default=0.0)

    def __post_init__(self) -> None:
        """Every node begins without a state."""
        self.contexts = {node: _context(node) for node in self.ids}

    @property
    def ids(self) -> range:
        """The ids of all nodes."""
        return range(_FIRST, _FIRST + self.nodes)

    # The grid, as the server's stages call it.
    def send_and_receive(
        self, messages: Iterable[Any], *, timeout: float | None = None
    ) -> Iterable[Any]:
        """Hand messages to their nodes; who is gone does not answer."""
        del timeout
        self.replies = [self._reply(one) for one in messages if self._answers(one)]
        return self.replies

    def train(self, message: Any, context: Any) -> Any:  # noqa: ANN401
        """What stands behind the mod: a client that has its update ready."""
        del context
        began = time.process_time()
        trained = FitRes(
            status=Status(Code.OK, ""),
            parameters=ndarrays_to_parameters([self.update]),
            num_examples=_RECORDS,
            metrics={},
        )
        reply = Message(compat.fitres_to_recorddict(trained, keep_input=True), reply_to=message)
        self.training_seconds += time.process_time() - began
        return reply

    def _answers(self, message: Any) -> bool:  # noqa: ANN401
        stage, node = _stage(message), message.metadata.dst_node_id
        if stage == self.last != Stage.UNMASK:
            return bool(node == _FIRST)
        is_late = stage in {Stage.COLLECT_MASKED_VECTORS, Stage.UNMASK}
        return bool(node not in self.ids[self.nodes - self.dropped :] or not is_late)

    def _reply(self, message: Any) -> Any:  # noqa: ANN401
        # A copy: on a line every node reads bytes of its own, and the mod changes what it reads.
        own = copy.deepcopy(message)
        node = own.metadata.dst_node_id
        if node == _FIRST:
            self.before[_stage(own)] = copy.deepcopy((own, self.contexts[node]))
        return secaggplus_mod(own, self.contexts[node], self.train)


@dataclass(slots=True, eq=False)
class Round:
    """One round that was played up to what is timed.

    Attributes:
        town: The nodes.
        largest_error: How far the opened mean is from the true one; 0 where nothing was opened.
    """

    town: Town
    largest_error: float = field(init=False, default=0.0)
    workflow: Any = field(init=False)
    context: Any = field(init=False)
    collected: Any = field(init=False, default=None)

    def __post_init__(self) -> None:
        """Play the stages, and keep what the last of them began with."""
        town = self.town
        self.workflow = SecAggPlusWorkflow(
            num_shares=town.nodes, reconstruction_threshold=2 * town.nodes // 3 + 1
        )
        self.context = _server_context(town)
        state = WorkflowState()
        stages = {
            Stage.SETUP: self.workflow.setup_stage,
            Stage.SHARE_KEYS: self.workflow.share_keys_stage,
            Stage.COLLECT_MASKED_VECTORS: self.workflow.collect_masked_vectors_stage,
            Stage.UNMASK: self.workflow.unmask_stage,
        }
        for name, stage in stages.items():
            if name == Stage.UNMASK:
                self.collected = _copied(state)
            went_well = stage(town, self.context, state)
            if name == town.last:
                break
            if not went_well:
                raise RuntimeError(f"Flower stopped at stage {name}")
        if town.last == Stage.UNMASK:
            self.largest_error = self._error()

    def client_stage(self, stage: str) -> dict[str, float]:
        """One stage of the first node, once more."""
        message, context = copy.deepcopy(self.town.before[stage])
        self.town.training_seconds = 0.0
        gc.collect()
        began = time.process_time()
        reply = secaggplus_mod(message, context, self.town.train)
        seconds = time.process_time() - began - self.town.training_seconds
        configs = reply.content.config_records[RECORD_KEY_CONFIGS]
        sent = configs.get(Key.MASKED_PARAMETERS) or configs.get(Key.CIPHERTEXT_LIST) or []
        return {"seconds": seconds, "bytes": sum(map(len, sent))}

    def unmask(self) -> dict[str, float]:
        """The server's last stage once more; its clients' answers are there already."""
        state = _copied(self.collected)
        gc.collect()
        began = time.process_time()
        self.workflow.unmask_stage(_Answered(self.town.replies), self.context, state)
        return {"seconds": time.process_time() - began, "bytes": 0.0}

    def _error(self) -> float:
        opened = compat.arrayrecord_to_parameters(
            self.context.state.array_records[MAIN_PARAMS_RECORD], keep_input=True
        )
        (mean,) = parameters_to_ndarrays(opened)
        return float(np.abs(mean - self.town.update).max())


@dataclass(frozen=True, slots=True)
class _Answered:
    """A grid whose nodes answered before."""

    replies: Replies

    def send_and_receive(
        self, messages: Iterable[Any], *, timeout: float | None = None
    ) -> Iterable[Any]:
        """The same answers."""
        del messages, timeout
        return self.replies


@dataclass(frozen=True, slots=True)
class _Everybody:
    """The least strategy: everybody trains, and what was opened is the new model."""

    def configure_fit(self, number: int, parameters: Any, manager: Any) -> Replies:  # noqa: ANN401
        """Ask every node."""
        del number
        return [(proxy, FitIns(parameters, {})) for proxy in manager.all().values()]

    def aggregate_fit(self, number: int, results: Replies, failures: Replies) -> Any:  # noqa: ANN401
        """Every result stands for the opened mean."""
        del number, failures
        return results[0][1].parameters, {}


def _copied(state: Any) -> Any:  # noqa: ANN401
    """The server's state, with a copy of what its last stage takes apart."""
    copied = copy.copy(state)
    copied.nid_to_neighbours = copy.deepcopy(state.nid_to_neighbours)
    return copied


def _stage(message: Any) -> str:  # noqa: ANN401
    return str(message.content.config_records[RECORD_KEY_CONFIGS][Key.STAGE])


def _context(node: int) -> Any:  # noqa: ANN401
    return Context(run_id=1, node_id=node, node_config={}, state=RecordDict(), run_config={})


def _server_context(town: Town) -> Any:  # noqa: ANN401
    """A server that asks every node; the model that it sends out is all zeros."""
    everybody = SimpleClientManager()
    for node in town.ids:
        everybody.register(GridClientProxy(node, town, 1))
    model = [np.zeros_like(town.update)]
    context = LegacyContext(_context(0), strategy=_Everybody(), client_manager=everybody)
    context.state.config_records[MAIN_CONFIGS_RECORD] = ConfigRecord({WorkflowKey.CURRENT_ROUND: 1})
    arrays = {str(place): Array(one) for place, one in enumerate(model)}
    context.state.array_records[MAIN_PARAMS_RECORD] = ArrayRecord(arrays)
    return context


def _prepared(task: str, request: dict[str, Any]) -> Round:
    update = np.sin(np.arange(request["values"], dtype=np.float32))
    last = _STAGE_OF.get(task, Stage.UNMASK)
    return Round(Town(request["nodes"], request["dropped"], update, last))


def main() -> None:
    """Answer requests until there are no more."""
    answers, sys.stdout = sys.stdout, sys.stderr  # what Flower prints is no answer
    logging.getLogger("flwr").setLevel(logging.CRITICAL)
    # What Flower's own processes are told when they start.
    TaskIdentity.run_id, TaskIdentity.node_id, TaskIdentity.task_id = 1, 0, 1
    rounds: dict[str, Round] = {}
    for line in sys.stdin:
        request = json.loads(line)
        answer: dict[str, float]
        if "prepare" in request:
            task = request["prepare"]
            rounds[task] = _prepared(task, request)
            answer = {"largest_error": rounds[task].largest_error}
        elif request["run"] == "unmask":
            answer = rounds["unmask"].unmask()
        else:
            answer = rounds[request["run"]].client_stage(_STAGE_OF[request["run"]])
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
