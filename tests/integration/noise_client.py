"""A site of `noise_units.py`, a process of its own, on the client's public face.

    python -m tests.integration.noise_client site-3 MANIFEST DIGEST KEY STATE MODEL ADDRESS PHRASE

What it does about its noise follows from its name and the round, and is no option of the product:
a cheat makes its integers itself and hands them to `contribute`, as any program of a hospital can.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests.integration.noise_units import (
    CLIP_NORM,
    QUIETER,
    REUSED_FROM,
    Behaviour,
    Floats,
    Integers,
    behaviour,
    known_levels,
    units_of,
)

from blindsum_cli.manifest_file import read_manifest
from blindsum_client import Client, Round
from blindsum_crypto.randomness import SystemRandomness
from blindsum_rules.codec.rounding import round_stochastically
from blindsum_rules.codec.unit_codec import UnitCodec
from blindsum_rules.codec.units import encode_units, sum_units
from blindsum_rules.privacy.noise import NoiseLaw
from blindsum_rules.privacy.study_plan import study_codec


@dataclass
class Site:
    """A site, its client, and the noise that it may use again."""

    client: Client
    codec: UnitCodec
    kept: dict[int, Integers] = field(default_factory=dict)

    def integers(self, round_: Round) -> Integers:
        does = behaviour(self.client.name, round_.number)
        if does is Behaviour.OMITS:
            total, _ = sum_units(self.units(round_), self.codec)
            return round_stochastically(total, SystemRandomness())
        if does is Behaviour.QUIETER:
            codec = replace(self.codec, share=quieter(self.codec.share))
            return encode_units(self.units(round_), codec, SystemRandomness())[0]
        known = known_levels(self.client.name, round_.number, self.codec)
        if does is Behaviour.REUSES:
            return known + self.kept[REUSED_FROM]
        integers, _ = self.client.encode_units(round_, self.units(round_))
        self.kept[round_.number] = integers - known
        return integers

    def units(self, round_: Round) -> Iterator[Floats]:
        return units_of(self.client.name, round_.number, self.codec)


def quieter(share: NoiseLaw) -> NoiseLaw:
    """The same law at 0.995 times the deviation."""
    return replace(share, variance=round(QUIETER**2 * share.variance))


def main(name: str, manifest: str, digest: str, key: str, state: str, *rest: str) -> None:
    model, address, passphrase_file = rest
    signed, _ = read_manifest(Path(manifest), digest)
    with Client.join(
        manifest,
        digest=digest,
        key_file=key,
        passphrase=Path(passphrase_file).read_bytes(),
        aggregator=address,
        state=state,
        initial_model=model,
    ) as client:
        assert client.name == name
        site = Site(client, study_codec(signed.body, CLIP_NORM))
        for round_ in client.rounds():
            client.contribute(round_, site.integers(round_))
            assert client.outcome(round_).included


if __name__ == "__main__":
    main(*sys.argv[1:])
