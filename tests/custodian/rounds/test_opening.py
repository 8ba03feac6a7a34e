"""What custodians release opens the sum over the frozen set exactly, and nothing less or more."""

from collections.abc import Callable, Mapping
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pytest

from blindsum_crypto.ckks.opening import CkksAggregatorSeal
from blindsum_crypto.ckks.sealing import CkksClientSeal
from blindsum_crypto.errors import Aborted, Refused
from blindsum_crypto.seal import SealedMember
from blindsum_custodian.accept import AcceptDuty
from blindsum_custodian.close import CloseDuty
from blindsum_custodian.endorse import EndorseDuty
from blindsum_custodian.release import ReleaseDuty
from blindsum_rules.release import Release
from blindsum_rules.seal_parameters import ckks_parameters
from blindsum_rules.signed import Signed
from blindsum_rules.spec import Spec

MEMBER = SealedMember("client")  # of a member this seal asks nothing but its number

if TYPE_CHECKING:
    from tests.custodian.rounds.conftest import Play

Integers = npt.NDArray[np.int64]
LENGTH = 8  # seven values of the small model and the weight


def aggregator_seal(play: "Play", spec: Signed[Spec]) -> CkksAggregatorSeal:
    bound = play.study.weighted_codec.coordinate_bound
    return CkksAggregatorSeal(
        ckks_parameters(spec.body), play.study.committee, spec.digest, LENGTH, bound
    )


def run_round(
    play: "Play", spec: Signed[Spec], vectors: Mapping[str, Integers], members: list[str]
) -> tuple[npt.NDArray[np.uint64], dict[str, Release]]:
    """Everybody does their part; returns the sealed sum over the members and all releases."""
    seal = CkksClientSeal(
        ckks_parameters(spec.body),
        play.study.committee,
        spec.digest,
        LENGTH,
        play.study.weighted_codec.coordinate_bound,
    )
    submissions = play.submissions(spec, vectors)
    summing = aggregator_seal(play, spec)
    total = summing.zero()
    for one in submissions:
        payload = seal.seal(vectors[one.client], one.client, one.seeds, play.drawn).payload
        if one.client in members:
            for chunk in range(len(total)):
                start = chunk * summing.chunk_bytes
                summing.add(total, chunk, payload[start : start + summing.chunk_bytes])
    page = play.page(spec, submissions)
    freeze = play.freeze(spec, [one for one in submissions if one.client in members])
    for name in play.names:
        play.perform(name, AcceptDuty(spec))
        play.perform(name, play.admit_duty(name, page, submissions))
    endorse = EndorseDuty(spec.body.round_number, freeze.digest)
    endorsements = tuple(play.perform(name, endorse)[0] for name in play.names)
    duty = ReleaseDuty(spec.body.round_number, freeze.digest, endorsements[: play.study.quorum])
    return total, {name: play.perform(name, duty)[0].body for name in play.names}


def parts_of(releases: list[Release]) -> dict[int, bytes]:
    return {part.part: part.share for release in releases for part in release.parts}


@pytest.mark.parametrize("committee", [(1, 1, 1), (4, 2, 3)])
def test_any_t_custodians_open_the_sum_of_the_frozen_set_exactly(
    make_play: Callable[..., "Play"], committee: tuple[int, int, int]
) -> None:
    play = make_play(*committee)
    spec = play.spec()
    vectors = {
        name: np.arange(LENGTH, dtype=np.int64) * (index - 3) - index
        for index, name in enumerate(play.clients)
    }
    members = play.clients[1:5]

    total, releases = run_round(play, spec, vectors, members)

    expected = np.sum([vectors[name] for name in members], axis=0)
    opener = aggregator_seal(play, spec)
    for chosen in combinations(play.names, play.study.threshold):
        parts = parts_of([releases[name] for name in chosen])
        assert np.array_equal(opener.open(total.copy(), [MEMBER] * len(members), parts), expected)


def test_one_custodian_of_two_needed_opens_nothing(play: "Play") -> None:
    spec = play.spec()
    vectors = {name: np.ones(LENGTH, np.int64) for name in play.clients}
    total, releases = run_round(play, spec, vectors, play.clients[:4])
    opener = aggregator_seal(play, spec)
    for name in play.names:
        with pytest.raises(Refused) as caught:
            opener.open(total.copy(), [MEMBER] * 4, parts_of([releases[name]]))
        assert caught.value.rule == "missing-part"


def test_the_release_for_one_set_opens_no_other(play: "Play") -> None:
    """A late or left-out upload stays sealed: the key fits the frozen set alone."""
    spec = play.spec()
    vectors = {name: np.ones(LENGTH, np.int64) for name in play.clients}
    total, releases = run_round(play, spec, vectors, play.clients[:4])
    parts = parts_of(list(releases.values()))
    opener = aggregator_seal(play, spec)
    assert opener.open(total.copy(), [MEMBER] * 4, parts).tolist() == [4] * LENGTH

    other = play.submission(spec, "client-05")
    bound = play.study.weighted_codec.coordinate_bound
    seal = CkksClientSeal(
        ckks_parameters(spec.body), play.study.committee, spec.digest, LENGTH, bound
    )
    payload = seal.seal(vectors["client-05"], "client-05", other.seeds, play.drawn).payload
    for chunk in range(len(total)):
        opener.add(total, chunk, payload[chunk * opener.chunk_bytes :][: opener.chunk_bytes])

    with pytest.raises(Aborted):
        opener.open(total, [MEMBER] * 5, parts)


def test_a_part_of_another_round_opens_nothing(play: "Play") -> None:
    first = play.spec()
    vectors = {name: np.ones(LENGTH, np.int64) for name in play.clients}
    _, releases = run_round(play, first, vectors, play.clients)
    closes = [play.perform(name, CloseDuty(0))[0] for name in play.names]
    second = play.spec_after(first, closes)
    total, later = run_round(play, second, vectors, play.clients)

    mixed = parts_of(list(later.values())) | {
        releases[play.names[0]].parts[0].part: releases[play.names[0]].parts[0].share
    }
    with pytest.raises(Aborted):
        aggregator_seal(play, second).open(total, [MEMBER] * len(play.clients), mixed)
