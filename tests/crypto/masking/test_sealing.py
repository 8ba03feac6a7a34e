"""The client's half of masking: what it refuses to seal, and what its bytes show."""

from dataclasses import replace

import numpy as np
import pytest
from tests.crypto.masking.conftest import ROUND_ID, MaskedRound, MaskRound, numbers_of

from blindsum_crypto.custody import Committee, deal
from blindsum_crypto.errors import Aborted, BlindsumError, Refused, Rejected
from blindsum_crypto.identity import AgreementKey
from blindsum_crypto.masking.pairs import Agreements
from blindsum_crypto.masking.parameters import MaskingParameters
from blindsum_crypto.masking.round import MaskingRound
from blindsum_crypto.masking.sealing import MaskingClientSeal
from blindsum_crypto.randomness import SeededRandomness, SystemRandomness

ME = "client-02"


def test_a_payload_has_exactly_b_bits_a_value(mask_round: MaskRound) -> None:
    for value_bits in (8, 13, 16, 28, 64):
        masked = mask_round(value_bits, numbers_of(2, 1_000, 20), 20)
        zeros = -(-128 // value_bits)
        expected = -(-(1_000 + zeros) * value_bits // 8)
        assert len(masked.sealed["client-00"].payload) == expected
        assert masked.client("client-00").payload_bytes == expected


def test_a_client_opens_its_own_sealed_vector(small_round: MaskedRound) -> None:
    opened = small_round.client(ME).open_own(small_round.sealed[ME], ME, small_round.seeds[ME])
    assert np.array_equal(opened, small_round.vectors[ME])


@pytest.mark.parametrize(
    ("damage", "kind", "rule"),
    [
        (lambda one: replace(one, payload=one.payload[:-1]), Rejected, "payload-length"),
        (
            lambda one: replace(one, payload=one.payload[:-1] + b"\x01"),
            Aborted,
            "padding-gate",
        ),
        (lambda one: replace(one, self_commitment=bytes(32)), Aborted, "self-commitment"),
        (
            lambda one: replace(one, pair_table=bytes(len(one.pair_table))),
            Aborted,
            "pair-commitment",
        ),
    ],
)
def test_a_client_notices_that_its_own_sealed_vector_is_damaged(
    small_round: MaskedRound, damage: object, kind: type[BlindsumError], rule: str
) -> None:
    assert callable(damage)
    with pytest.raises(kind) as caught:
        small_round.client(ME).open_own(damage(small_round.sealed[ME]), ME, small_round.seeds[ME])
    assert caught.value.rule == rule


def test_a_vector_beyond_the_bound_is_refused_at_either_end(small_round: MaskedRound) -> None:
    for place in (0, 99):
        for value in (1_001, -1_001, np.iinfo(np.int64).min):
            vector = small_round.vectors[ME].copy()
            vector[place] = value
            with pytest.raises(Refused) as caught:
                seal_again(small_round, vector)
            assert caught.value.rule == "coordinate-bound"
            assert str(value) not in str(caught.value)


@pytest.mark.parametrize(
    "vector", [np.zeros(99, np.int64), np.zeros((100, 1), np.int64), np.zeros(100, np.int32)]
)
def test_a_vector_of_another_shape_or_type_is_refused(
    small_round: MaskedRound, vector: np.ndarray
) -> None:
    with pytest.raises(Refused) as caught:
        seal_again(small_round, vector)
    assert caught.value.rule == "vector-shape"


def seal_again(masked: MaskedRound, vector: np.ndarray) -> None:
    drawn = SystemRandomness()
    masked.client(ME).seal(vector, ME, deal(masked.round_.committee, drawn), drawn)


def test_seeds_seal_one_vector_and_no_second_one(small_round: MaskedRound) -> None:
    seal, drawn = small_round.client(ME), SystemRandomness()
    seeds = deal(small_round.round_.committee, drawn)
    seal.seal(small_round.vectors[ME], ME, seeds, drawn)
    with pytest.raises(Refused) as caught:
        seal.seal(small_round.vectors[ME], ME, seeds, drawn)
    assert caught.value.rule == "seeds-used-twice"


def test_a_second_vector_under_the_same_seeds_would_give_the_difference_away(
    small_round: MaskedRound,
) -> None:
    """Why one seal a round number (threat T14): the masks are equal, and nobody needs a key."""
    drawn, seeds = SystemRandomness(), small_round.seeds[ME]
    other = small_round.vectors[ME][::-1].copy()
    second = small_round.client(ME).seal(other, ME, seeds, drawn)
    one, two = (
        np.frombuffer(sealed.payload, "<u2").astype(np.int64)
        for sealed in (small_round.sealed[ME], second)
    )
    difference = (one - two + (1 << 15)) % (1 << 16) - (1 << 15)
    assert np.array_equal(difference[:100], small_round.vectors[ME] - other)


def test_who_is_not_of_the_cohort_seals_nothing(small_round: MaskedRound) -> None:
    fewer = replace(small_round.round_, cohort=("client-00", "client-01"))
    seal, drawn = MaskingClientSeal(fewer, small_round.agreements[ME]), SystemRandomness()
    with pytest.raises(Refused) as caught:
        seal.seal(small_round.vectors[ME], ME, deal(fewer.committee, drawn), drawn)
    assert caught.value.rule == "not-invited"


def test_another_clients_agreements_seal_nothing(small_round: MaskedRound) -> None:
    seal = MaskingClientSeal(small_round.round_, small_round.agreements["client-00"])
    with pytest.raises(Refused) as caught:
        seal.seal(small_round.vectors[ME], ME, small_round.seeds[ME], SystemRandomness())
    assert caught.value.rule == "other-client"


def test_without_every_seed_nothing_is_sealed(small_round: MaskedRound) -> None:
    some = small_round.seeds[ME].of(small_round.round_.committee.parts[1:])
    with pytest.raises(Refused) as caught:
        small_round.client(ME).seal(small_round.vectors[ME], ME, some, SystemRandomness())
    assert caught.value.rule == "missing-seed"


def test_the_bytes_look_uniform_whatever_is_sealed(mask_round: MaskRound) -> None:
    vectors = {"a": np.zeros(200_000, np.int64), "b": np.ones(200_000, np.int64)}
    payload = mask_round(16, vectors, 1).sealed["a"].payload
    counts = np.bincount(np.frombuffer(payload, np.uint8), minlength=256)
    expected = len(payload) / 256
    chi_square = float(((counts - expected) ** 2 / expected).sum())
    assert 150 < chi_square < 390  # 255 degrees of freedom: passed by all but one in 10^5


def test_masks_of_two_rounds_and_two_pairs_are_uncorrelated(mask_round: MaskRound) -> None:
    """Threat T22: the round id and both names are in every key."""
    nothing = {name: np.zeros(100_000, np.int64) for name in ("a", "b", "c")}
    masked = mask_round(16, nothing, 1)
    elsewhere = replace(masked.round_, round_id=b"x" * 32)
    again = MaskingClientSeal(elsewhere, masked.agreements["a"]).seal(
        nothing["a"], "a", masked.seeds["a"], SystemRandomness()
    )
    streams = [
        np.frombuffer(sealed.payload, "<u2").astype(np.float64)
        for sealed in (masked.sealed["a"], masked.sealed["b"], masked.sealed["c"], again)
    ]
    correlations = np.corrcoef(streams) - np.eye(4)
    assert float(np.abs(correlations).max()) < 7 / np.sqrt(100_000)  # seven standard deviations


@pytest.mark.parametrize("cohort", [(), ("b", "a"), ("a", "a")])
def test_a_cohort_ascends_and_holds_everybody_once(cohort: tuple[str, ...]) -> None:
    with pytest.raises(Refused) as caught:
        MaskingRound(MaskingParameters(16), Committee(1, 1), ROUND_ID, 1, 1, cohort)
    assert caught.value.rule == "cohort"


def test_two_clients_with_one_key_make_no_agreements() -> None:
    key = AgreementKey.generate(SeededRandomness(b"one"))
    with pytest.raises(Refused) as caught:
        Agreements("a", key, {"a": key.public, "b": key.public})
    assert caught.value.rule == "enrolled-twice"


def test_a_peer_with_a_key_of_small_order_is_refused() -> None:
    key = AgreementKey.generate(SeededRandomness(b"one"))
    agreements = Agreements("a", key, {"a": key.public, "b": b"\x01" + bytes(31)})
    with pytest.raises(Rejected) as caught:
        agreements.pair_secret(ROUND_ID, "b")
    assert caught.value.rule == "small-order-key"


@pytest.mark.parametrize("peer", ["a", "stranger"])
def test_nobody_agrees_with_itself_or_with_a_stranger(peer: str) -> None:
    key = AgreementKey.generate(SeededRandomness(b"one"))
    with pytest.raises(Refused) as caught:
        Agreements("a", key, {"a": key.public}).pair_secret(ROUND_ID, peer)
    assert caught.value.rule == "unknown-peer"


def test_nothing_secret_stands_in_a_repr(small_round: MaskedRound) -> None:
    seal = small_round.sealed[ME]
    agreements = small_round.agreements[ME]
    secret = agreements.pair_secret(ROUND_ID, "client-00")
    for text in (repr(agreements), repr(seal), repr(small_round.headers([ME]))):
        assert secret.hex() not in text
        assert repr(seal.payload)[2:20] not in text
        assert repr(seal.pair_table)[2:20] not in text
