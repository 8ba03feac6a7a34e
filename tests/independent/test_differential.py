"""The product and the page: each seals what the other opens, on rounds that nobody chose.

A masked round from the header to the sum. Who seals is drawn client by client, who wraps, releases
and opens is both; committee, suite, width, values and who is absent are drawn too.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.independent import custody, hpke, masking, notation
from tests.independent.masking import Member, Round
from tests.independent.notation import Unaccepted

from blindsum_crypto import domains, primitives
from blindsum_crypto.custody import (
    Committee,
    CustodySeeds,
    commitment,
    deal,
    encode_seeds,
    wrap_info,
)
from blindsum_crypto.errors import BlindsumError
from blindsum_crypto.identity import AgreementKey
from blindsum_crypto.masking.opening import MaskingAggregatorSeal
from blindsum_crypto.masking.pairs import Agreements, pair_table_digest
from blindsum_crypto.masking.parameters import MaskingParameters
from blindsum_crypto.masking.releasing import MaskingCustodianSeal
from blindsum_crypto.masking.round import MaskingRound
from blindsum_crypto.masking.sealing import MaskingClientSeal
from blindsum_crypto.randomness import SeededRandomness
from blindsum_crypto.seal import SealedMember
from blindsum_protos.convert.contribution import core_header_bytes
from blindsum_rules.header import CoreHeader

COMMITTEES = ((1, 1), (4, 2), (7, 3))
STUDY, NUMBER = "heart", 7


@dataclass(frozen=True)
class Drawn:
    """What a round is made of, the same for the page and the product."""

    committee: tuple[int, int]
    bits: int
    bound: int
    vectors: Mapping[str, Sequence[int]]
    members: Sequence[str]
    by_the_page: Mapping[str, bool]
    seed: int

    @cached_property
    def round_id(self) -> bytes:
        return notation.digest("spec", str(self.seed))

    @cached_property
    def page(self) -> Round:
        return Round(self.round_id, sorted(self.vectors), self.bits, self.bound)

    @cached_property
    def product(self) -> MaskingRound:
        length = len(next(iter(self.vectors.values())))
        parameters, committee = MaskingParameters(self.bits), Committee(*self.committee)
        cohort = tuple(sorted(self.vectors))
        return MaskingRound(parameters, committee, self.round_id, length, self.bound, cohort)

    @cached_property
    def keys(self) -> dict[str, AgreementKey]:
        drawn = SeededRandomness(b"keys" + self.seed.to_bytes(8, "big"))
        return {name: AgreementKey.generate(drawn) for name in self.page.cohort}

    @cached_property
    def seeds(self) -> dict[str, CustodySeeds]:
        drawn = SeededRandomness(b"seeds" + self.seed.to_bytes(8, "big"))
        return {name: deal(Committee(*self.committee), drawn) for name in self.page.cohort}


@st.composite
def rounds(draw: st.DrawFn) -> Drawn:
    """Two to five clients, one to six values, widths that fit them, at least one member."""
    names = [f"client-{number}" for number in range(draw(st.integers(2, 5)))]
    bits = draw(st.integers(8, 63))
    bound = draw(st.integers(1, ((1 << bits - 1) - 1) // len(names)))
    length = draw(st.integers(1, 6))
    values = st.lists(st.integers(-bound, bound), min_size=length, max_size=length)
    return Drawn(
        draw(st.sampled_from(COMMITTEES)),
        bits,
        bound,
        {name: draw(values) for name in names},
        sorted(draw(st.sets(st.sampled_from(names), min_size=1))),
        {name: draw(st.booleans()) for name in names},
        draw(st.integers(0, 2**32)),
    )


def sealed_by_the_page(drawn: Drawn, client: str) -> tuple[bytes, Member]:
    private = drawn.keys[client].private
    pairs = {
        peer: masking.pair_secret(drawn.round_id, client, peer, private, drawn.keys[peer].public)
        for peer in drawn.page.peers(client)
    }
    seeds = dict(drawn.seeds[client])
    return masking.seal(drawn.page, client, drawn.vectors[client], pairs, seeds)


def sealed_by_the_product(drawn: Drawn, client: str) -> tuple[bytes, Member]:
    public = {name: key.public for name, key in drawn.keys.items()}
    seal = MaskingClientSeal(drawn.product, Agreements(client, drawn.keys[client], public))
    values = np.array(drawn.vectors[client], np.int64)
    made = seal.seal(values, client, drawn.seeds[client], SeededRandomness(b"none"))
    return made.payload, (made.self_commitment, made.pair_table)


def opened_by_the_page(
    drawn: Drawn, sealed: Mapping[str, tuple[bytes, Member]], shares: Mapping[int, bytes]
) -> list[int]:
    here = drawn.page
    count = len(drawn.vectors[drawn.members[0]]) + here.zeros
    payloads = (masking.unpack(sealed[one][0], here.bits, count) for one in drawn.members)
    total = [sum(words) for words in zip(*payloads, strict=True)]
    return masking.unmask(here, {one: sealed[one][1] for one in drawn.members}, total, shares)


def opened_by_the_product(
    drawn: Drawn, sealed: Mapping[str, tuple[bytes, Member]], shares: Mapping[int, bytes]
) -> list[int]:
    aggregator = MaskingAggregatorSeal(drawn.product)
    accumulator = aggregator.zero()
    for name in drawn.members:
        aggregator.add(accumulator, 0, sealed[name][0])
    members = [SealedMember(one, *sealed[one][1]) for one in drawn.members]
    opened: list[int] = aggregator.open(accumulator, members, shares).tolist()
    return opened


def shares_of(drawn: Drawn) -> dict[int, bytes]:
    """What custodians release, by both, byte for byte."""
    absent = [name for name in drawn.page.cohort if name not in drawn.members]
    custodian = MaskingCustodianSeal(drawn.round_id)
    shares = {}
    for part in custody.parts(*drawn.committee):
        held = {name: drawn.seeds[name][part] for name in drawn.members}
        shares[part] = masking.release(drawn.page, held)
        assert custodian.release(part, list(held.items()), absent) == shares[part]
    return shares


@settings(deadline=None, max_examples=40)
@given(rounds())
def test_what_either_seals_both_open_to_the_same_sum(drawn: Drawn) -> None:
    sealed = {
        name: (sealed_by_the_page if drawn.by_the_page[name] else sealed_by_the_product)(
            drawn, name
        )
        for name in drawn.page.cohort
    }
    shares = shares_of(drawn)
    vectors = (drawn.vectors[one] for one in drawn.members)
    expected = [sum(values) for values in zip(*vectors, strict=True)]

    assert opened_by_the_page(drawn, sealed, shares) == expected
    assert opened_by_the_product(drawn, sealed, shares) == expected


@settings(deadline=None, max_examples=30)
@given(rounds(), st.data())
def test_both_turn_the_same_damage_away_by_the_same_rule(drawn: Drawn, data: st.DataObject) -> None:
    sealed = {name: sealed_by_the_page(drawn, name) for name in drawn.page.cohort}
    shares = shares_of(drawn)
    part = data.draw(st.sampled_from(sorted(shares)))
    bit = data.draw(st.integers(0, 8 * len(shares[part]) - 1))
    changed = bytearray(shares[part])
    changed[bit // 8] ^= 1 << bit % 8
    shares[part] = bytes(changed)

    with pytest.raises(Unaccepted) as by_the_page:
        opened_by_the_page(drawn, sealed, shares)
    with pytest.raises(BlindsumError) as by_the_product:
        opened_by_the_product(drawn, sealed, shares)

    assert str(by_the_page.value) in {"self-commitment", "pair-commitment"}
    assert by_the_product.value.rule == str(by_the_page.value)


@settings(deadline=None, max_examples=30)
@given(rounds())
def test_both_seal_and_describe_a_vector_byte_for_byte_alike(drawn: Drawn) -> None:
    client, where = drawn.page.cohort[0], (STUDY, NUMBER, drawn.round_id)
    seeds = drawn.seeds[client]
    payload, member = sealed_by_the_page(drawn, client)
    stream = primitives.DigestStream(domains.PAYLOAD)
    stream.update(payload)

    core = CoreHeader(
        *where,
        client,
        "masking",
        stream.digest(),
        len(payload),
        tuple(commitment(drawn.round_id, client, part, seed) for part, seed in seeds.items()),
        member[0],
        pair_table_digest(member[1]),
    )

    assert sealed_by_the_product(drawn, client) == (payload, member)
    described = masking.header_digests(payload, member)
    assert custody.core_header(where, client, described, seeds) == core_header_bytes(core)


@pytest.mark.parametrize("suite", [hpke.X25519, hpke.HYBRID])
@pytest.mark.parametrize("committee", COMMITTEES)
def test_each_opens_what_the_other_wrapped(suite: str, committee: tuple[int, int]) -> None:
    drawn = SeededRandomness(f"{suite} {committee}".encode())
    seeds = deal(Committee(*committee), drawn)
    private = drawn.bytes(96 if suite == hpke.HYBRID else 32)
    info = custody.wrap_info(STUDY, 3, "k0", b"core")
    held = custody.parts_of(0, sorted(seeds))
    mine = custody.wrapped(seeds, 0)
    public = hpke.wrap_public(suite, private)

    theirs = primitives.hpke_wrap(suite, public, info, encode_seeds(seeds, held))  # type: ignore[arg-type]
    wrap = hpke.wrap(suite, public, info, mine, drawn.bytes(64))

    assert info == wrap_info(STUDY, 3, "k0", primitives.digest(domains.CORE_HEADER, b"core"))
    assert public == primitives.wrap_public(suite, private)  # type: ignore[arg-type]
    assert custody.unwrapped((suite, private), info, theirs, held) == {p: seeds[p] for p in held}
    assert primitives.hpke_unwrap(suite, private, info, wrap) == mine  # type: ignore[arg-type]
    with pytest.raises(Unaccepted) as caught:
        custody.unwrapped((suite, private), info + b".", theirs, held)
    assert str(caught.value) == "bad-wrap"
