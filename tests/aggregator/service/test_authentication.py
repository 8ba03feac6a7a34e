"""Who may call what: every failure by its name, and a table that denies by default (T26)."""

# ruff: noqa: ANN401

from dataclasses import replace
from typing import Any

import pytest
from tests.aggregator.cast import NOW, Cast
from tests.aggregator.stage import Stage

from blindsum_aggregator.service.authentication import EVERYBODY, ROLES, Authentication
from blindsum_crypto.errors import BlindsumError
from blindsum_protos.calling import SERVICE
from blindsum_protos.convert.signed import sign, signed_to_bytes
from blindsum_protos.v1 import aggregator_pb2
from blindsum_rules.party import Role
from blindsum_rules.requests import Call

ONE_OF_EACH = {
    "operator": Role.OPERATOR,
    "client-0": Role.CLIENT,
    "custodian-0": Role.CUSTODIAN,
}
METHODS = [
    method.name for method in aggregator_pb2.DESCRIPTOR.services_by_name["Aggregator"].methods
]


class Bell:
    """Somebody at the door."""

    def __init__(self, cast: Cast, stage: Stage) -> None:
        self.cast, self.clock = cast, stage.clock
        self.authentication = Authentication({"heart": stage.study}, stage.clock)
        self.calls = 0

    def call(self, signer: str = "client-0", method: str = "NextRound", **changes: Any) -> bytes:
        self.calls += 1
        nonce = self.calls.to_bytes(16, "big")
        call = Call("heart", "aggregator", SERVICE + method, int(self.clock()), nonce)
        return signed_to_bytes(self.cast.sign(replace(call, **changes), signer))

    def refused(self, metadata: bytes | None, method: str = "NextRound") -> str:
        with pytest.raises(BlindsumError) as caught:
            self.authentication.identify(metadata, method)
        return caught.value.rule


@pytest.fixture
def bell(cast: Cast, stage: Stage) -> Bell:
    return Bell(cast, stage)


def test_a_signed_call_says_who_and_in_which_role(bell: Bell) -> None:
    for name, role in ONE_OF_EACH.items():
        caller = bell.authentication.identify(bell.call(name, "GetStatus"), "GetStatus")

        assert (caller.name, caller.role, caller.study.name) == (name, role, "heart")


def test_every_method_of_the_service_stands_in_the_table() -> None:
    assert set(ROLES) == set(METHODS)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", list(ONE_OF_EACH))
def test_a_role_may_call_what_the_table_says_and_nothing_else(
    bell: Bell, name: str, method: str
) -> None:
    metadata = bell.call(name, method)

    if ONE_OF_EACH[name] in ROLES[method]:
        assert bell.authentication.identify(metadata, method).name == name
    else:
        assert bell.refused(metadata, method) == "role-not-allowed"


def test_models_and_aggregates_are_for_clients_alone() -> None:
    assert ROLES["FetchBlob"] == {Role.CLIENT}
    assert Role.AGGREGATOR not in EVERYBODY


def test_a_method_that_no_table_names_is_nobody_s(bell: Bell) -> None:
    assert bell.refused(bell.call(method="Reveal"), "Reveal") == "role-not-allowed"


def test_an_unsigned_call_is_refused(bell: Bell) -> None:
    assert bell.refused(None) == "call-unsigned"


def test_bytes_that_are_no_call_are_refused(bell: Bell) -> None:
    assert bell.refused(b"\x00\x01") == "malformed-message"


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"study": "lung"}, "unknown-study"),
        ({"aggregator": "another"}, "call-aggregator"),
        ({"method": "GetOutcome"}, "call-method"),
        ({"issued_unix": NOW - 301}, "call-time"),
        ({"issued_unix": NOW + 301}, "call-time"),
    ],
)
def test_a_call_made_for_something_else_is_refused(
    bell: Bell, changes: dict[str, Any], rule: str
) -> None:
    assert bell.refused(bell.call(**changes)) == rule


@pytest.mark.parametrize("seconds", [-300, 300])
def test_clocks_may_differ_by_five_minutes(bell: Bell, seconds: int) -> None:
    metadata = bell.call(issued_unix=NOW + seconds)

    assert bell.authentication.identify(metadata, "NextRound").name == "client-0"


def test_who_is_not_in_the_manifest_is_unknown(bell: Bell, cast: Cast) -> None:
    call = Call("heart", "aggregator", SERVICE + "NextRound", NOW, bytes(16))
    stranger = sign(call, "stranger", cast.identities["client-0"])

    assert bell.refused(signed_to_bytes(stranger)) == "unknown-caller"


def test_another_s_name_needs_another_s_key(bell: Bell, cast: Cast) -> None:
    call = Call("heart", "aggregator", SERVICE + "NextRound", NOW, bytes(16))
    posing = sign(call, "client-1", cast.identities["client-0"])

    assert bell.refused(signed_to_bytes(posing)) == "bad-signature"


def test_one_flipped_bit_anywhere_is_refused(bell: Bell) -> None:
    metadata = bell.call()
    for position in range(len(metadata)):
        flipped = bytearray(metadata)
        flipped[position] ^= 1

        with pytest.raises(BlindsumError):
            bell.authentication.identify(bytes(flipped), "NextRound")


def test_a_call_is_good_once(bell: Bell) -> None:
    metadata = bell.call()
    bell.authentication.identify(metadata, "NextRound")

    assert bell.refused(metadata) == "call-repeated"


def test_a_call_from_the_future_is_good_once_for_as_long_as_it_is_good(bell: Bell) -> None:
    metadata = bell.call(issued_unix=NOW + 300)
    bell.authentication.identify(metadata, "NextRound")
    bell.clock.turn(599)
    bell.authentication.identify(bell.call(), "NextRound")

    assert bell.refused(metadata) == "call-repeated"


def test_a_refused_call_uses_up_no_nonce(bell: Bell) -> None:
    metadata = bell.call("custodian-0", "Attend")
    assert bell.refused(metadata, "Answer") == "call-method"

    assert bell.authentication.identify(metadata, "Attend").name == "custodian-0"


def test_nonces_are_bounded_and_none_is_forgotten_early(
    bell: Bell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("blindsum_aggregator.service.authentication._MOST_NONCES", 10)
    first = bell.call()
    bell.authentication.identify(first, "NextRound")
    for _ in range(9):
        bell.authentication.identify(bell.call(), "NextRound")

    assert bell.refused(bell.call()) == "too-many-calls"
    assert bell.refused(first) == "call-repeated"
    assert bell.authentication.identify(bell.call("client-1"), "NextRound").name == "client-1"
    bell.clock.turn(301)
    assert bell.authentication.identify(bell.call(), "NextRound").name == "client-0"
