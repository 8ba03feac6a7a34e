"""Who may call while a study is amended: who joins waits, who is revoked is turned away."""

import threading
import time
from collections.abc import Sequence

import pytest
from tests.aggregator.amended import (
    NEW_CLIENT,
    NEW_CUSTODIAN,
    NEWCOMER,
    AmendedCast,
    amend,
    with_newcomer,
)
from tests.aggregator.cast import INITIAL, Cast
from tests.aggregator.server_thread import ServerThread
from tests.aggregator.wire import SECONDS, open_round, refused, status_of, submit, wait_for

from blindsum_aggregator.eras import Eras, callers_of
from blindsum_crypto.randomness import SystemRandomness
from blindsum_protos.convert.amendment import amendments_to_messages
from blindsum_protos.convert.signed import to_wire
from blindsum_protos.v1 import aggregator_pb2
from blindsum_rules.amended_manifest import AmendedManifest
from blindsum_rules.amendment import SignedAmendment
from blindsum_rules.model import encode_model
from blindsum_rules.requests import OperatorAction, OperatorRequest


@pytest.fixture
def changed(timely: Cast) -> AmendedCast:
    return amend(
        timely,
        joined=(NEWCOMER,),
        revoked=("client-0", "custodian-3"),
        committee=with_newcomer(timely),
    )


def hand_in(server: ServerThread, cast: Cast, amendments: Sequence[SignedAmendment]) -> str:
    request = OperatorRequest(
        study="heart",
        action=OperatorAction.AMEND_STUDY,
        round_number=0,
        reason="for the test",
        issued_unix=int(time.time()),
        nonce=SystemRandomness().bytes(16),
        manifest_digest=cast.signed_manifest.digest,
        amendment_digest=amendments[-1].digest,
    )
    submission = aggregator_pb2.OperatorSubmission(
        request=to_wire(cast.sign(request, "operator")),
        amendments=amendments_to_messages(amendments),
    )
    return str(server.caller("operator").unary("Operate", submission, SECONDS).text)


def ask(server: ServerThread, name: str, cast: Cast) -> aggregator_pb2.StudyStatus:
    request = aggregator_pb2.StatusRequest(study="heart")
    status: aggregator_pb2.StudyStatus = server.caller(name, cast=cast).unary(
        "GetStatus", request, SECONDS
    )
    return status


def test_who_is_named_by_a_pending_amendment_may_call_and_wait(
    server: ServerThread, timely: Cast, changed: AmendedCast
) -> None:
    assert refused(lambda: ask(server, NEW_CLIENT, changed)) == "unknown-caller"

    hand_in(server, timely, changed.amended.amendments)

    assert ask(server, NEW_CLIENT, changed).study == "heart"
    assert ask(server, NEW_CUSTODIAN, changed).study == "heart"
    digest = timely.manifest.initial_model_digest
    newcomer = server.caller(NEW_CLIENT, cast=changed)
    assert refused(lambda: newcomer.fetch_blob(digest)) == "not-enrolled"
    assert server.caller("client-1").fetch_blob(digest) == encode_model(INITIAL)


def test_who_is_revoked_is_turned_away_at_once_in_whatever_it_does(
    server: ServerThread, timely: Cast, changed: AmendedCast
) -> None:
    spec = open_round(server, timely)
    sent = timely.contribute(spec, "client-0")
    ended: list[str] = []
    duties = server.caller("custodian-3").attend(aggregator_pb2.Attendance(study="heart"))
    thread = threading.Thread(target=lambda: ended.append(refused(lambda: list(duties))))
    thread.start()
    wait_for(lambda: status_of(server), lambda status: "custodian-3" in status.attending)

    reply = hand_in(server, timely, changed.amended.amendments)

    assert reply.endswith("revoked from now on: client-0, custodian-3")
    assert refused(lambda: submit(server.caller("client-0"), sent)) == "revoked"
    assert refused(lambda: ask(server, "custodian-3", timely)) == "revoked"
    thread.join(SECONDS)
    assert ended == ["revoked"]


def test_the_status_tells_what_is_pending(
    server: ServerThread, timely: Cast, changed: AmendedCast
) -> None:
    hand_in(server, timely, changed.amended.amendments)

    (one,) = status_of(server).amendments

    assert (one.number, one.reason, one.in_force) == (1, "for the test", False)


def test_a_custodian_that_left_may_close_what_it_sat_in_however_many_rounds_were_opened_since(
    timely: Cast,
) -> None:
    changed = amend(timely, left=("client-0",), committee=with_newcomer(timely)).amended
    eras = Eras((0, 1), (AmendedManifest(timely.signed_manifest), changed), changed)
    seated = {one.name for one in changed.body.custodians}
    (left,) = {one.name for one in timely.manifest.custodians} - seated

    callers = callers_of(eras, 5, None)

    assert left in callers.custodian_keys
    assert seated < callers.custodian_keys.keys()
    assert "client-0" not in callers.parties
