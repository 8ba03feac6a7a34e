"""Bytes of every kind of message of a round, as the protocol buffers spell the real ones."""

from collections.abc import Sequence
from typing import Any

from blindsum_cli.bench.study import Study
from blindsum_client.sealing import SealedContribution
from blindsum_protos.convert.signed import sign, signed_to_bytes
from blindsum_rules.admission import HeaderPage
from blindsum_rules.aggregate import Aggregate
from blindsum_rules.signed import Signed


def message_sizes(
    study: Study,
    contributions: Sequence[SealedContribution],
    release: Sequence[Signed[Any]],
    aggregate: Aggregate,
) -> dict[str, int]:
    """Bytes by message, one of each; what gRPC and TLS add is not in them.

    Args:
        study: Whose round it is.
        contributions: What arrived; payloads are not looked at.
        release: One custodian's release, all its pages.
        aggregate: What was opened.
    """
    one = contributions[0]
    return {
        "spec": len(signed_to_bytes(study.spec)),
        "header": len(signed_to_bytes(one.contribution)),
        "wraps": sum(map(len, one.wraps)),
        "pair table": len(one.pair_table),
        "page": _page_bytes(study, contributions),
        "release": sum(len(signed_to_bytes(page)) for page in release),
        "aggregate": len(aggregate.encode()),
    }


def _page_bytes(study: Study, contributions: Sequence[SealedContribution]) -> int:
    """All headers with the first custodian's wraps behind one signed page (a long list takes more).

    Every page beyond the first would add its own signature and identifiers, some 250 bytes.
    """
    spec = study.spec
    page = HeaderPage(
        study=spec.body.study,
        round_number=spec.body.round_number,
        round_id=spec.digest,
        page=0,
        contribution_digests=tuple(one.contribution.digest for one in contributions),
    )
    signed = sign(page, study.manifest.body.aggregator.name, study.aggregator)
    entries = (len(signed_to_bytes(one.contribution)) + len(one.wraps[0]) for one in contributions)
    return len(signed_to_bytes(signed)) + sum(entries)
