"""What each kind of known answer of masking.json says about the product."""

from collections.abc import Callable
from typing import Any

import numpy as np

from blindsum_crypto.custody import Committee, CustodySeeds
from blindsum_crypto.identity import AgreementKey
from blindsum_crypto.masking.disputes import disputing
from blindsum_crypto.masking.masks import apply_masks
from blindsum_crypto.masking.opening import MaskingAggregatorSeal
from blindsum_crypto.masking.pairs import Agreements, pair_commitment
from blindsum_crypto.masking.parameters import MaskingParameters
from blindsum_crypto.masking.releasing import MaskingCustodianSeal
from blindsum_crypto.masking.round import MaskingRound
from blindsum_crypto.masking.sealing import MaskingClientSeal
from blindsum_crypto.randomness import SystemRandomness
from blindsum_crypto.seal import SealedMember

Test = dict[str, Any]


def flipped(content: str, bit: int | None) -> bytes:
    changed = bytearray.fromhex(content)
    if bit is not None:
        changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def pair_secret(test: Test) -> None:
    key = AgreementKey(bytes.fromhex(test["private"]))
    public = {test["client"]: key.public, test["peer"]: bytes.fromhex(test["public"])}
    round_id = bytes.fromhex(test["roundId"])
    secret = Agreements(test["client"], key, public).pair_secret(round_id, test["peer"])
    assert secret.hex() == test["pairSecret"]
    assert pair_commitment(round_id, secret).hex() == test["pairCommitment"]


def round_of(test: Test, length: int, round_id: bytes) -> MaskingRound:
    return MaskingRound(
        MaskingParameters(test["valueBits"]),
        Committee(*test["committee"]),
        round_id,
        length,
        test["bound"],
        tuple(test["cohort"]),
    )


def masked_vector(test: Test) -> None:
    client = test["client"]
    keys = {name: AgreementKey(bytes.fromhex(key)) for name, key in test["keys"].items()}
    agreements = Agreements(client, keys[client], {name: key.public for name, key in keys.items()})
    seeds = CustodySeeds({int(p): bytes.fromhex(s) for p, s in test["seeds"][client].items()})
    values = np.array(test["values"], np.int64)
    length = test.get("length", values.size)
    seal = MaskingClientSeal(round_of(test, length, bytes.fromhex(test["roundId"])), agreements)
    sealed = seal.seal(values, client, seeds, SystemRandomness())
    assert sealed.payload.hex() == test["payload"]
    assert sealed.self_commitment.hex() == test["selfCommitment"]
    assert sealed.pair_table.hex() == test["pairTable"]
    assert np.array_equal(seal.open_own(sealed, client, seeds), values)


def masked_opening(test: Test) -> None:
    round_id = flipped(test["roundId"], test.get("flipRoundId"))
    seal = MaskingAggregatorSeal(round_of(test, test["length"], round_id))
    members = [
        SealedMember(
            one["client"],
            flipped(one["selfCommitment"], test.get("flipSelfCommitment")),
            flipped(one["pairTable"], test.get("flipPairTable")),
        )
        for one in test["members"]
    ]
    parts = {int(part): bytes.fromhex(share) for part, share in test["parts"].items()}
    parts[1] = flipped(test["parts"]["1"], test.get("flipPart"))[: test.get("cutPart", None)]
    if test.get("cutPart", 0) is None:
        del parts[1]
    accumulator = seal.load_sum(flipped(test["sum"], test.get("flipSum")))
    assert seal.open(accumulator, members, parts).tolist() == test["values"]


def mask(test: Test) -> None:
    word_type = MaskingParameters(test["valueBits"]).word_type
    assert 8 * word_type.itemsize == test["wordBits"]
    words = np.zeros(test["first"] + len(test["words"]), word_type)
    apply_masks(words, [bytes.fromhex(test["key"])], [])
    assert words[test["first"] :].tolist() == test["words"]
    apply_masks(words, [], [bytes.fromhex(test["key"])])
    assert not words.any()


def release(test: Test) -> None:
    custodian = MaskingCustodianSeal(bytes.fromhex(test["roundId"]))
    absent = test.get("absent", [one for one in test["cohort"] if one not in test["members"]])
    for part in Committee(*test["committee"]).parts:
        held = [(name, bytes.fromhex(test["seeds"][name][str(part)])) for name in test["members"]]
        assert custodian.release(part, held, absent).hex() == test["shares"][str(part)]


def disputes(test: Test) -> None:
    members = [
        SealedMember(client, bytes(32), bytes.fromhex(table))
        for client, table in test["pairTables"].items()
    ]
    assert sorted(disputing(test["cohort"], members)) == test["leftOut"]


CHECKS: dict[str, Callable[[Test], None]] = {
    "mask": mask,
    "release": release,
    "disputes": disputes,
    "pairSecret": pair_secret,
    "maskedVector": masked_vector,
    "maskedOpening": masked_opening,
}
