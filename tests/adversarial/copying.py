"""A client that copies: another's sealed bytes, commitments and wraps, under a name of its own."""

from collections.abc import Iterable
from dataclasses import replace

from tests.adversarial.hostile_aggregator import Sent
from tests.adversarial.world import World

from blindsum_protos.convert.contribution import core_header_bytes
from blindsum_rules.admission import Denial
from blindsum_rules.signed import Signed
from blindsum_rules.spec import Spec

VICTIM, COPIER = "client-00", "client-01"


def copied(world: World, victim: Sent, copier: str = COPIER) -> Sent:
    """The victim's payload, commitments and wraps under the copier's name and signature."""
    body = victim.contribution.body
    core = replace(body.core, client=copier)
    renamed = replace(body, core=core, core_bytes=core_header_bytes(core))
    sealed = replace(victim.sealed, contribution=world.people.sign(renamed, copier))
    return Sent(sealed, victim.values)


def denials_of(world: World, spec: Signed[Spec], sent: Iterable[Sent]) -> set[tuple[Denial, ...]]:
    """What the custodians say about one page; one element when they agree."""
    return {one.body.denials for one in world.admit(spec, list(sent))}


def denied(one: Sent, rule: str) -> set[tuple[Denial, ...]]:
    return {(Denial(one.client, one.contribution.digest, rule),)}


def signed_by(world: World, sent: Sent, signer: str) -> Sent:
    """The same header, under the victim's name, with another's signature."""
    contribution = world.people.sign(sent.contribution.body, signer)
    return Sent(replace(sent.sealed, contribution=contribution), sent.values)
