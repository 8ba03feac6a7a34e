"""Opening and publishing with custodians that lie, and with clients that send garbage."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest
from tests.aggregator.cast import Cast, Integers, Sent, payload_digest, vector_of
from tests.aggregator.stage import Stage

from blindsum_aggregator.certifying import Published, certify
from blindsum_aggregator.combining import Sealed, open_sum
from blindsum_aggregator.store.messages import MessageKind
from blindsum_auditor.report import Level
from blindsum_auditor.verify import verify
from blindsum_crypto.errors import Refused
from blindsum_crypto.seal import SealedMember
from blindsum_rules.acceptance import Acceptance
from blindsum_rules.aggregate import decode_aggregate
from blindsum_rules.certificate import Abort, Certificate
from blindsum_rules.endorsement import Endorsement
from blindsum_rules.outcome_checks import check_certificate
from blindsum_rules.release import PartRelease, Release
from blindsum_rules.transitions import AggregatorState


@pytest.fixture
def endorsed(stage: Stage) -> Stage:
    stage.play_to(AggregatorState.ENDORSED)
    return stage


def honest(stage: Stage, custodian: str) -> Release:
    sent = {client: one for (_, client), one in stage.sent.items()}
    return stage.cast.release(stage.spec, stage.freeze, custodian, sent)


def lying(release: Release) -> Release:
    """One bit of its first part turned; the word is still a residue."""
    first, *rest = release.parts
    share = bytes([first.share[0] ^ 1]) + first.share[1:]
    return replace(release, parts=(PartRelease(first.part, share), *rest))


def certificate(stage: Stage) -> Certificate:
    (signed,) = stage.messages(MessageKind.CERTIFICATE, Certificate)
    body: Certificate = signed.body
    return body


def opened(stage: Stage) -> Integers:
    blob = stage.study.blobs.require(stage.row.commitment)
    return decode_aggregate(blob, stage.cast.manifest.vector_length).values


def expected(clients: Sequence[str]) -> Integers:
    total: Integers = np.sum([vector_of(client) for client in clients], axis=0)
    return total


def test_any_two_honest_custodians_are_enough(endorsed: Stage, cast: Cast) -> None:
    for custodian in ("custodian-1", "custodian-3"):
        endorsed.answer(honest(endorsed, custodian), custodian)

    assert endorsed.settle() is AggregatorState.PUBLISHED
    assert certificate(endorsed).opened_by == ("custodian-1", "custodian-3")
    assert np.array_equal(opened(endorsed), expected(cast.clients))


@pytest.mark.parametrize("liar", range(4))
def test_a_lying_custodian_is_named_and_the_round_completes(
    endorsed: Stage, cast: Cast, liar: int
) -> None:
    """T13 at (4, 2): the liar answers first, and the three others' equal parts say who it is."""
    names = list(cast.custodians)
    name = names.pop(liar)
    endorsed.answer(lying(honest(endorsed, name)), name)
    endorsed.answer(honest(endorsed, names[0]), names[0])
    assert endorsed.settle() is AggregatorState.RELEASED

    # Two agree and open; whether it is the third that lied, the fourth will say.
    endorsed.answer(honest(endorsed, names[1]), names[1])
    assert endorsed.settle() is AggregatorState.RELEASED
    endorsed.answer(honest(endorsed, names[2]), names[2])

    assert endorsed.settle() is AggregatorState.PUBLISHED
    assert certificate(endorsed).disagreeing == (name,)
    assert certificate(endorsed).opened_by == tuple(sorted(names))
    assert np.array_equal(opened(endorsed), expected(cast.clients))


def test_beside_a_liar_and_a_silent_one_the_round_completes_at_the_release_deadline(
    endorsed: Stage, cast: Cast
) -> None:
    endorsed.answer(lying(honest(endorsed, "custodian-0")), "custodian-0")
    for name in cast.custodians[1:3]:
        endorsed.answer(honest(endorsed, name), name)
    assert endorsed.settle() is AggregatorState.RELEASED

    endorsed.clock.now = endorsed.row.release_deadline_unix

    assert endorsed.settle() is AggregatorState.PUBLISHED
    assert certificate(endorsed).disagreeing == ("custodian-0",)
    assert np.array_equal(opened(endorsed), expected(cast.clients))


def test_an_auditor_accepts_a_round_with_a_named_liar(endorsed: Stage, cast: Cast) -> None:
    endorsed.answer(lying(honest(endorsed, "custodian-0")), "custodian-0")
    for name in cast.custodians[1:]:
        endorsed.answer(honest(endorsed, name), name)
    endorsed.settle()
    endorsed.leave()

    report = verify(endorsed.study.transcript, cast.signed_manifest.digest, Level.ENTITLED)

    assert not report.failed


def test_one_liar_alone_with_one_honest_custodian_waits_and_blames_nobody(
    endorsed: Stage,
) -> None:
    endorsed.answer(lying(honest(endorsed, "custodian-0")), "custodian-0")
    endorsed.answer(honest(endorsed, "custodian-1"), "custodian-1")
    assert endorsed.settle() is AggregatorState.RELEASED

    endorsed.clock.now = endorsed.row.release_deadline_unix

    assert endorsed.settle() is AggregatorState.ABORTED
    assert endorsed.row.rule == "residual-gate"
    assert endorsed.row.commitment == b""


