"""Studies whose clip norm follows the units: agents with units, every role, and the auditor."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from structlog.testing import capture_logs
from tests.client.people import CLIENTS, initial_arrays
from tests.client.running import ROUNDS, Study, pinned_to, running_study, write_study

from blindsum_auditor.report import Level
from blindsum_auditor.verify import verify
from blindsum_client.agent import Agent
from blindsum_client.encode import RoundBasis, encode_units, encode_update
from blindsum_client.initial_model import load_initial_model
from blindsum_client.round import Round
from blindsum_client.update import Update
from blindsum_crypto.errors import Refused, Rejected
from blindsum_crypto.randomness import SeededRandomness
from blindsum_rules.codec.unit_sum import UnitBatch
from blindsum_rules.codec.units import UnitReport
from blindsum_rules.codec.units import encode_units as encode_rows
from blindsum_rules.manifest import Manifest
from blindsum_rules.manifest_checks import check_manifest
from blindsum_rules.model import model_digest
from blindsum_rules.privacy.adaptive_clipping import joint_norm
from blindsum_rules.privacy.guarantee import Unit
from blindsum_rules.privacy.study_plan import study_codec
from blindsum_rules.study_tables import AdaptiveClippingTable, PrivacyTable

FIRST = initial_arrays() | {"clip_norm": np.array(0.25, np.float32)}
WISH = PrivacyTable(
    unit=Unit.RECORD,
    noise_multiplier=1.0,
    delta=1e-5,
    planned_rounds=ROUNDS,
    clip_norm=0.25,
    units_per_client=200,
    reference_units=800,
    adaptive_clipping=AdaptiveClippingTable(count_noise=4.0, rate=0.5),
)

Arrays = dict[str, npt.NDArray[np.float32]]


class Site:
    """A hospital with 200 records whose gradients have norms of about 1, and what it was shown."""

    def __init__(self, study: Study, name: str) -> None:
        self.study, self.name = study, name
        self.rounds: list[tuple[float | None, list[str]]] = []
        self.reports: list[UnitReport] = []
        self.rows = np.random.default_rng(CLIENTS.index(name)).standard_normal((200, 8)) / 3

    def train(self, model: Arrays, round_: Round) -> Iterator[UnitBatch]:
        assert round_.unit is Unit.RECORD
        self.rounds.append((round_.clip_norm, list(model)))
        return iter(np.split(self.rows, 4))

    def take_part(self) -> Arrays:
        with self.study.join(self.name) as client:
            return Agent(client, self.train, on_units=self.reports.append).run()


@pytest.mark.slow
@pytest.mark.parametrize("seal", ["ckks", "masking"])
def test_agents_with_units_move_the_clip_norm_and_every_role_and_the_auditor_follow_it(
    tmp_path: Path, seal: str
) -> None:
    with (
        capture_logs() as logs,
        running_study(tmp_path, WISH, FIRST, seals=(seal,), update_rule="fedsgd") as study,
    ):
        check_manifest(study.manifest.body)
        sites = [Site(study, name) for name in CLIENTS]
        with ThreadPoolExecutor(len(sites)) as hospitals:
            finals = [one.result(120) for one in [hospitals.submit(s.take_part) for s in sites]]
        with study.join("hungary", state="a-new-disk") as late:
            assert list(late.rounds()) == []
            replayed = late.final()

    clip_norms = [clip_norm for clip_norm, _ in sites[0].rounds]
    # Nearly no unit is within 0.25, so C grows by nearly e^(0.5 * 0.5) a round.
    assert clip_norms[0] == 0.25
    assert all(1.2 < b / a < 1.3 for a, b in pairwise(clip_norms))  # type: ignore[operator]
    for site, final in zip(sites, finals, strict=True):
        assert [clip_norm for clip_norm, _ in site.rounds] == clip_norms
        assert all(names == ["weight", "bias"] for _, names in site.rounds)
        assert list(final) == ["weight", "bias"]
        assert final["weight"].tobytes() == replayed["weight"].tobytes()
        assert [report.units for report in site.reports] == [200] * ROUNDS
    transcript = tmp_path / "aggregator" / "transcripts" / "heart"
    report = verify(transcript, study.manifest.digest, Level.ENTITLED)
    assert report.accepted, report.failed
    assert report.rounds == ROUNDS
    assert any(finding.check == "model-chain" for finding in report.findings)
    counted = {"units", "clipped", "non_finite", "left_out"}
    assert not any(counted & set(entry) for entry in logs)


# ---- one client


def basis(clip_norm: float) -> RoundBasis:
    flat = [*initial_arrays()["weight"].ravel(), *initial_arrays()["bias"], clip_norm]
    return RoundBasis(bytes(32), np.array(flat, np.float32))


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    return adaptive_manifest(tmp_path_factory.mktemp("study"), WISH)


def adaptive_manifest(folder: Path, wish: PrivacyTable) -> Manifest:
    return write_study(folder, wish, **pinned_to(FIRST))[1].body


def test_units_are_clipped_to_the_models_clip_norm_and_counted_by_it(manifest: Manifest) -> None:
    rows = np.full((20, 8), 0.5)  # of norm 1.41

    narrow, one = encode_units([rows], basis(0.25), manifest, SeededRandomness(b"units"))
    wide, other = encode_units([rows], basis(2.0), manifest, SeededRandomness(b"units"))

    assert (one.clipped, other.clipped) == (20, 0)
    codec = study_codec(manifest, 2.0)
    same, _ = encode_rows([rows], codec, SeededRandomness(b"units"))
    assert np.array_equal(wide, same)
    # Equal noise and rounding bits: only 2 * 20 counts of K are between them, in levels.
    assert abs(int(wide[-1] - narrow[-1]) - 2 * 20 * codec.count_steps / 4096) <= 1
    level = joint_norm(2.0, codec.levels, codec.count_steps) / codec.levels
    drawn, _ = encode_rows([rows * 0], codec, SeededRandomness(b"units"))
    assert np.allclose((wide - drawn)[:-1] * level, 10.0, atol=2 * level)


@pytest.mark.parametrize("values", [9, 7])
def test_rows_hold_what_is_trained_and_no_clip_norm(manifest: Manifest, values: int) -> None:
    with pytest.raises(Rejected) as caught:
        encode_units([np.zeros((2, values))], basis(1.0), manifest, SeededRandomness(b"units"))
    assert caught.value.rule == "unit-batch"


def test_an_update_may_name_the_clip_norm_and_its_change_counts_for_nothing(
    tmp_path: Path,
) -> None:
    changes: dict[str, Any] = {
        "unit": Unit.CLIENT,
        "units_per_client": 1,
        "allow_few_clients": True,
        "reference_units": 40,  # as if there were so many: four cannot pay for a count
    }
    study = adaptive_manifest(tmp_path, WISH.model_copy(update=changes))
    change = {name: np.full_like(values, 0.01) for name, values in initial_arrays().items()}

    without = encode_update(Update(change, 9), basis(0.25), study, SeededRandomness(b"update"))
    named = change | {"clip_norm": np.array(7.0, np.float32)}
    other = encode_update(Update(named, 9), basis(0.25), study, SeededRandomness(b"update"))

    assert np.array_equal(without, other)
    assert without.shape == (9,)


def test_a_first_model_whose_clip_norm_is_not_the_policys_is_refused_by_its_clients(
    tmp_path: Path,
) -> None:
    arrays = FIRST | {"clip_norm": np.array(0.0, np.float32)}
    model = basis(0.0).model
    study = replace(adaptive_manifest(tmp_path, WISH), initial_model_digest=model_digest(model))
    with pytest.raises(Refused) as caught:
        load_initial_model(arrays, study, lambda _: b"")
    assert caught.value.rule == "adaptive-clip-norm"
