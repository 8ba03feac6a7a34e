"""The custodians of a measured round: they admit every header and release for the frozen set."""

from collections.abc import Sequence
from dataclasses import dataclass

from blindsum_cli.bench.figures import Stopwatch
from blindsum_cli.bench.study import Study
from blindsum_client.sealing import SealedContribution
from blindsum_crypto.custody import CustodySeeds, check_seed, decode_seeds, wrap_info
from blindsum_custodian.seals import custodian_seal
from blindsum_protos.convert.signed import sign
from blindsum_rules.freeze import Freeze
from blindsum_rules.header import core_digest
from blindsum_rules.header_checks import check_core_header
from blindsum_rules.release import Release, pages_of_release
from blindsum_rules.signed import Signed


@dataclass(slots=True)
class CustodianAtWork:
    """One custodian of the round.

    Attributes:
        study: Keys, manifest and spec.
        name: Its id.
        watch: Where the seconds go.
    """

    study: Study
    name: str
    watch: Stopwatch

    @property
    def index(self) -> int:
        """Its place in the manifest."""
        return self.study.manifest.body.custodian_index(self.name)

    def admit(self, contributions: Sequence[SealedContribution]) -> dict[str, CustodySeeds]:
        """Check every header, open its own wraps, check the seeds: client to seeds.

        Raises:
            BlindsumError: the rule for which a custodian would deny a client.
        """
        with self.watch.phase("admit"):
            return {one.contribution.body.core.client: self._seeds_of(one) for one in contributions}

    def release(
        self, freeze: Signed[Freeze], seeds: dict[str, CustodySeeds]
    ) -> tuple[dict[int, bytes], tuple[Signed[Release], ...]]:
        """Its parts for exactly the frozen set, and the signed pages in which they travel."""
        spec = self.study.spec
        members = [member.client for member in freeze.body.members]
        absent = [client for client in spec.body.cohort if client not in freeze.body.clients]
        with self.watch.phase("release"):
            seal = custodian_seal(spec)
            parts = {
                part: seal.release(part, ((name, seeds[name][part]) for name in members), absent)
                for part in self._parts
            }
            identity = self.study.custodians[self.name].identity
            pages = tuple(
                sign(page, self.name, identity)
                for page in pages_of_release(freeze, self.name, parts)
            )
        return parts, pages

    @property
    def _parts(self) -> tuple[int, ...]:
        return self.study.manifest.body.committee.parts_of(self.index)

    def _seeds_of(self, contributed: SealedContribution) -> CustodySeeds:
        manifest, spec = self.study.manifest.body, self.study.spec
        contribution = contributed.contribution
        check_core_header(contribution, spec, manifest)
        bound_to = core_digest(contribution.body.core_bytes)
        info = wrap_info(manifest.study, spec.body.epoch, self.name, bound_to)
        opened = self.study.custodians[self.name].wrap.unwrap(info, contributed.wraps[self.index])
        seeds = decode_seeds(self._parts, opened)
        core = contribution.body.core
        committed = dict(zip(manifest.committee.parts, core.seed_commitments, strict=True))
        for part, seed in seeds.items():
            check_seed(core.round_id, core.client, part, seed, committed[part])
        return seeds
