"""What people read of a study's compression before they sign or join it."""

import pytest
from tests.client.compressed import FEEDBACK, KEPT, SIZE, SPARSE, compressed_stage

from blindsum_cli.study_view import render


def test_a_compressed_study_says_what_travels_and_what_clients_keep(
    capsys: pytest.CaptureFixture[str],
) -> None:
    render(compressed_stage(sparsity=SPARSE, local_methods=FEEDBACK).manifest.body, None)

    shown = " ".join(capsys.readouterr().out.split())
    assert f"random-k: {KEPT} of {SIZE} values travel" in shown
    assert "error-feedback" in shown


def test_a_dense_study_says_nothing_of_compression(capsys: pytest.CaptureFixture[str]) -> None:
    render(compressed_stage().manifest.body, None)

    shown = capsys.readouterr().out
    assert "compression" not in shown
    assert "local methods" not in shown
