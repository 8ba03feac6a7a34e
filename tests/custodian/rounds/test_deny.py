"""A custodian denies a contribution by the rule that it breaks (threats T7 and T8)."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from blindsum_crypto.custody import commitment, encode_seeds, wrap_info
from blindsum_crypto.primitives import hpke_wrap
from blindsum_custodian.accept import AcceptDuty
from blindsum_rules.admission import Admission, Denial
from blindsum_rules.header import core_digest, wrap_digest
from blindsum_rules.signed import Signed
from blindsum_rules.spec import Spec

if TYPE_CHECKING:
    from tests.custodian.conftest import Submission
    from tests.custodian.rounds.conftest import Play

A, B = "custodian-0", "custodian-1"


@pytest.fixture
def spec(play: "Play") -> Signed[Spec]:
    """Round 0, accepted by A and B."""
    spec = play.spec()
    for name in (A, B):
        play.perform(name, AcceptDuty(spec))
    return spec


def denials_of(play: "Play", spec: Signed[Spec], *page: "Submission") -> tuple[Denial, ...]:
    (admission,) = play.perform(A, play.admit_duty(A, play.page(spec, page), page))
    assert isinstance(admission.body, Admission)
    return admission.body.denials


def test_a_stranger_is_denied_and_the_others_are_admitted(play: "Play") -> None:
    invited = tuple(play.clients[:4])
    spec = play.spec(cohort=invited)
    play.perform(A, AcceptDuty(spec))
    page = [play.submission(spec, name) for name in (*invited, "client-05")]

    (denial,) = denials_of(play, spec, *page)

    assert denial == Denial("client-05", page[-1].contribution.digest, "stranger")


def test_a_header_of_a_client_that_is_not_enrolled_is_denied(
    play: "Play", spec: Signed[Spec]
) -> None:
    unknown = play.submission(spec, "nobody", signer="client-01")
    assert [denial.rule for denial in denials_of(play, spec, unknown)] == ["stranger"]


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"round_id": b"x" * 32}, "wrong-round"),
        ({"round_number": 3}, "wrong-round"),
        ({"study": "another-study"}, "wrong-study"),
        ({"seal": "masking"}, "wrong-seal"),
        ({"payload_bytes": 17}, "payload-length"),
        ({"seed_commitments": (b"x" * 32,) * 3}, "seed-commitments"),
        ({"seed_commitments": (b"x" * 32,) * 4}, "seed-commitment-mismatch"),
    ],
)
def test_a_header_that_breaks_a_rule_is_denied_by_that_rule(
    play: "Play", spec: Signed[Spec], changes: dict[str, Any], rule: str
) -> None:
    bad, good = play.submission(spec, "client-00", **changes), play.submission(spec, "client-01")
    (denial,) = denials_of(play, spec, bad, good)
    assert denial == Denial("client-00", bad.contribution.digest, rule)


def test_a_client_on_an_earlier_page_is_denied_on_a_later_one(
    play: "Play", spec: Signed[Spec]
) -> None:
    play.perform(
        A, play.admit_duty(A, play.page(spec, s := play.submissions(spec, ["client-00"])), s)
    )
    again = play.submission(spec, "client-00")

    (admission,) = play.perform(A, play.admit_duty(A, play.page(spec, [again], page=1), [again]))

    (denial,) = admission.body.denials
    assert denial == Denial("client-00", again.contribution.digest, "repeated-client")


def test_a_client_twice_on_one_page_is_denied_the_second_time(
    play: "Play", spec: Signed[Spec]
) -> None:
    first, second = play.submission(spec, "client-00"), play.submission(spec, "client-00")
    (denial,) = denials_of(play, spec, first, second)
    assert denial == Denial("client-00", second.contribution.digest, "repeated-client")


def test_a_client_whose_wrap_was_denied_has_no_second_contribution(
    play: "Play", spec: Signed[Spec]
) -> None:
    bad = play.submission(spec, "client-00", seed_commitments=(b"x" * 32,) * 4)
    assert len(denials_of(play, spec, bad)) == 1
    again = play.submission(spec, "client-00")
    (admission,) = play.perform(A, play.admit_duty(A, play.page(spec, [again], page=1), [again]))
    assert [denial.rule for denial in admission.body.denials] == ["repeated-client"]


def rewrapped(play: "Play", true: "Submission", plaintext: bytes, info: bytes) -> "Submission":
    """The client's own header around another wrap for custodian A."""
    key = play.people.wrap_keys[A]
    wraps = (hpke_wrap(key.suite, key.public, info, plaintext), *true.wraps[1:])
    body = replace(true.contribution.body, wrap_digests=tuple(wrap_digest(wrap) for wrap in wraps))
    return replace(true, contribution=play.people.sign(body, true.client), wraps=wraps)


