"""What custodians signed is fetched by its digest: each one's own, and no release."""

from typing import Any

import pytest
from tests.aggregator.stage import Stage

from blindsum_aggregator.store.messages import MessageKind, find_served
from blindsum_protos.convert.signed import signed_from_bytes
from blindsum_rules.acceptance import Acceptance
from blindsum_rules.admission import Admission
from blindsum_rules.certificate import Certificate
from blindsum_rules.endorsement import Endorsement
from blindsum_rules.release import Release
from blindsum_rules.transitions import AggregatorState


def served(stage: Stage, digest: bytes) -> bytes | None:
    return stage.store.read(lambda connection: find_served(connection, "heart", digest))


@pytest.mark.parametrize(
    ("kind", "body", "field"),
    [
        (MessageKind.ACCEPTANCE, Acceptance, "acceptance_digests"),
        (MessageKind.ADMISSION, Admission, "admission_digests"),
        (MessageKind.ENDORSEMENT, Endorsement, "endorsement_digests"),
    ],
)
def test_each_custodian_s_word_is_listed_and_served_by_its_own_digest(
    stage: Stage, kind: MessageKind, body: type[Any], field: str
) -> None:
    stage.play_to(AggregatorState.PUBLISHED)
    certificate = stage.messages(MessageKind.CERTIFICATE, Certificate)[0].body
    by_digest = {one.digest: one for one in stage.messages(kind, body)}

    assert {one.signer for one in by_digest.values()} == set(stage.cast.custodians)
    assert sorted(getattr(certificate, field)) == sorted(by_digest)
    for digest, message in by_digest.items():
        data = served(stage, digest)
        assert data is not None
        assert signed_from_bytes(body, data, stage.cast.manifest.custodian_keys) == message


def test_releases_have_digests_of_their_own_and_are_served_to_nobody(stage: Stage) -> None:
    stage.play_to(AggregatorState.PUBLISHED)
    releases = stage.messages(MessageKind.RELEASE, Release)

    assert len({one.digest for one in releases}) == len(releases) > 1
    assert [served(stage, one.digest) for one in releases] == [None] * len(releases)
