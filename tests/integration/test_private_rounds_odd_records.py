"""A record that is not finite changes nothing that anybody but its own site can see.

Whether a site takes part, what it sends and whether it is refused must not hang on a record: a unit
with a NaN or an infinity adds zero, its site's noise stays. Here three of ten sites hold such
records, one of them nothing else; aggregator and custodians are real processes, and the sites'
calls are recorded on their way to the wire.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import pytest
from google.protobuf.message import Message
from tests.integration import noise_check
from tests.integration.noise_town import CUSTODIANS, NoiseStudy, set_up
from tests.integration.noise_units import SITES, Floats, Integers, known_levels, units_of
from tests.integration.town import PASSPHRASE, Town

from blindsum_auditor.verify import verify
from blindsum_cli.demo.exactness import read_round
from blindsum_cli.demo.processes import running
from blindsum_client import Client
from blindsum_client import client as client_module
from blindsum_protos.calling import AggregatorCalls
from blindsum_protos.v1 import contribution_pb2
from blindsum_rules import transcript
from blindsum_rules.codec.unit_codec import UnitCodec
from blindsum_rules.codec.units import UnitReport
from blindsum_rules.receipt import Receipt
from blindsum_rules.signed import Signed

pytestmark = pytest.mark.slow

DIMENSION: Final = 20_000
WITH_NAN, WITH_INFINITY, ODD_THROUGHOUT = SITES[:3]
ODD: Final = {WITH_NAN: 1, WITH_INFINITY: 1, ODD_THROUGHOUT: 3}
SEALS: Final = ("ckks", "masking")

_POLLED: Final = {"NextRound", "GetOutcome"}  # how often they are asked is a matter of timing


class RecordedCalls(AggregatorCalls):
    """The client's calls, and of each that contributes its name and the bytes of its messages."""

    def __init__(self, *arguments: Any, **named: Any) -> None:  # noqa: ANN401
        super().__init__(*arguments, **named)
        self.made: list[tuple[str, int]] = []

    def unary(self, method: str, request: Message, timeout_seconds: float) -> Any:  # noqa: ANN401
        if method not in _POLLED:
            self.made.append((method, request.ByteSize()))
        return super().unary(method, request, timeout_seconds)

    def upload(
        self, chunks: Iterator[contribution_pb2.PayloadChunk], timeout_seconds: float
    ) -> contribution_pb2.UploadState:
        def recorded() -> Iterator[contribution_pb2.PayloadChunk]:
            for chunk in chunks:
                self.made.append(("upload", chunk.ByteSize()))
                yield chunk

        return super().upload(recorded(), timeout_seconds)


@dataclass(frozen=True)
class Took:
    """What one site saw of its own part in the round."""

    report: UnitReport
    receipt: Signed[Receipt]
    included: bool
    calls: list[tuple[str, int]] = field(repr=False)
    integers: Integers = field(repr=False)


@dataclass(frozen=True)
class Ran:
    """A study of one round, over."""

    study: NoiseStudy
    took: dict[str, Took]

    @property
    def opened(self) -> Integers:
        one = read_round(self.study.study.transcript, 0, self.study.manifest)
        assert one.members == SITES
        return one.aggregate.values


def odd_units(site: str, codec: UnitCodec) -> Iterator[Floats]:
    """The site's three units, of which some hold a value that is not finite, and others beside."""
    for place, unit in enumerate(units_of(site, 0, codec)):
        bad = np.nan if site != WITH_INFINITY else -np.inf
        if site in ODD and (place == 2 or site == ODD_THROUGHOUT):
            unit[0, :100] = 0.25
            unit[0, 1000 * place + 7] = bad
        yield unit


def known(site: str, codec: UnitCodec) -> Integers:
    """What is known of a site: odd units count as zero, like the unit in their place elsewhere."""
    if site == ODD_THROUGHOUT:
        return np.zeros(codec.dimension, np.int64)
    return known_levels(site, 0, codec)


def take_part(study: NoiseStudy, site: str, address: str) -> Took:
    places, party = study.setup.places, study.setup.places.client(site)
    with Client.join(
        study.study.manifest_file,
        digest=study.study.digest,
        key_file=party.key,
        passphrase=PASSPHRASE,
        aggregator=address,
        state=party.state,
        initial_model=places.initial_model,
    ) as client:
        calls = client._transport._calls
        assert isinstance(calls, RecordedCalls)
        round_ = next(iter(client.rounds()))
        integers, report = client.encode_units(round_, odd_units(site, study.codec))
        receipt = client.contribute(round_, integers)
        outcome = client.outcome(round_)
        return Took(report, receipt, outcome.included, list(calls.made), integers)


@pytest.fixture(scope="module", params=SEALS)
def ran(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Ran:
    study = set_up(tmp_path_factory.mktemp("odd"), request.param, DIMENSION, rounds=1)
    with pytest.MonkeyPatch.context() as patch, running(study.setup.places.logs) as processes:
        patch.setattr(client_module, "AggregatorCalls", RecordedCalls)
        town = Town(study.setup, processes, SITES)
        town.attend(*CUSTODIANS, is_new=True)
        town.open_round(0)
        with ThreadPoolExecutor(len(SITES)) as pool:
            parts = [pool.submit(take_part, study, site, town.address) for site in SITES]
            took = {site: one.result(120) for site, one in zip(SITES, parts, strict=True)}
        assert not town.wait_for_close(0).ended_by_rule
        end = study.study.transcript / transcript.end_file(transcript.ACCEPTANCES)
        town.wait_until(end.exists)
        town.standings.close()
    return Ran(study, took)


def test_every_site_gets_its_receipt_and_is_in_the_sum(ran: Ran) -> None:
    for site, one in ran.took.items():
        assert one.receipt.body.client == site
        assert one.included


def test_every_site_makes_the_same_calls_with_messages_of_the_same_sizes(ran: Ran) -> None:
    made = {site: one.calls for site, one in ran.took.items()}

    assert [name for name, _ in made[SITES[-1]]][:2] == ["SubmitHeader", "upload"]
    assert all(calls == made[SITES[-1]] for calls in made.values())


def test_the_files_of_every_site_have_the_same_names_and_payloads_of_the_same_size(
    ran: Ran,
) -> None:
    places, folder = ran.study.setup.places, ran.study.study.transcript
    listings = {
        site: sorted(
            str(path.relative_to(places.client(site).folder)).replace(site, "SITE")
            for path in places.client(site).folder.rglob("*")
        )
        for site in SITES
    }
    sizes = {(folder / transcript.payload_file(0, site)).stat().st_size for site in SITES}

    assert all(listing == listings[SITES[-1]] for listing in listings.values())
    assert len(sizes) == 1


def test_the_sum_opens_to_the_integers_of_all_and_lacks_nothing_but_the_odd_records(
    ran: Ran,
) -> None:
    sent = np.sum([one.integers for one in ran.took.values()], axis=0)
    noise = ran.opened - sum(known(site, ran.study.codec) for site in SITES)
    variance = len(SITES) * ran.study.codec.share.variance

    np.testing.assert_array_equal(ran.opened, sent)
    assert noise_check.broken([noise], variance) == set()


def test_the_sites_own_report_alone_tells(ran: Ran) -> None:
    for site, one in ran.took.items():
        expected = UnitReport(units=3, non_finite=ODD.get(site, 0), clipped=0, left_out=0)
        assert one.report == expected


def test_an_auditor_finds_nothing_to_say(ran: Ran) -> None:
    report = verify(ran.study.study.transcript, ran.study.study.signed.digest)

    assert report.accepted, report.failed
