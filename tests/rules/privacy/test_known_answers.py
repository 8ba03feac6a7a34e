"""The known answers of tests/vectors/noise.json hold, and the file is the one its script writes."""

import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.vectors import generate_noise

from blindsum_crypto.errors import BlindsumError
from blindsum_rules.privacy.alias_table import AliasTable
from blindsum_rules.privacy.drawing import draw
from blindsum_rules.privacy.noise import Mechanism, NoiseLaw, draw_noise, noise_table

Test = dict[str, Any]
VECTORS = Path(__file__).parents[2] / "vectors"


def sha256(content: np.ndarray[Any, Any]) -> str:
    little_endian = content.astype(content.dtype.newbyteorder("<"))
    return hashlib.sha256(little_endian.tobytes()).hexdigest()


def noise_share(test: Test) -> None:
    law = NoiseLaw(Mechanism(test["mechanism"]), test["variance"])
    drawn = draw_noise(law, test["count"], bytes.fromhex(test["key"]))
    table = noise_table(law)
    assert table.entries == test["entries"]
    assert sha256(table.words) == test["wordsSha256"]
    assert sha256(table.low_thresholds) == test["lowThresholdsSha256"]
    assert drawn[: len(test["first"])].tolist() == test["first"]
    assert sha256(drawn) == test["sha256"]


def tied_draws(test: Test) -> None:
    thresholds = [int(threshold, 16) for threshold in test["thresholds"]]
    columns = len(thresholds)
    high = [threshold >> 64 for threshold in thresholds]
    words = [one * columns + alias for one, alias in zip(high, test["aliases"], strict=True)]
    low = [threshold % 2**64 for threshold in thresholds]
    table = AliasTable(
        columns.bit_length() - 1, columns, np.array(words, np.uint64), np.array(low, np.uint64)
    )
    assert draw(table, len(test["values"]), bytes.fromhex(test["key"])).tolist() == test["values"]


CHECKS: dict[str, Callable[[Test], None]] = {"noiseShare": noise_share, "tiedDraws": tied_draws}


def every_test() -> Iterator[Any]:
    content = json.loads((VECTORS / "noise.json").read_text(encoding="utf-8"))
    for group in content["testGroups"]:
        for test in group["tests"]:
            yield pytest.param({"type": group["type"], **test}, id=f"noise-{test['tcId']}")


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


def test_the_script_writes_the_file_that_is_there() -> None:
    assert (VECTORS / "noise.json").read_text(encoding="utf-8") == generate_noise.render()


def test_the_file_has_negatives_and_counts_its_tests() -> None:
    content = json.loads((VECTORS / "noise.json").read_text(encoding="utf-8"))
    tests = [test for group in content["testGroups"] for test in group["tests"]]
    assert content["numberOfTests"] == len(tests)
    assert [test["tcId"] for test in tests] == list(range(1, len(tests) + 1))
    assert {test["result"] for test in tests} == {"valid", "invalid"}
