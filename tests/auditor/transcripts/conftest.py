"""Plays whole studies and keeps their transcripts: honest ones, and others.

Everything is real: seeds, seals, releases, signatures. What a hostile party would do stands in a
`Plan`, and is done where that party would do it, under its own key.
"""

# `**changes` replaces any field of a frozen value; a file may hold any kind of message.
# ruff: noqa: ANN401

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from blindsum_auditor.report import Report
from blindsum_auditor.verify import verify
from blindsum_crypto import domains
from blindsum_crypto.log.merkle import root
from blindsum_crypto.primitives import digest
from blindsum_protos.convert.manifest import manifest_file_to_bytes
from blindsum_protos.convert.signed import signed_list_to_bytes, signed_to_bytes
from blindsum_rules import transcript
from blindsum_rules.acceptance import Acceptance
from blindsum_rules.admission import Admission, Denial, HeaderPage
from blindsum_rules.aggregate import Aggregate
from blindsum_rules.certificate import Abort, Certificate
from blindsum_rules.close import Close
from blindsum_rules.endorsement import Endorsement
from blindsum_rules.freeze import Freeze
from blindsum_rules.model import encode_model, model_digest, model_salt
from blindsum_rules.next_model import next_model
from blindsum_rules.release import Release
from blindsum_rules.seal_parameters import seal_parameters
from blindsum_rules.signed import Signed
from blindsum_rules.spec import PreviousRound, Spec, SpecKind
from blindsum_rules.spec_checks import wrap_key_digests

if TYPE_CHECKING:
    from tests.auditor.conftest import Founding, Plan


class Player:
    """All parties of a study at once; `files` is the transcript so far, path to bytes."""

    def __init__(self, founding: "Founding") -> None:
        self.founding, self.study = founding, founding.manifest.body
        self.files = {
            transcript.MANIFEST: manifest_file_to_bytes(founding.manifest, founding.approval)
        }
        self.number = self.version = 0
        self.model, self.salt = founding.initial_model, b""
        self.previous = PreviousRound(founding.manifest.digest)
        self.closes: tuple[Signed[Close], ...] = ()
        self.endorsements: tuple[Signed[Endorsement], ...] = ()

    def spec(self, cohort: tuple[str, ...] = (), **changes: Any) -> Signed[Spec]:
        is_round, now = bool(cohort), self.founding.start_unix + self.number * 2_000
        spec = Spec(
            study=self.study.study,
            kind=SpecKind.ROUND if is_round else SpecKind.END,
            round_number=self.number,
            amendment_digest=self.founding.manifest.digest,
            epoch=0,
            model_version=self.version,
            model_digest=model_digest(self.model, self.salt),
            previous=self.previous,
            closes=self.closes[:3],
            endorsements=self.endorsements,
            vector_length=self.study.vector_length,
            seal="ckks",
            parameters=seal_parameters(self.study, self.study.seals[0], len(cohort))
            if is_round
            else None,
            codec=self.study.codec,
            cohort=cohort,
            min_cohort=self.study.min_cohort,
            wrap_key_digests=wrap_key_digests(self.study) if is_round else (),
            contribute_deadline_unix=now,
            release_deadline_unix=now + 600 if is_round else now,
        )
        return self.founding.sign(replace(spec, **changes), "aggregator")

    def play(self, **plan: Any) -> "PlayedRound":
        """One round, from its spec to its closes."""
        played = PlayedRound(self, self.founding.plan(**plan))
        played.play()
        self.number += 1
        return played

    def end(self, **changes: Any) -> "Player":
        spec = self.spec(**changes)
        accepted = self.founding.by_all(Acceptance("heart", self.number, spec.digest, ""))
        self.files[transcript.end_file(transcript.SPEC)] = signed_to_bytes(spec)
        self.files[transcript.end_file(transcript.ACCEPTANCES)] = signed_list_to_bytes(accepted)
        return self

    def write_to(self, folder: Path) -> Path:
        for name, content in self.files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
        return folder


