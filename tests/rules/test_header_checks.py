"""A contribution's header: who, to which round, and everything counted."""

# `**changes` replaces any field of a frozen value; its type is that field's.
# ruff: noqa: ANN401

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from blindsum_crypto.errors import BlindsumError, Refused
from blindsum_crypto.primitives import digest
from blindsum_rules.header import Contribution, CoreHeader, core_digest, wrap_digest
from blindsum_rules.header_checks import check_core_header
from blindsum_rules.signed import Signed
from blindsum_rules.spec import Spec

if TYPE_CHECKING:
    from tests.rules.conftest import SmallStudy


def mark(*words: object) -> bytes:
    """32 bytes that stand for something that is never opened here."""
    return digest("blindsum/test", *(str(word).encode() for word in words))


def contribution_of(
    people: "SmallStudy", spec: Signed[Spec], signer: str, **changes: Any
) -> Signed[Contribution]:
    """A signed header; changes are made to the core header."""
    assert spec.body.parameters is not None
    core = CoreHeader(
        study=spec.body.study,
        round_number=spec.body.round_number,
        round_id=spec.digest,
        client=signer,
        seal="ckks",
        payload_digest=mark("payload", signer),
        payload_bytes=spec.body.parameters.payload_bytes(spec.body.vector_length),
        seed_commitments=tuple(mark("seed", signer, part) for part in people.body.committee.parts),
    )
    core = replace(core, **changes)
    wraps = tuple(mark("wrap", signer, name) for name in people.custodians)
    return people.sign(Contribution(core, repr(core).encode(), wraps), signer)


@pytest.mark.parametrize("committee", [(4, 2, 3, 5), (7, 3, 5, 5), (1, 1, 1, 3)], ids=str)
def test_a_whole_header_passes(
    make_study: Callable[..., "SmallStudy"], committee: tuple[int, int, int, int]
) -> None:
    study = make_study(*committee)
    spec = study.spec()
    for client in study.clients:
        check_core_header(contribution_of(study, spec, client), spec, study.body)


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
) -> None:
    spec = study.spec()
    contribution = contribution_of(study, spec, "client-00", **changes)
    with pytest.raises(BlindsumError) as caught:
        check_core_header(contribution, spec, study.body)
    assert caught.value.rule == rule


def test_an_enrolled_client_that_was_not_invited_is_a_stranger(study: "SmallStudy") -> None:
    spec = study.spec(cohort=tuple(study.clients[:4]))
    with pytest.raises(Refused) as caught:
        check_core_header(contribution_of(study, spec, "client-04"), spec, study.body)
    assert caught.value.rule == "stranger"


@pytest.mark.parametrize("wraps", [(), (bytes(32),) * 3, (bytes(32),) * 5, (b"",) * 4])
def test_wraps_are_counted(study: "SmallStudy", wraps: tuple[bytes, ...]) -> None:
    spec = study.spec()
    body = replace(contribution_of(study, spec, "client-00").body, wrap_digests=wraps)
    with pytest.raises(BlindsumError) as caught:
        check_core_header(study.sign(body, "client-00"), spec, study.body)
    assert caught.value.rule == "wraps"


def test_a_victims_header_under_another_signature_is_rejected(study: "SmallStudy") -> None:
    """Threat T7: the copier signs in its own name, or in the victim's with its own key."""
    spec = study.spec()
    victim = contribution_of(study, spec, "client-00")
    copied = study.sign(victim.body, "client-01")
    for forged, rule in (
        (copied, "unknown-signer"),
        (replace(copied, signer="client-00"), "bad-signature"),
    ):
        with pytest.raises(BlindsumError) as caught:
            check_core_header(forged, spec, study.body)
        assert caught.value.rule == rule


def test_a_header_does_not_pass_in_another_round(study: "SmallStudy") -> None:
    """Threats T6 and T8: another model makes another round id."""
    one, other = study.spec(), study.spec(model_digest=bytes(32))
    with pytest.raises(BlindsumError) as caught:
        check_core_header(contribution_of(study, one, "client-00"), other, study.body)
    assert caught.value.rule == "wrong-round"


def test_the_digests_of_core_headers_and_wraps_are_of_different_domains() -> None:
    assert core_digest(b"same bytes") != wrap_digest(b"same bytes")
