"""The measured client takes the very steps of the client package."""

from collections.abc import Callable

import pytest

from blindsum_cli.bench.contributing import Contributors
from blindsum_cli.bench.figures import Stopwatch
from blindsum_cli.bench.scenario import Scenario
from blindsum_cli.bench.study import ClientKeys, Study, set_up
from blindsum_client.sealing import Sealer
from blindsum_crypto.masking.pairs import Agreements
from blindsum_crypto.randomness import SystemRandomness
from blindsum_protos.convert.signed import signed_to_bytes
from blindsum_rules.header_checks import check_core_header

Found = Callable[[str], Study]


@pytest.fixture
def found() -> Found:
    """A small study under one seal."""

    def found_study(seal: str) -> Study:
        scenario = Scenario(clients=4, values=50, bits=12, dropout=0.0)
        return set_up(scenario, seal, {name: ClientKeys() for name in scenario.names()})

    return found_study


@pytest.mark.parametrize("seal", ["ckks", "masking"])
def test_a_measured_contribution_is_what_the_client_package_would_send(
    seal: str, found: Found
) -> None:
    study = found(seal)
    manifest = study.manifest.body
    contributed = list(Contributors(study, Stopwatch()).contributions())[1]
    keys = study.clients[contributed.client]
    agreements = Agreements(contributed.client, keys.agreement, manifest.agreement_keys)
    sealer = Sealer(manifest, contributed.client, keys.identity, SystemRandomness(), agreements)

    usual = sealer.seal(study.spec, contributed.integers)

    ours = contributed.sealed
    check_core_header(ours.contribution, study.spec, manifest)
    assert len(signed_to_bytes(ours.contribution)) == len(signed_to_bytes(usual.contribution))
    assert [len(wrap) for wrap in ours.wraps] == [len(wrap) for wrap in usual.wraps]
    assert len(ours.payload) == len(usual.payload)
    assert len(ours.pair_table) == len(usual.pair_table)
    assert ours.contribution.signer == usual.contribution.signer


@pytest.mark.parametrize("seal", ["ckks", "masking"])
def test_every_step_of_every_client_is_timed(seal: str, found: Found) -> None:
    watch = Stopwatch()

    contributions = list(Contributors(found(seal), watch).contributions())

    steps = {"codec", "seal", "check", "header"} | ({"agreements"} if seal == "masking" else set())
    assert set(watch.taken) == steps
    assert {len(seconds) for seconds in watch.taken.values()} == {len(contributions)} == {4}
