"""The known answers of tests/vectors hold, and each file is the one that its script writes.

Threat T22: masks and keys come from the one table of labels, as it stands in the specification.
"""

import base64
import hashlib
import importlib.util
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.crypto.masking import known_answers

from blindsum_crypto import domains
from blindsum_crypto.ckks.keys import expand
from blindsum_crypto.ckks.opening import CkksAggregatorSeal
from blindsum_crypto.ckks.parameters import RING_SETS, CkksParameters
from blindsum_crypto.ckks.reference import reference
from blindsum_crypto.ckks.sealing import CkksClientSeal
from blindsum_crypto.custody import (
    Committee,
    CustodySeeds,
    check_seed,
    commitment,
    decode_seeds,
    leaf,
    wrap_info,
)
from blindsum_crypto.errors import BlindsumError
from blindsum_crypto.packing import pack_fields, pack_words, unpack_fields, unpack_words
from blindsum_crypto.primitives import digest, hpke_unwrap, wrap_public
from blindsum_crypto.seal import SealedMember

Test = dict[str, Any]
VECTORS = Path(__file__).parents[1] / "vectors"


class FixedRandomness:
    """Hands out the one key that a known answer names."""

    def __init__(self, key: str) -> None:
        self._key = bytes.fromhex(key)

    def bytes(self, count: int) -> "bytes":
        assert count == len(self._key)
        return self._key


def committee(test: Test) -> None:
    made = Committee(test["custodians"], test["threshold"])
    assert list(made.parts) == test["parts"]
    assert [list(made.parts_of(index)) for index in range(made.custodians)] == test["partsOf"]
    for case in test["missingWithout"]:
        assert list(made.missing(case["indices"])) == case["missing"]


def parts(test: Test) -> None:
    made = Committee(test["custodians"], test["threshold"])
    assert list(made.parts) == test["parts"]
    assert list(made.parts_of(made.custodians - 1)) == test["partsOfTheLast"]


def seed_commitment(test: Test) -> None:
    round_id, seed = bytes.fromhex(test["roundId"]), bytes.fromhex(test["seed"])
    committed = bytes.fromhex(test["commitment"])
    check_seed(round_id, test["client"], test["part"], seed, committed)
    assert commitment(round_id, test["client"], test["part"], seed) == committed


def custody_leaf(test: Test) -> None:
    seed, round_id = bytes.fromhex(test["seed"]), bytes.fromhex(test["roundId"])
    assert leaf(seed, round_id, test["client"], test["label"]).hex() == test["leaf"]


def custody_wrap_info(test: Test) -> None:
    core = bytes.fromhex(test["coreDigest"])
    made = wrap_info(test["study"], test["epoch"], test["custodian"], core)
    assert made.hex() == test["info"]


def wrap(test: Test) -> None:
    suite, private, core = (
        test["suite"],
        bytes.fromhex(test["private"]),
        bytes.fromhex(test["core"]),
    )
    info = wrap_info(
        test["study"], test["epoch"], test["custodian"], digest(domains.CORE_HEADER, core)
    )
    wrapped = bytes.fromhex(test["wrap"])
    seeds = decode_seeds(test["parts"], hpke_unwrap(suite, private, info, wrapped))
    assert {str(part): seed.hex() for part, seed in seeds.items()} == test["seeds"]
    assert info.hex() == test["info"]
    assert wrap_public(suite, private).hex() == test["public"]
    assert digest(domains.WRAP, wrapped).hex() == test["wrapDigest"]


def packed_words(test: Test) -> None:
    words = unpack_words(bytes.fromhex(test["packed"]), test["count"], test["bits"])
    assert words.tolist() == test["words"]
    assert pack_words(words, test["bits"]).hex() == test["packed"]


def packed_fields(test: Test) -> None:
    fields = np.array(test["fields"], np.int64).reshape(-1, 1)
    words = pack_fields(fields, test["bits"])
    assert words.tolist() == [test["word"]]
    assert np.array_equal(unpack_fields(words, test["bits"], len(fields))[0], fields)


def row_of(prime: int, rows: Callable[[Any, int], Any]) -> list[int]:
    for ring in RING_SETS.values():
        if prime in ring.primes:
            words: list[int] = rows(ring, ring.primes.index(prime)).tolist()
            return words
    raise AssertionError(prime)


def check_row(words: list[int], test: Test) -> None:
    stored = b"".join(word.to_bytes(8, "little") for word in words)
    assert words[:4] == test["firstWords"]
    assert hashlib.sha256(stored).hexdigest() == test["sha256"]


