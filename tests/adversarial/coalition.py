"""Custodians who pool what they hold, and compute whatever they like with it (threats T2 and T11).

They open the wraps that clients made for them, and run the product's own release on sets that no
honest custodian would release.
"""

from collections.abc import Iterable, Mapping

from tests.adversarial.hostile_aggregator import Sent
from tests.adversarial.world import World

from blindsum_crypto.custody import CustodySeeds, decode_seeds, wrap_info
from blindsum_custodian.seals import custodian_seal
from blindsum_rules.header import core_digest
from blindsum_rules.signed import Signed
from blindsum_rules.spec import Spec


def pooled(world: World, one: Sent, custodians: Iterable[str]) -> CustodySeeds:
    """The custody seeds of one client that these custodians hold together."""
    body = one.contribution.body
    seeds: dict[int, bytes] = {}
    for name in custodians:
        index = world.study.custodian_index(name)
        info = wrap_info(body.core.study, 0, name, core_digest(body.core_bytes))
        opened = world.people.keys.wraps[name].unwrap(info, one.sealed.wraps[index])
        seeds |= decode_seeds(world.study.committee.parts_of(index), opened)
    return CustodySeeds(seeds)


def released(
    spec: Signed[Spec], members: Mapping[str, CustodySeeds], part: int, absent: Iterable[str]
) -> bytes:
    """What one part would release for a set that the coalition chose."""
    chosen = [(client, seeds[part]) for client, seeds in sorted(members.items())]
    return custodian_seal(spec).release(part, chosen, sorted(absent))


def released_for_one(spec: Signed[Spec], one: Sent, seeds: CustodySeeds) -> dict[int, bytes]:
    """Every part that these seeds are of, released for a single client."""
    absent = set(spec.body.cohort) - {one.client}
    return {part: released(spec, {one.client: seeds}, part, absent) for part in seeds}
