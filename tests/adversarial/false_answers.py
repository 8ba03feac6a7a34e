"""A custodian that releases another leaf than its seeds give, and what an opening says of it."""

import re
from collections.abc import Sequence
from dataclasses import replace

import pytest
from tests.adversarial.hostile_aggregator import Sent
from tests.adversarial.world import World

from blindsum_crypto.errors import Aborted, BlindsumError
from blindsum_crypto.masking.pairs import xor
from blindsum_rules.release import Release
from blindsum_rules.signed import Signed
from blindsum_rules.spec import Spec

LIAR, VICTIM, ABSENT = "client-00", "client-01", "client-05"
CHANGE = b"\x5a" * 32


def names_in(error: BlindsumError) -> list[str]:
    return re.findall(r"client-\d+", error.expected)


def failure(
    world: World, spec: Signed[Spec], sent: Sequence[Sent], releases: Sequence[Signed[Release]]
) -> Aborted:
    with pytest.raises(Aborted) as caught:
        world.aggregator.open(spec, sent, releases)
    return caught.value


def with_lie(world: World, release: Signed[Release], member: int) -> Signed[Release]:
    """The custodian's release with another leaf for one member's self mask, in its first part."""
    first, *rest = release.body.parts
    leaf_bytes = 32 * 2  # each member's self mask, and its pair with the one who is absent
    start = member * leaf_bytes
    share = bytearray(first.share)
    share[start : start + 32] = xor(first.share[start : start + 32], CHANGE)
    body = replace(release.body, parts=(replace(first, share=bytes(share)), *rest))
    return world.people.sign(body, release.signer)