def expansion(test: Test) -> None:
    leaf_bytes = bytes.fromhex(test["leaf"])
    check_row(row_of(test["prime"], lambda ring, index: expand(leaf_bytes, ring)[index]), test)


def common_reference(test: Test) -> None:
    round_id, prime = bytes.fromhex(test["roundId"]), test["prime"]
    words = row_of(prime, lambda ring, _: reference(round_id, test["chunk"], prime, ring))
    check_row(words, test)


def sealed(test: Test) -> None:
    parameters = CkksParameters(*test["parameters"])
    values = np.array(test["values"], np.int64)
    seal = CkksClientSeal(
        parameters, Committee(*test["committee"]), bytes.fromhex(test["roundId"]), values.size, 100
    )
    seeds = CustodySeeds({0: bytes.fromhex(test["seed"])})
    sealed = seal.seal(values, test["client"], seeds, FixedRandomness(test["errorKey"]))
    assert hashlib.sha256(sealed.payload).hexdigest() == test["sha256"]
    assert np.array_equal(seal.open_own(sealed, test["client"], seeds), values)


def flipped(content: bytes, bit: int | None) -> bytes:
    changed = bytearray(content)
    if bit is not None:
        changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def with_ones(content: bytes, word: int | None) -> bytes:
    """The content with one 60-bit word, at an even place, set to all ones."""
    if word is None:
        return content
    at = word * 60 // 8
    return content[:at] + b"\xff" * 7 + bytes([content[at + 7] | 0x0F]) + content[at + 8 :]


def opening(test: Test) -> None:
    round_id = flipped(bytes.fromhex(test["roundId"]), test.get("flipRoundId"))
    sealed_sum = flipped(base64.b64decode(test["sum"]), test.get("flipSum"))
    part = flipped(base64.b64decode(test["part"]), test.get("flipPart"))
    part = with_ones(part, test.get("onesPart"))[: test.get("cutPart", len(part))]
    parts = {} if test.get("cutPart", 0) is None else {0: part}
    seal = CkksAggregatorSeal(
        CkksParameters(*test["parameters"]),
        Committee(*test["committee"]),
        round_id,
        test["length"],
        test["bound"],
    )
    accumulator = seal.load_sum(with_ones(sealed_sum, test.get("onesSum")))
    members = [SealedMember("client")] * test["members"]
    assert seal.open(accumulator, members, parts).tolist() == test["values"]


CHECKS: dict[str, Callable[[Test], None]] = {
    "committee": committee,
    "parts": parts,
    "commitment": seed_commitment,
    "leaf": custody_leaf,
    "wrapInfo": custody_wrap_info,
    "wrap": wrap,
    "packedWords": packed_words,
    "packedFields": packed_fields,
    "expansion": expansion,
    "reference": common_reference,
    "seal": sealed,
    "opening": opening,
    **known_answers.CHECKS,
}
FILES = ("custody", "wraps", "packing", "ckks", "masking", "masks", "disputes")


def every_test() -> Iterator[Any]:
    for name in FILES:
        for group in json.loads((VECTORS / f"{name}.json").read_text(encoding="utf-8"))[
            "testGroups"
        ]:
            shared = {key: value for key, value in group.items() if key != "tests"}
            for test in group["tests"]:
                yield pytest.param({**shared, **test}, id=f"{name}-{group['type']}-{test['tcId']}")


@pytest.mark.parametrize("test", list(every_test()))
def test_every_known_answer_holds_and_every_wrong_one_is_turned_away_by_its_rule(
    test: Test,
) -> None:
    check = CHECKS[test["type"]]
    if test["result"] == "valid":
        check(test)
        return
    with pytest.raises(BlindsumError) as caught:
        check(test)
    assert caught.value.rule == test["rule"]


@pytest.mark.parametrize("name", FILES)
def test_the_script_writes_the_file_that_is_there(name: str) -> None:
    path = VECTORS / f"generate_{name}.py"
    specification = importlib.util.spec_from_file_location(f"vectors_{name}", path)
    assert specification is not None
    assert specification.loader is not None
    script = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(script)
    assert (VECTORS / f"{name}.json").read_text(encoding="utf-8") == script.render()


@pytest.mark.parametrize("name", FILES)
def test_each_file_has_negatives_and_counts_its_tests(name: str) -> None:
    content = json.loads((VECTORS / f"{name}.json").read_text(encoding="utf-8"))
    tests = [test for group in content["testGroups"] for test in group["tests"]]
    assert content["numberOfTests"] == len(tests)
    assert [test["tcId"] for test in tests] == list(range(1, len(tests) + 1))
    assert {test["result"] for test in tests} == {"valid", "invalid"}
