"""T15, T21: payloads that are not well formed get no receipt, and cost nobody else anything."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import patch

import numpy as np
import pytest
from tests.adversarial.hostile_aggregator import Sent
from tests.adversarial.served_study import ServedStudy, served, valid_now
from tests.adversarial.world import World, total_of

from blindsum_aggregator import spool
from blindsum_client.sealing import payload_digest
from blindsum_crypto.ckks import summing
from blindsum_crypto.errors import Refused, Rejected
from blindsum_protos.convert.contribution import core_header_bytes
from blindsum_rules.header import Contribution
from blindsum_rules.transitions import AggregatorState

SPOILER = "client-00"


@pytest.fixture
def study(make_world: Callable[..., World], tmp_path: Path) -> Iterator[ServedStudy]:
    """The honest aggregator at its port."""
    with served(make_world(**valid_now()), tmp_path / "aggregator") as running:
        yield running


def with_payload(world: World, sent: Sent, payload: bytes) -> Sent:
    """Another payload behind a header that says so, and the client's true signature."""
    body = sent.contribution.body
    core = replace(body.core, payload_digest=payload_digest(payload), payload_bytes=len(payload))
    changed: Contribution = replace(body, core=core, core_bytes=core_header_bytes(core))
    contribution = world.people.sign(changed, sent.client)
    return Sent(replace(sent.sealed, contribution=contribution, payload=payload), sent.values)


def refused_upload(study: ServedStudy, sent: Sent) -> str:
    with pytest.raises((Rejected, Refused)) as caught:
        study.send(sent)
    return caught.value.rule


def flipped(sent: Sent, bit: int) -> Sent:
    """One bit changed on the way, behind the true header."""
    payload = bytearray(sent.sealed.payload)
    payload[bit // 8] ^= 1 << bit % 8
    return Sent(replace(sent.sealed, payload=bytes(payload)), sent.values)


def test_a_truncated_payload_is_rejected_by_its_length(study: ServedStudy) -> None:
    spec = study.is_open(0)
    true = study.world.seal(spec, SPOILER)
    cut = true.sealed.payload[:-1]

    assert refused_upload(study, with_payload(study.world, true, cut)) == "payload-length"


def test_a_stream_that_ends_early_or_runs_over_gets_no_receipt_and_the_true_bytes_do(
    study: ServedStudy,
) -> None:
    spec = study.is_open(0)
    true = study.world.seal(spec, SPOILER)
    payload = true.sealed.payload
    for wrong in (payload[:-7], payload + b"\0"):
        broken = Sent(replace(true.sealed, payload=wrong), true.values)
        if len(wrong) < len(payload):
            with pytest.raises(AssertionError, match="no receipt"):
                study.send(broken)
        else:
            assert refused_upload(study, broken) == "payload-length"

    assert study.send(true).body.client == SPOILER


@pytest.mark.slow
def test_a_flipped_bit_anywhere_in_a_payload_is_rejected_and_the_true_bytes_are_taken(
    study: ServedStudy,
) -> None:
    spec = study.is_open(0)
    true = study.world.seal(spec, SPOILER)
    last = 8 * len(true.sealed.payload) - 1
    for bit in (0, last, *np.random.default_rng(21).integers(1, last, 10).tolist()):
        assert refused_upload(study, flipped(true, bit)) == "payload-digest"

    assert study.send(true).body.client == SPOILER


def test_the_control_without_the_check_of_the_digest_a_flipped_bit_is_receipted(
    study: ServedStudy, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = study.is_open(0)
    true = study.world.seal(spec, SPOILER)
    monkeypatch.setattr(spool, "hmac", SimpleNamespace(compare_digest=lambda *_: True))

    assert study.send(flipped(true, 0)).body.client == SPOILER


def test_words_beyond_the_modulus_are_rejected_before_anything_is_added(
    study: ServedStudy, seal: str
) -> None:
    if seal != "ckks":
        pytest.skip("every word of b bits is a residue modulo 2^b")
    spec = study.is_open(0)
    true = study.world.seal(spec, SPOILER)
    beyond = with_payload(study.world, true, b"\xff" * len(true.sealed.payload))

    assert refused_upload(study, beyond) == "word-out-of-range"
    with patch.object(summing, "check_residues", lambda *_: None):
        # The control: without the check of every word it is receipted.
        assert study.send(beyond).body.client == SPOILER


def test_a_rejected_payload_does_not_keep_the_others_from_their_sum(study: ServedStudy) -> None:
    spec = study.is_open(0)
    true = study.world.seal(spec, SPOILER)
    broken = Sent(replace(true.sealed, payload=true.sealed.payload[::-1]), true.values)
    assert refused_upload(study, broken) in {"payload-digest", "word-out-of-range"}

    others = [study.world.seal(spec, name) for name in spec.body.cohort if name != SPOILER]
    for one in (*others, true):
        study.send(one)

    assert study.carry(0) is AggregatorState.PUBLISHED
    assert np.array_equal(study.opened(0), total_of([*others, true]))
