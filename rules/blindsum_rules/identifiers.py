"""Identifiers of studies, parties and organisations: short, printable, sorted bytewise."""

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from blindsum_crypto.errors import Rejected

_IDENTIFIER: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")


def check_identifier(name: str, what: str) -> str:
    """Return `name` if it is an identifier.

    Args:
        name: 1 to 63 of a-z, 0-9, dot, underscore and hyphen; a letter or digit first.
        what: What the name names, for the error.

    Raises:
        Rejected: `identifier`, when it is not.
    """
    if _IDENTIFIER.fullmatch(name) is None:
        raise Rejected(
            "identifier",
            f"{what}: expected 1 to 63 of a-z 0-9 . _ - with a letter or digit first, got {name!r}",
        )
    return name


def check_sorted_distinct(names: Sequence[str], what: str) -> None:
    """Check that identifiers stand in ascending byte order, each once.

    Raises:
        Rejected: `sorted-distinct`, when one repeats or stands out of order.
    """
    keys = [name.encode() for name in names]
    for earlier, later in pairwise(keys):
        if earlier >= later:
            raise Rejected(
                "sorted-distinct",
                f"{what}: expected ascending ids, each once, got {later.decode()!r} after "
                f"{earlier.decode()!r}",
            )
