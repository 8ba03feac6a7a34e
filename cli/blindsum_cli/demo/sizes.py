"""How many bytes a client sends and fetches in one round of the demo, read from the artefacts."""

from collections.abc import Sequence
from pathlib import Path
from typing import cast

from blindsum_cli.demo.rounds import RoundResult
from blindsum_crypto import custody
from blindsum_crypto.primitives import WrapSuite, hpke_wrap
from blindsum_crypto.randomness import SystemRandomness
from blindsum_protos.convert.signed import signed_list_from_bytes, signed_to_bytes
from blindsum_rules import transcript
from blindsum_rules.header import Contribution, core_digest
from blindsum_rules.manifest import Manifest
from blindsum_rules.signed import Signed


def bytes_per_client_round(
    folder: Path, results: Sequence[RoundResult], manifest: Manifest
) -> dict[str, float]:
    """Mean bytes by kind; what gRPC and TLS add is not in them.

    Args:
        folder: The transcript folder.
        results: The published rounds.
        manifest: The study's manifest.

    Returns:
        `sent/...`: payload, header (as signed), wraps and, under a seal with pairs, pair table.
        `fetched/...`: announcement (spec and acceptances), outcome (certificate, freeze,
        endorsements) and aggregate.
    """
    filed = {result.number: _contributions(folder, result.number) for result in results}
    contributions = [one for several in filed.values() for one in several]
    sent = {
        "sent/payload": _mean([one.body.core.payload_bytes for one in contributions]),
        "sent/header": _mean([len(signed_to_bytes(one)) for one in contributions]),
        "sent/wraps": float(_wrap_bytes(manifest)),
    }
    tables = sum(_pair_table_bytes(folder, number) for number in filed)
    if tables:
        sent["sent/pair table"] = tables / len(contributions)
    fetched = {
        "fetched/announcement": (transcript.SPEC, transcript.ACCEPTANCES),
        "fetched/outcome": (transcript.CERTIFICATE, transcript.FREEZE, transcript.ENDORSEMENTS),
        "fetched/aggregate": (transcript.AGGREGATE,),
    }
    return sent | {
        kind: _mean([_file_bytes(folder, result.number, names) for result in results])
        for kind, names in fetched.items()
    }


def _contributions(folder: Path, number: int) -> tuple[Signed[Contribution], ...]:
    path = folder / transcript.round_file(number, transcript.CONTRIBUTIONS)
    return signed_list_from_bytes(Contribution, path.read_bytes())


def _file_bytes(folder: Path, number: int, names: tuple[str, ...]) -> int:
    return sum((folder / transcript.round_file(number, name)).stat().st_size for name in names)


def _pair_table_bytes(folder: Path, number: int) -> int:
    """Bytes of the pair tables of all filed contributions; 0 under a seal without pairs."""
    path = folder / transcript.round_file(number, transcript.PAIR_TABLES)
    return path.stat().st_size if path.exists() else 0


def _wrap_bytes(manifest: Manifest) -> int:
    """Bytes of one round's wraps for all custodians: made once more, since nobody keeps them."""
    committee = manifest.committee
    seeds = custody.deal(committee, SystemRandomness())
    core = core_digest(b"")
    wraps = (
        hpke_wrap(
            cast(WrapSuite, one.wrap_suite),
            one.wrap_key,
            custody.wrap_info(manifest.study, 0, one.name, core),
            custody.encode_seeds(seeds, committee.parts_of(index)),
        )
        for index, one in enumerate(manifest.custodians)
    )
    return sum(len(wrap) for wrap in wraps)


def _mean(values: list[int]) -> float:
    return sum(values) / len(values)
