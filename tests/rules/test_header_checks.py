"""A contribution's header: who, to which round, and everything counted."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from blindsum_crypto.errors import BlindsumError, Refused
from blindsum_rules.header import core_digest, wrap_digest
from blindsum_rules.header_checks import check_core_header

if TYPE_CHECKING:
    from tests.rules.conftest import SmallStudy


def expected_bytes(study: "SmallStudy") -> int:
    parameters = study.spec().body.parameters
    assert parameters is not None
    return parameters.payload_bytes(study.body.vector_length)


@pytest.mark.parametrize("committee", [(4, 2, 3, 5), (7, 3, 5, 5), (1, 1, 1, 3)], ids=str)
def test_a_whole_header_passes(
    make_study: Callable[..., "SmallStudy"], committee: tuple[int, int, int, int]
):
    study = make_study(*committee)
    spec = study.spec()
    for client in study.clients:
        check_core_header(study.contribution(spec, client), spec, study.body, expected_bytes(study))


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"study": "another-study"}, "wrong-study"),
        ({"round_number": 1}, "wrong-round"),
        ({"round_id": bytes(32)}, "wrong-round"),
        ({"seal": "masking"}, "wrong-seal"),
        ({"payload_bytes": 1}, "payload-length"),
        ({"payload_digest": b""}, "payload-digest"),
        ({"seed_commitments": ()}, "seed-commitments"),
        ({"seed_commitments": (bytes(32),) * 3}, "seed-commitments"),
        ({"seed_commitments": (bytes(32),) * 5}, "seed-commitments"),
        ({"seed_commitments": (bytes(32),) * 3 + (bytes(31),)}, "seed-commitments"),
        ({"client": "client-99"}, "stranger"),
        ({"client": "custodian-0"}, "stranger"),
        ({"client": "client-01"}, "unknown-signer"),
    ],
)
def test_a_header_of_something_else_is_refused(
    study: "SmallStudy", changes: dict[str, Any], rule: str
):
    spec = study.spec()
    contribution = study.contribution(spec, "client-00", **changes)
    with pytest.raises(BlindsumError) as caught:
        check_core_header(contribution, spec, study.body, expected_bytes(study))
    assert caught.value.rule == rule


def test_an_enrolled_client_that_was_not_invited_is_a_stranger(study: "SmallStudy"):
    spec = study.spec(cohort=tuple(study.clients[:4]))
    with pytest.raises(Refused) as caught:
        check_core_header(study.contribution(spec, "client-04"), spec, study.body, 1)
    assert caught.value.rule == "stranger"


@pytest.mark.parametrize("wraps", [(), (bytes(32),) * 3, (bytes(32),) * 5, (b"",) * 4])
def test_wraps_are_counted(study: "SmallStudy", wraps: tuple[bytes, ...]):
    spec = study.spec()
    body = replace(study.contribution(spec, "client-00").body, wrap_digests=wraps)
    with pytest.raises(BlindsumError) as caught:
        check_core_header(study.sign(body, "client-00"), spec, study.body, expected_bytes(study))
    assert caught.value.rule == "wraps"


def test_a_victims_header_under_another_signature_is_rejected(study: "SmallStudy"):
    """Threat T7: the copier signs in its own name, or in the victim's with its own key."""
    spec = study.spec()
    victim = study.contribution(spec, "client-00")
    copied = study.sign(victim.body, "client-01")
    for forged, rule in (
        (copied, "unknown-signer"),
        (replace(copied, signer="client-00"), "bad-signature"),
    ):
        with pytest.raises(BlindsumError) as caught:
            check_core_header(forged, spec, study.body, expected_bytes(study))
        assert caught.value.rule == rule


def test_a_header_does_not_pass_in_another_round(study: "SmallStudy"):
    """Threats T6 and T8: another model makes another round id."""
    one, other = study.spec(), study.spec(model_digest=bytes(32))
    with pytest.raises(BlindsumError) as caught:
        check_core_header(
            study.contribution(one, "client-00"), other, study.body, expected_bytes(study)
        )
    assert caught.value.rule == "wrong-round"


def test_the_digests_of_core_headers_and_wraps_are_of_different_domains():
    assert core_digest(b"same bytes") != wrap_digest(b"same bytes")
