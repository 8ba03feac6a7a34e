"""Layouts, model bytes and the digests that specs pin."""

from typing import Any

import numpy as np
import pytest

from blindsum_crypto.errors import Rejected
from blindsum_rules.model import (
    Layout,
    NamedArray,
    decode_model,
    encode_model,
    layout_digest,
    model_digest,
    model_salt,
)

LAYOUT = Layout((NamedArray("weight", (2, 3)), NamedArray("bias", ()), NamedArray("scale", (2,))))
ARRAYS: dict[str, Any] = {
    "scale": np.array([8.0, 9.0]),
    "weight": np.arange(6.0).reshape(2, 3),
    "bias": np.float64(7.0),
}


def test_arrays_are_laid_out_in_the_layouts_order() -> None:
    assert LAYOUT.size == 9
    assert LAYOUT.flatten(ARRAYS).tolist() == [0, 1, 2, 3, 4, 5, 7, 8, 9]


def test_a_flat_vector_is_cut_back_into_the_same_arrays() -> None:
    back = LAYOUT.unflatten(LAYOUT.flatten(ARRAYS).astype(np.float32))
    assert list(back) == ["weight", "bias", "scale"]
    for name, values in ARRAYS.items():
        assert np.array_equal(back[name], values)


@pytest.mark.parametrize(
    "arrays",
    [
        {name: ARRAYS[name] for name in ("weight", "bias")},
        {**ARRAYS, "running_mean": np.zeros(2)},
        {**ARRAYS, "scale": np.zeros(3)},
        {**ARRAYS, "weight": np.zeros(6)},
    ],
    ids=["missing", "batch norm", "longer", "flat"],
)
def test_other_arrays_are_rejected(arrays: dict[str, Any]) -> None:
    with pytest.raises(Rejected) as caught:
        LAYOUT.flatten(arrays)
    assert caught.value.rule == "layout"


def test_a_vector_of_another_length_is_not_cut() -> None:
    with pytest.raises(Rejected) as caught:
        LAYOUT.unflatten(np.zeros(8, np.float32))
    assert caught.value.rule == "layout"


def test_model_bytes_are_little_endian_float32_and_come_back() -> None:
    model = np.array([1.0, -2.5, 3e-45], np.float32)
    assert encode_model(model)[:4] == bytes.fromhex("0000803f")
    assert np.array_equal(decode_model(encode_model(model), 3), model)
    for size in (2, 4):
        with pytest.raises(Rejected) as caught:
            decode_model(encode_model(model), size)
        assert caught.value.rule == "model-length"


def test_a_models_digest_depends_on_every_bit_and_on_the_salt() -> None:
    model = np.array([0.0, 1.0], np.float32)
    negative_zero = np.array([-0.0, 1.0], np.float32)
    digests = {
        model_digest(model),
        model_digest(negative_zero),
        model_digest(model, b"s" * 32),
        model_digest(model, b"t" * 32),
    }
    assert len(digests) == 4


def test_a_models_salt_depends_on_the_aggregates_and_the_round() -> None:
    salts = {
        model_salt(salt, round_id)
        for salt in (b"a" * 32, b"b" * 32)
        for round_id in (b"0" * 32, b"1" * 32)
    }
    assert len(salts) == 4
    assert all(len(salt) == 32 for salt in salts)


def test_a_layouts_digest_depends_on_names_shapes_and_order() -> None:
    layouts = [
        LAYOUT,
        Layout(LAYOUT.arrays[::-1]),
        Layout((NamedArray("weight", (3, 2)), *LAYOUT.arrays[1:])),
        Layout((NamedArray("weights", (2, 3)), *LAYOUT.arrays[1:])),
        Layout((NamedArray("weight", (6,)), *LAYOUT.arrays[1:])),
    ]
    assert len({layout_digest(layout) for layout in layouts}) == len(layouts)
