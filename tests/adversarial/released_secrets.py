"""What a masked round's releases say, read by an aggregator that opens whatever it can with it.

The secrets of members and of pairs with who is absent, and sums of any group of uploads under them.
"""

from collections.abc import Iterable, Sequence
from functools import reduce

from tests.adversarial.hostile_aggregator import Integers, Sent
from tests.adversarial.world import World

from blindsum_aggregator.seals import aggregator_seal
from blindsum_crypto.masking.masks import apply_masks
from blindsum_crypto.masking.pairs import adds, read_pair_table, xor
from blindsum_crypto.masking.values import opened
from blindsum_crypto.primitives import KEY_BYTES
from blindsum_rules.release import Release, joined
from blindsum_rules.seal_parameters import masking_round
from blindsum_rules.signed import Signed
from blindsum_rules.spec import Spec

Secrets = dict[tuple[str, str], bytes]
"""K_i(self) under (i, ""), K_i(pair/j) under (i, j)."""


def released_secrets(
    world: World,
    releases: Iterable[Signed[Release]],
    members: Sequence[str],
    absent: Sequence[str],
) -> Secrets:
    """What all parts of a release give together."""
    parts: dict[int, bytes] = {}
    for one in releases:
        parts |= joined([one.body])
    assert set(parts) == set(world.study.committee.parts)
    together = reduce(xor, parts.values())
    labels = [(client, peer) for client in members for peer in ("", *absent)]
    assert len(together) == KEY_BYTES * len(labels)
    return {
        label: together[place * KEY_BYTES : (place + 1) * KEY_BYTES]
        for place, label in enumerate(labels)
    }


def opened_group(
    world: World,
    spec: Signed[Spec],
    group: Iterable[Sent],
    secrets: Secrets,
    known_pairs: Secrets | None = None,
) -> Integers:
    """The sum of some members, from their uploads and from what was released for all members.

    Args:
        known_pairs: k_ij under (i, j), where the aggregator knows some otherwise.

    Raises:
        Aborted: `padding-gate` or `range-gate`, where masks are left.
    """
    product, seal = masking_round(spec, world.study), aggregator_seal(spec, world.study)
    accumulator = seal.zero()
    chosen, keys = list(group), dict(known_pairs or {})
    for one in chosen:
        seal.add(accumulator, 0, one.sealed.payload)
        peers = product.peers(one.client)
        table = read_pair_table(one.sealed.pair_table, len(peers))
        for place, peer in enumerate(peers):
            if (one.client, peer) in secrets:
                pad = table[place, 0].tobytes()
                keys[one.client, peer] = xor(secrets[one.client, peer], pad)
    plus = [key for (client, peer), key in keys.items() if not adds(client, peer)]
    minus = [key for (client, peer), key in keys.items() if adds(client, peer)]
    apply_masks(accumulator, plus, [*minus, *(secrets[one.client, ""] for one in chosen)])
    bound = len(chosen) * product.coordinate_bound
    return opened(accumulator, product.parameters, product.vector_length, bound)
