"""kill -9 in the middle of folding, again and again: nothing is lost and nothing counts twice."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from tests.aggregator.cast import build_cast
from tests.aggregator.stage import Stage

from blindsum_aggregator.spool import chunks_of
from blindsum_aggregator.store.contributions import folded_of
from blindsum_crypto.randomness import SeededRandomness
from blindsum_rules.transitions import AggregatorState

KILLS = 20


def kill_amid_folding(folder: Path, seconds: float) -> None:
    command = [sys.executable, "-m", "tests.aggregator.engine.folding_process", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert any("ready" in line for line in process.stdout)  # Log lines come before it.
        time.sleep(seconds)
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL


def check_sum(folder: Path) -> int:
    """The partial sum is the sum of exactly what the database says it contains."""
    stage = Stage(build_cast(), folder)
    seal = stage.study.seal(stage.spec)
    rows = stage.store.read(lambda connection: folded_of(connection, "heart", 0))
    uploads = [stage.study.upload(row) for row in rows]
    expected = seal.zero()
    for upload in uploads:
        for index, chunk in enumerate(chunks_of(upload.path, seal.chunk_bytes)):
            seal.add(expected, index, chunk)
    generation = stage.row.generation
    total = stage.study.engine.close(0, uploads)
    assert stage.row.generation == generation, "nothing was to be added or taken out"
    assert np.array_equal(total, expected)
    stage.close()
    return generation


@pytest.mark.slow
def test_twenty_kills_leave_the_sum_exact(tmp_path: Path) -> None:
    cast, draw = build_cast(), SeededRandomness(b"when to kill")
    stage = Stage(cast, tmp_path)
    stage.settle()
    stage.accept()
    for client in cast.clients:
        stage.upload(cast.contribute(stage.spec, client))
    stage.close()

    generations = []
    for _ in range(KILLS):
        kill_amid_folding(tmp_path, seconds=draw.bytes(1)[0] / 1000)
        generations.append(check_sum(tmp_path))

    assert generations[-1] > KILLS, "expected many steps between the kills"
    survivor = Stage(cast, tmp_path)
    survivor.sent = stage.sent
    survivor.settle()
    survivor.admit()
    survivor.endorse()
    assert survivor.release() is AggregatorState.PUBLISHED
    survivor.close()
