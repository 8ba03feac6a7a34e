"""The digest of a layout: a known answer over bytes that were written out by hand."""

import hashlib

from blindsum_crypto import domains
from blindsum_rules.model import Layout, NamedArray, layout_digest

# Each line is an 8-byte length and what it counts; numbers are big-endian. Hashed by sha256sum.
WRITTEN_OUT = (
    b"\0\0\0\0\0\0\0\x12" + b"blindsum/v1/layout"
    b"\0\0\0\0\0\0\0\x26"  # the first array: 14 bytes of name, 24 bytes of shape
    b"\0\0\0\0\0\0\0\x06" + b"weight"
    b"\0\0\0\0\0\0\0\x10" + b"\0\0\0\0\0\0\0\x02" + b"\0\0\0\0\0\0\0\x03"
    b"\0\0\0\0\0\0\0\x14"  # the second array, a scalar: no dimensions
    b"\0\0\0\0\0\0\0\x04" + b"bias"
    b"\0\0\0\0\0\0\0\x00"
)  # fmt: skip
KNOWN = bytes.fromhex("2b3741a00c7cfc47d806ef9eb80c23f547a15125855f6fc1075545f641fedd54")


def test_a_layouts_digest_is_the_known_answer() -> None:
    layout = Layout((NamedArray("weight", (2, 3)), NamedArray("bias", ())))

    assert layout_digest(layout) == KNOWN
    assert hashlib.sha256(WRITTEN_OUT).digest() == KNOWN
    assert domains.LAYOUT.encode() in WRITTEN_OUT


def test_names_and_shapes_that_would_run_together_have_different_digests() -> None:
    layouts = [
        Layout((NamedArray("ab", (1,)), NamedArray("c", (1,)))),
        Layout((NamedArray("a", (1,)), NamedArray("bc", (1,)))),
        Layout((NamedArray("ab", (1, 1)), NamedArray("c", ()))),
        Layout((NamedArray("abc", (1, 1)),)),
    ]

    assert len({layout_digest(layout) for layout in layouts}) == len(layouts)
