"""What does one custodian do for a round of many clients? Seconds by step, and peak memory.

    python benchmarks/custodian_round.py                           # 100,000 clients, ckks
    python benchmarks/custodian_round.py --clients 1000 --seal masking --dropout 0.1

Clients' headers and wraps are made first, by all cores, and are not counted. Then a custodian, in a
process of its own, gets the whole round's duties as the aggregator would send them, and keeps its
memory in SQLite on the disk. (m, t, quorum) = (4, 2, 3), hybrid wraps.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from blindsum_protos.convert.signed import sign, to_wire
from blindsum_protos.v1 import aggregator_pb2
from blindsum_rules.admission import HeaderPage
from blindsum_rules.endorsement import Endorsement
from blindsum_rules.freeze import Freeze, Member
from blindsum_rules.freeze_checks import freeze_root
from blindsum_rules.signed import BodyT, Signed
from blindsum_rules.spec import Spec
from custodian_process import CustodianProcess, Taken
from custodian_study import (
    AGGREGATOR,
    MEASURED,
    QUORUM,
    STUDY,
    HeaderMould,
    client_name,
    custodian_names,
    found_study,
    identity_of,
    open_round,
    wrap_key_of,
)
from header_spool import Arrived, Progress, arrive, arriving, keys_of, workers

STEPS: Final = ("accept", "admit", "endorse", "release", "close")


@dataclass(frozen=True, slots=True)
class CustodianCost:
    """What a whole round took of one custodian.

    Attributes:
        clients: Clients of the cohort.
        members: Clients of the frozen set, whose headers it admitted.
        pages: Pages of headers.
        seconds: Step to seconds of computation of its process.
        wall_seconds: Step to seconds that passed; threads and waits for the disk show here.
        peak_bytes: The most that its process was resident with, libraries included.
        answer_bytes: Step to bytes of its answers.
    """

    clients: int
    members: int
    pages: int
    seconds: Mapping[str, float]
    wall_seconds: Mapping[str, float]
    peak_bytes: int
    answer_bytes: Mapping[str, int]

    @property
    def total_seconds(self) -> float:
        """Seconds of computation of the whole round."""
        return sum(self.seconds.values())


def measure_custodian(
    clients: int, seal: str = "ckks", dropout: float = 0.0, progress: Progress | None = None
) -> CustodianCost:
    """Play one round of many clients against a real custodian.

    Args:
        clients: Clients of the cohort.
        seal: `ckks`, or `masking` up to 1,000 clients.
        dropout: Share of the cohort that hands in nothing, 0 to below 1.
        progress: Told how far it is; nobody by default.
    """
    told = progress or _silent
    with tempfile.TemporaryDirectory() as folder:
        with workers() as pool:
            manifest = found_study(seal, keys_of(pool, clients, told))
            spec = open_round(manifest)
            spool, places = Path(folder) / "entries", arriving(clients, dropout)
            arrived = arrive(pool, _mould(spec), places, spool, told)
        with CustodianProcess(manifest, Path(folder)) as custodian:
            return _play(custodian, spec, arrived, told)


def _play(
    custodian: CustodianProcess, spec: Signed[Spec], arrived: Arrived, told: Progress
) -> CustodianCost:
    taken: dict[str, list[Taken]] = {step: [] for step in STEPS}
    answer_bytes = dict.fromkeys(STEPS, 0)

    def perform(step: str, duty: aggregator_pb2.Duty) -> None:
        answers, one = custodian.perform(duty)
        taken[step].append(one)
        answer_bytes[step] += sum(answer.ByteSize() for answer in answers)

    perform("accept", aggregator_pb2.Duty(accept=aggregator_pb2.AcceptDuty(spec=to_wire(spec))))
    shown = 0
    for number, (digests, entries) in enumerate(arrived.pages()):
        perform("admit", _admit_duty(spec, number, digests, entries))
        shown += len(entries)
        told("admitted", shown, len(arrived.places))
    freeze = _freeze(spec, arrived)
    custodian.publish(freeze)
    endorse = aggregator_pb2.EndorseDuty(round_number=0, freeze_digest=freeze.digest)
    perform("endorse", aggregator_pb2.Duty(endorse=endorse))
    release = aggregator_pb2.ReleaseDuty(
        round_number=0,
        freeze_digest=freeze.digest,
        endorsements=[to_wire(one) for one in _endorsements(spec, freeze)],
    )
    perform("release", aggregator_pb2.Duty(release=release))
    perform("close", aggregator_pb2.Duty(close=aggregator_pb2.CloseDuty(round_number=0)))
    return CustodianCost(
        clients=len(spec.body.cohort),
        members=len(arrived.places),
        pages=len(taken["admit"]),
        seconds={step: sum(one.process for one in taken[step]) for step in STEPS},
        wall_seconds={step: sum(one.wall for one in taken[step]) for step in STEPS},
        peak_bytes=custodian.peak_bytes(),
        answer_bytes=answer_bytes,
    )


def _admit_duty(
    spec: Signed[Spec], number: int, digests: Sequence[bytes], entries: Sequence[bytes]
) -> aggregator_pb2.Duty:
    page = _signed(HeaderPage(STUDY, 0, spec.digest, number, tuple(digests)), AGGREGATOR)
    parsed = [aggregator_pb2.HeaderEntry.FromString(entry) for entry in entries]
    return aggregator_pb2.Duty(admit=aggregator_pb2.AdmitDuty(page=to_wire(page), entries=parsed))


def _freeze(spec: Signed[Spec], arrived: Arrived) -> Signed[Freeze]:
    by_client = {
        client_name(place): one
        for place, (one, _) in zip(arrived.places, arrived.digests, strict=True)
    }
    members = tuple(Member(client, by_client[client]) for client in sorted(by_client))
    return _signed(Freeze(STUDY, 0, spec.digest, members, freeze_root(members), ()), AGGREGATOR)


def _endorsements(spec: Signed[Spec], freeze: Signed[Freeze]) -> list[Signed[Endorsement]]:
    """A quorum's; those of the custodians that are not measured."""
    names = [name for name in custodian_names() if name != MEASURED][:QUORUM]
    return [
        _signed(Endorsement(STUDY, 0, spec.digest, freeze.digest, name), name) for name in names
    ]


