"""Step 7, the aggregator's half: who has released, and whether every page of it is here."""

from sqlalchemy import Connection

from blindsum_aggregator.store.contributions import count_members
from blindsum_aggregator.store.messages import MessageKind, messages_of, pages_answered
from blindsum_aggregator.study import Study
from blindsum_rules.release import Release, joined, release_pages


def has_released(study: Study, connection: Connection, number: int, custodian: str) -> bool:
    """Whether every page of a custodian's release of a frozen round is here."""
    manifest = study.manifest_of(connection, number)
    index = manifest.custodian_index(custodian)
    seal = study.seal(study.spec(connection, number))
    part_bytes = seal.part_bytes(count_members(connection, study.name, number))
    pages = release_pages(len(manifest.committee.parts_of(index)), part_bytes)
    kind = MessageKind.RELEASE
    return len(pages_answered(connection, study.name, number, custodian, kind)) == pages


def released_by(study: Study, connection: Connection, number: int) -> list[str]:
    """The custodians whose whole releases are here, in manifest order."""
    return [
        custodian.name
        for custodian in study.manifest_of(connection, number).custodians
        if has_released(study, connection, number, custodian.name)
    ]


def released_parts(
    study: Study, connection: Connection, number: int
) -> dict[int, dict[int, bytes]]:
    """By manifest index, the whole parts of every custodian whose release is here."""
    kind, manifest = MessageKind.RELEASE, study.manifest_of(connection, number)
    pages = messages_of(connection, study.name, number, kind, Release)
    return {
        manifest.custodian_index(custodian): joined(
            one.body for one in pages if one.signer == custodian
        )
        for custodian in released_by(study, connection, number)
    }