def test_when_everybody_answered_and_no_two_agree_the_round_is_aborted_at_once(
    endorsed: Stage, cast: Cast
) -> None:
    for index, name in enumerate(cast.custodians):
        release = honest(endorsed, name)
        share = bytes([index + 1]) + release.parts[0].share[1:]
        spoiled = [PartRelease(part.part, share) for part in release.parts]
        endorsed.answer(replace(release, parts=tuple(spoiled)), name)

    assert endorsed.settle() is AggregatorState.ABORTED
    assert endorsed.row.rule in {"twins-disagree", "residual-gate"}


def garbage(stage: Stage, client: str) -> Sent:
    """Honest in every respect, but the sealed words are random: nothing opens."""
    sent = stage.cast.contribute(stage.spec, client)
    shift = stage.cast.contribute(stage.spec, client).payload
    core = replace(sent.contribution.body.core, payload_digest=payload_digest(shift))
    wraps = stage.cast.wraps_for(core, sent)
    return replace(sent, payload=shift, wraps=wraps, contribution=stage.cast.header(core, wraps))


def test_a_garbage_client_ends_the_round_by_a_gate_and_nothing_is_published(
    stage: Stage, cast: Cast
) -> None:
    """T15: an abort, never a silent wrong sum; the freeze counts, and the next set respects it."""
    stage.settle()
    stage.accept()
    stage.upload(garbage(stage, "client-0"))
    stage.contribute(cast.clients[1:])
    stage.admit()
    stage.endorse()

    assert stage.release() is AggregatorState.ABORTED

    assert stage.row.rule == "residual-gate"
    (abort,) = stage.messages(MessageKind.ABORT, Abort)
    assert abort.body.freeze_digest == stage.row.freeze_digest
    folder = stage.study.transcript / "rounds" / "000000"
    assert sorted(path.name for path in folder.iterdir()) == [
        "abort.pb",
        "acceptances.pb",
        "admissions.pb",
        "contributions.pb",
        "endorsements.pb",
        "freeze.pb",
        "model.bin",
        "pages.pb",
        "spec.pb",
    ]
    members = stage.freeze.body.clients
    stage.leave()
    assert set(stage.spec.body.cohort) == members
    report = verify(stage.study.transcript, cast.signed_manifest.digest, Level.ENTITLED)
    assert not report.failed


def test_the_certificate_is_what_clients_check(endorsed: Stage, cast: Cast) -> None:
    endorsed.release()

    (signed,) = endorsed.messages(MessageKind.CERTIFICATE, Certificate)
    check_certificate(
        signed,
        endorsed.spec,
        endorsed.messages(MessageKind.ACCEPTANCE, Acceptance),
        endorsed.freeze,
        endorsed.messages(MessageKind.ENDORSEMENT, Endorsement),
        cast.manifest,
    )


def test_a_release_that_came_during_the_opening_is_in_no_certificate(
    endorsed: Stage, cast: Cast
) -> None:
    for name in cast.custodians[:3]:
        endorsed.answer(honest(endorsed, name), name)
    asyncio.run(endorsed.driver.step())
    assert endorsed.row.state is AggregatorState.RELEASED
    compared = cast.custodians[:2]
    published = Published(compared, (), bytes(32), bytes(range(32)), 0, endorsed.row.model_digest)

    endorsed.store.write(lambda c: certify(endorsed.study, c, 0, published))

    releases = endorsed.messages(MessageKind.RELEASE, Release)
    expected = sorted(one.digest for one in releases if one.signer in compared)
    assert list(certificate(endorsed).release_digests) == expected


def test_payloads_and_sums_are_deleted_once_a_round_is_filed(endorsed: Stage) -> None:
    folder = endorsed.settings.state_directory / "heart"
    assert list((folder / "spool").rglob("*.sealed"))

    endorsed.release()

    assert not list((folder / "spool").rglob("*.sealed"))
    assert not list((folder / "sums").rglob("*.sum"))


def test_kept_payloads_move_into_the_transcript(
    cast: Cast, build_stage: Callable[..., Stage]
) -> None:
    stage = build_stage(cast, keep_payloads=True)
    stage.play_to(AggregatorState.PUBLISHED)

    for client in cast.clients:
        path = stage.study.transcript / "rounds" / "000000" / "payloads" / f"{client}.bin"
        assert path.read_bytes() == stage.sent[0, client].payload


def test_an_orphaned_aggregate_is_swept_at_the_next_start(endorsed: Stage) -> None:
    digest = bytes(range(32))
    endorsed.study.blobs.put(digest, b"the sum of a publication that was cut short")

    endorsed.restart()

    assert endorsed.study.blobs.get(digest) is None
    assert endorsed.study.blobs.get(endorsed.row.model_digest) is not None


def test_without_every_part_nothing_is_opened(endorsed: Stage, cast: Cast) -> None:
    endorsed.answer(honest(endorsed, "custodian-0"), "custodian-0")
    assert endorsed.settle() is AggregatorState.ENDORSED
    seal = endorsed.study.seal(endorsed.spec)
    parts = {part.part: part.share for part in honest(endorsed, "custodian-0").parts}

    with pytest.raises(Refused) as caught:
        open_sum(
            Sealed(seal, seal.zero(), [SealedMember("")] * 5), cast.manifest.committee, {0: parts}
        )

    assert caught.value.rule == "missing-part"