def test_a_wrap_for_another_place_or_of_other_contents_is_denied(
    play: "Play", spec: Signed[Spec]
) -> None:
    true = play.submission(spec, "client-00")
    core = core_digest(true.contribution.body.core_bytes)
    held = encode_seeds(true.seeds, play.study.committee.parts_of(0))
    infos = {
        "study": wrap_info("another-study", 0, A, core),
        "epoch": wrap_info("small-study", 1, A, core),
        "custodian": wrap_info("small-study", 0, B, core),
        "header": wrap_info("small-study", 0, A, b"x" * 32),
    }
    for page, info in enumerate(infos.values()):
        wrong = rewrapped(play, play.submission(spec, f"client-0{page}"), held, info)
        duty = play.admit_duty(A, play.page(spec, [wrong], page=page), [wrong])
        (admission,) = play.perform(A, duty)
        assert [denial.rule for denial in admission.body.denials] == ["bad-wrap"]
    short = play.submission(spec, "client-05")
    info = wrap_info("small-study", 0, A, core_digest(short.contribution.body.core_bytes))
    short = rewrapped(play, short, held[:-1], info)
    (admission,) = play.perform(A, play.admit_duty(A, play.page(spec, [short], page=4), [short]))
    assert [denial.rule for denial in admission.body.denials] == ["seeds-length"]


def test_seeds_that_differ_between_twins_are_denied_by_the_one_who_holds_the_false_one(
    play: "Play", spec: Signed[Spec]
) -> None:
    true = play.submission(spec, "client-00")
    info = wrap_info("small-study", 0, A, core_digest(true.contribution.body.core_bytes))
    false = rewrapped(play, true, bytes(32 * 3), info)
    page = play.page(spec, [false])

    (admission,) = play.perform(A, play.admit_duty(A, page, [false]))
    assert [denial.rule for denial in admission.body.denials] == ["seed-commitment-mismatch"]
    (admission,) = play.perform(B, play.admit_duty(B, page, [false]))
    assert admission.body.denials == ()


def test_a_copied_contribution_under_another_id_is_denied_by_every_custodian(
    play: "Play", spec: Signed[Spec]
) -> None:
    """Threat T7: the victim's payload digest, commitments and wraps, resubmitted by another."""
    victim = play.submission(spec, "client-00")
    core = victim.contribution.body.core
    copied = play.submission(
        spec,
        "client-01",
        payload_digest=core.payload_digest,
        seed_commitments=core.seed_commitments,
    )
    body = replace(copied.contribution.body, wrap_digests=victim.contribution.body.wrap_digests)
    copier = replace(copied, contribution=play.people.sign(body, "client-01"), wraps=victim.wraps)
    page = play.page(spec, [copier])
    for name in (A, B):
        (admission,) = play.perform(name, play.admit_duty(name, page, [copier]))
        assert [denial.rule for denial in admission.body.denials] == ["bad-wrap"]


def test_commitments_bind_the_client_even_when_the_wrap_opens(
    play: "Play", spec: Signed[Spec]
) -> None:
    """Threat T7's second line: the victim's commitments do not fit the copier's name."""
    own = play.submission(spec, "client-01")
    as_victim = tuple(
        commitment(spec.digest, "client-00", part, seed) for part, seed in own.seeds.items()
    )
    core = replace(own.contribution.body.core, seed_commitments=as_victim)
    assert core.seed_commitments != own.contribution.body.core.seed_commitments
    copier = play.submission(spec, "client-01", seed_commitments=as_victim)
    assert [denial.rule for denial in denials_of(play, spec, copier)] == [
        "seed-commitment-mismatch"
    ]


def test_a_header_replayed_from_an_earlier_round_is_denied(
    play: "Play", spec: Signed[Spec]
) -> None:
    old = play.submission(spec, "client-00")
    second = play.spec_after(spec, play.closes_of(spec, None, play.names[1:]))
    play.perform(A, AcceptDuty(second))
    assert [denial.rule for denial in denials_of(play, second, old)] == ["wrong-round"]