class PlayedRound:
    """One round of a player; tests may take its messages and write others in their place."""

    def __init__(self, player: Player, plan: "Plan") -> None:
        self.player, self.plan, self.founding = player, plan, player.founding
        roster = tuple(client.name for client in player.study.clients)
        self.custodians = tuple(custodian.name for custodian in player.study.custodians)
        self.spec = player.spec(roster if plan.cohort is None else plan.cohort, **plan.spec)
        self.place = (self.spec.body.study, self.spec.body.round_number, self.spec.digest)
        self.seal = self.founding.seal_of(self.spec)
        self.abort: Signed[Abort] | None = None
        self.certificate: Signed[Certificate] | None = None
        self.given: tuple[Signed[Release], ...] = ()

    def play(self) -> None:
        plan, by_all, sign = self.plan, self.founding.by_all, self.founding.sign
        sends = self.spec.body.cohort if plan.sends is None else plan.sends
        self.acceptances = by_all(Acceptance(*self.place, ""), self.custodians[: plan.acceptors])
        self.contributions = tuple(sign(self.seal.contribute(one), one) for one in sends)
        digests = tuple(one.digest for one in self.contributions)
        # Two pages, so that an admission of one is not an admission of all.
        halves = enumerate(half for half in (digests[:2], digests[2:]) if half)
        pages = [HeaderPage(*self.place, number, half) for number, half in halves]
        self.pages = tuple(sign(page, "aggregator") for page in pages)
        self.admissions = tuple(
            sign(self.admit(page, name), name)
            for page in pages
            for name in self.custodians
            if name not in plan.silent
        )
        received = [
            (one.body.core.client, one.digest)
            for one in self.contributions
            if one.body.core.client not in plan.hidden
        ]
        freeze = self.founding.freeze(self.place, received, plan.left_out, plan.left_out_by)
        self.freeze = freeze if plan.freezes else None
        frozen = b"" if self.freeze is None else self.freeze.digest
        endorsers = self.custodians[: plan.endorsers if frozen else 0]
        self.endorsements = by_all(Endorsement(*self.place, frozen, ""), endorsers)
        self.write_messages()
        self.player.previous = PreviousRound(self.spec.digest, frozen)
        self.player.endorsements = ()
        if self.freeze is None or plan.aborts_by:
            abort = Abort(*self.place, frozen, plan.aborts_by, "expected otherwise")
            self.abort = sign(abort, "aggregator")
            self.write(transcript.ABORT, self.abort)
        else:
            self.publish(self.freeze)
        self.close(frozen, endorsers)

    def close(self, frozen: bytes, endorsers: tuple[str, ...]) -> None:
        named = {name: frozen if name in endorsers else b"" for name in self.custodians}
        digest, closes = self.founding.manifest.digest, []
        for name in self.custodians[: self.plan.closers]:
            said = self.plan.closes_with(name, named[name])
            closes.append(self.founding.sign(Close(*self.place[:2], said, "", digest), name))
        self.player.closes = tuple(closes)
        self.write(transcript.CLOSES, self.player.closes)

    def write(self, name: str, content: Any) -> None:
        """Put a file of this round into the transcript: bytes, one message, or a list of them."""
        if isinstance(content, Signed):
            content = signed_to_bytes(content)
        elif isinstance(content, tuple):
            content = signed_list_to_bytes(content)
        self.player.files[transcript.round_file(self.place[1], name)] = content

    def write_messages(self) -> None:
        self.write(transcript.SPEC, self.spec)
        self.write(transcript.MODEL, encode_model(self.player.model))
        self.write(transcript.ACCEPTANCES, self.acceptances)
        self.write(transcript.CONTRIBUTIONS, self.contributions)
        self.write(transcript.PAGES, self.pages)
        self.write(transcript.ADMISSIONS, self.admissions)
        self.write(transcript.ENDORSEMENTS, self.endorsements)
        if self.freeze is not None:
            self.write(transcript.FREEZE, self.freeze)

    def admit(self, page: HeaderPage, custodian: str) -> Admission:
        denied = self.plan.denies.get(custodian, ())
        denials = tuple(
            Denial(one.body.core.client, one.digest, "bad-wrap")
            for one in self.contributions
            if one.digest in page.contribution_digests and one.body.core.client in denied
        )
        return Admission(*self.place, page.page, root(page.contribution_digests), denials, "")

    def release(self, custodian: str, freeze: Signed[Freeze]) -> Signed[Release]:
        given = tuple(
            replace(part, share=self.plan.releases(custodian, part.share))
            for part in self.seal.release(custodian, sorted(freeze.body.clients))
        )
        return self.founding.sign(Release(*self.place, freeze.digest, 0, given, ""), custodian)

    def publish(self, freeze: Signed[Freeze]) -> None:
        plan, clients = self.plan, sorted(freeze.body.clients)
        sum_bytes = plan.sum_bytes(self.seal.sum_of(clients))
        releases = tuple(self.release(name, freeze) for name in self.custodians)
        differing = plan.certificate.get("disagreeing", ())
        agreeing = [release for release in releases if release.signer not in differing]
        parts = {part.part: part.share for one in agreeing for part in one.body.parts}
        opened = plan.opened(self.seal.open(self.seal.sum_of(clients), len(clients), parts))
        aggregate = Aggregate(digest(domains.MODEL_SALT, self.spec.digest), opened)
        exception_digest = b""
        if plan.exception:
            version = self.player.version
            exception_digest, file = self.founding.exception(self.place[1], version, clients)
            self.write(transcript.EXCEPTION, file)
        certificate = Certificate(
            *self.place,
            acceptance_digests=distinct(self.acceptances),
            contribution_digests=tuple(one.digest for one in self.contributions),
            page_digests=tuple(one.digest for one in self.pages),
            admission_digests=tuple(one.digest for one in self.admissions),
            freeze_digest=freeze.digest,
            endorsement_digests=distinct(self.endorsements),
            exception_digest=exception_digest,
            release_digests=distinct(releases),
            sealed_sum_root=root(self.seal.chunks(sum_bytes)),
            aggregate_commitment=aggregate.commitment,
            opened_by=tuple(release.signer for release in agreeing),
            disagreeing=(),
        )
        certificate = replace(certificate, **plan.certificate)
        self.certificate, self.given = self.founding.sign(certificate, "aggregator"), releases
        self.write(transcript.CERTIFICATE, self.certificate)
        self.write(transcript.RELEASES, releases)
        self.write(transcript.SEALED_SUM, sum_bytes)
        self.write(transcript.AGGREGATE, aggregate.encode())
        for client, payload in self.seal.payloads.items():
            self.write(f"{transcript.PAYLOADS}/{client}.bin", payload)
        self.move_on(aggregate)

    def move_on(self, aggregate: Aggregate) -> None:
        """The record of this round, and the model that the next one starts from."""
        player = self.player
        player.previous = replace(player.previous, aggregate_commitment=aggregate.commitment)
        moved = next_model(player.study, player.model, aggregate.values, self.spec.digest)
        player.model = self.plan.next(moved)
        player.salt = model_salt(aggregate.salt, self.spec.digest)
        player.version += 1
        player.endorsements = self.endorsements


