"""Private rounds of real processes, under both seals: the opened sum less the known sum is noise.

Ten sites, four custodians and the aggregator, a process each, over sockets; 10^6 coordinates. The
updates lie on the integer grid, where the rounding adds nothing, so what is left is the sum of the
ten shares, and `noise_check.py` holds it against |U| mu_l. Then four rounds with cheats, which the
same check must find (threat T18). `test_private_rounds_power.py` measures how often it does.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from tests.integration import noise_check
from tests.integration.noise_town import CUSTODIANS, NoiseStudy, set_up
from tests.integration.noise_units import (
    HONEST_ROUNDS,
    OMITTED_IN,
    QUIETER_IN,
    REUSED_FROM,
    REUSED_IN,
    ROUNDS,
    SITES,
    Integers,
    known_levels,
)
from tests.integration.town import Town

from blindsum_auditor.report import Level
from blindsum_auditor.verify import verify
from blindsum_cli.demo.exactness import read_round
from blindsum_cli.demo.processes import Processes, running

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
SEALS = ("ckks", "masking")


@dataclass(frozen=True)
class Ran:
    """A study whose rounds are over."""

    study: NoiseStudy

    def noise(self, number: int) -> Integers:
        """The opened sum, as an entitled reader of the transcript has it, less the known sum."""
        opened = read_round(self.study.study.transcript, number, self.study.manifest)
        assert opened.members == SITES
        noise = opened.aggregate.values.copy()
        for site in opened.members:
            noise -= known_levels(site, number, self.study.codec)
        return noise

    def noises(self, *numbers: int) -> list[Integers]:
        return [self.noise(number) for number in numbers]

    @property
    def variance(self) -> int:
        """|U| mu_l, from the manifest."""
        return len(SITES) * self.study.codec.share.variance


@pytest.fixture(scope="module", params=SEALS)
def ran(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Ran:
    study = set_up(tmp_path_factory.mktemp("noise"), request.param)
    with pytest.MonkeyPatch.context() as patch, running(study.setup.places.logs) as processes:
        patch.setenv("PYTHONPATH", str(ROOT))
        town = Town(study.setup, processes, SITES)
        town.attend(*CUSTODIANS, is_new=True)
        for site in SITES:
            start_site(processes, study, site, town.address)
        for number in range(ROUNDS):
            town.open_round(number)
            assert not town.wait_for_close(number).ended_by_rule
        town.wait_until(lambda: all(processes.has_ended(site) for site in SITES))
        processes.check(SITES)
        town.standings.close()
    return Ran(study)


def start_site(processes: Processes, study: NoiseStudy, site: str, address: str) -> None:
    places, party = study.setup.places, study.setup.places.client(site)
    words: list[str | Path] = [
        site,
        study.study.manifest_file,
        study.study.digest,
        party.key,
        party.state,
    ]
    words += [places.initial_model, address, party.passphrase]
    processes.start(site, "tests.integration.noise_client", words)


def test_what_is_left_of_an_honest_study_is_the_noise_that_was_promised(ran: Ran) -> None:
    assert noise_check.broken(ran.noises(*HONEST_ROUNDS), ran.variance) == set()


def test_the_known_sum_is_no_trivial_one(ran: Ran) -> None:
    """Without it the noise would be there all the same, so it must be there to be taken off."""
    opened = read_round(ran.study.study.transcript, 0, ran.study.manifest)
    known = opened.aggregate.values - ran.noise(0)

    assert np.count_nonzero(known) > 0.8 * known.size
    assert np.abs(known).max() >= ran.study.codec.levels - 1


def test_noise_of_which_every_site_gives_half_a_percent_less_is_found(ran: Ran) -> None:
    """Over two rounds, where it is 10 deviations too small: one round may miss it, 15 in 1,000."""
    broken = noise_check.broken(ran.noises(*QUIETER_IN), ran.variance)

    assert "variance of all rounds" in broken


def test_one_site_of_ten_that_omits_its_noise_is_found(ran: Ran) -> None:
    broken = noise_check.broken(ran.noises(OMITTED_IN), ran.variance)

    assert "variance of round 0" in broken


def test_noise_that_one_site_of_ten_uses_again_is_found(ran: Ran) -> None:
    broken = noise_check.broken(ran.noises(REUSED_FROM, REUSED_IN), ran.variance)

    assert broken == {"rounds 0 and 1", "shifts of rounds 0 and 1"}


def test_an_auditor_accepts_the_whole_transcript(ran: Ran) -> None:
    report = verify(ran.study.study.transcript, ran.study.study.signed.digest)

    assert report.accepted, report.failed
    assert report.level is Level.ENTITLED
    assert report.rounds == ROUNDS
    assert report.ended