def _signed(body: BodyT, signer: str) -> Signed[BodyT]:
    return sign(body, signer, identity_of(signer))


def _mould(spec: Signed[Spec]) -> HeaderMould:
    if spec.body.parameters is None:
        raise ValueError("expected the spec of a round")
    payload_bytes = spec.body.parameters.payload_bytes(spec.body.vector_length)
    return HeaderMould(spec.digest, spec.body.seal, payload_bytes, wrap_key_of(MEASURED).public)


def _silent(_what: str, _done: int, _total: int) -> None:
    """Tell nobody."""


def _tell(what: str, done: int, total: int) -> None:
    end = "\n" if done == total else ""
    sys.stderr.write(f"\r{what}: {done:,} of {total:,}{end}")
    sys.stderr.flush()


def main() -> int:
    """Measure once and print the figures as JSON."""
    parser = argparse.ArgumentParser(description="What a custodian does for many clients.")
    parser.add_argument("--clients", type=int, default=100_000)
    parser.add_argument("--seal", choices=("ckks", "masking"), default="ckks")
    parser.add_argument("--dropout", type=float, default=0.0)
    given = parser.parse_args()
    cost = measure_custodian(given.clients, given.seal, given.dropout, _tell)
    document = {
        "clients": cost.clients,
        "members": cost.members,
        "pages": cost.pages,
        "seconds": {step: round(value, 3) for step, value in cost.seconds.items()},
        "wall_seconds": {step: round(value, 3) for step, value in cost.wall_seconds.items()},
        "total_seconds": round(cost.total_seconds, 3),
        "microseconds_a_member": round(1e6 * cost.total_seconds / cost.members, 1),
        "peak_megabytes": round(cost.peak_bytes / 1e6, 1),
        "answer_bytes": dict(cost.answer_bytes),
    }
    sys.stdout.write(json.dumps(document, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