def distinct(signed_bodies: tuple[Signed[Any], ...]) -> tuple[bytes, ...]:
    return tuple(sorted({signed.digest for signed in signed_bodies}))


@pytest.fixture(scope="session")
def player(found: "Callable[..., Founding]") -> Callable[..., Player]:
    """Begin a study: `player(min_cohort=3).play(left_out=("hungary",))`."""
    return lambda **changes: Player(found(**changes))


@pytest.fixture(scope="session")
def honest(player: Callable[..., Player]) -> Player:
    """An ended study of three rounds: of all, aborted before a freeze, one client left out."""
    study = player()
    study.play()
    study.play(sends=("cleveland",), freezes=False, aborts_by="too-few-contributions")
    study.play(left_out=("hungary",), denies={"custodian-d": ("hungary",)}, endorsers=3)
    return study.end()


@pytest.fixture
def folder(honest: Player, tmp_path: Path) -> Path:
    """A copy of the honest transcript, to be spoiled."""
    return honest.write_to(tmp_path / "transcript")


@pytest.fixture
def audit(tmp_path: Path) -> Callable[..., Report]:
    """Write a player's transcript and verify it under its manifest's digest."""

    def written_and_verified(study: Player, **changes: Any) -> Report:
        folder = study.write_to(tmp_path / "transcript")
        return verify(folder, study.founding.manifest.digest, **changes)

    return written_and_verified


@pytest.fixture(scope="session")
def says() -> Callable[[Report, str, str, str], bool]:
    """Whether a check failed in a file by a rule: `says(report, check, file, rule)`."""

    def failed(report: Report, check: str, file: str, rule: str) -> bool:
        return any(
            (one.check, one.file) == (check, file) and one.sentence.startswith(f"{rule}:")
            for one in report.failed
        )

    return failed
