"""`blindsum bench`: a real round under each seal, its figures, and what it refuses."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from blindsum_cli.bench import sealed_round
from blindsum_cli.bench.figures import CLIENT_PHASES, MESSAGES, PHASES, Figures
from blindsum_cli.exits import NEXT_STEPS

Run = Callable[..., Any]
Measured = Callable[..., dict[str, Any]]

SEALS = ("ckks", "masking")
ROW_KEYS = {"name", "value", "unit", "baseline", "ratio"}


def rows_of(document: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    return {row["name"]: row for row in document["rows"]}


@pytest.mark.parametrize("seal", SEALS)
def test_a_round_with_dropouts_opens_to_the_exact_sum(seal: str, measured: Measured) -> None:
    document = measured("--seal", seal)

    assert document["checks"] == {f"{seal} exact": True}
    assert document["sizes"]["clients"] == 5
    assert document["sizes"]["survivors"] == 3
    assert f"{seal}: the opened sum is the plain sum, value for value: yes" in document["shown"]
    assert f"Sealing with {seal} costs a client" in document["shown"]
    assert "The sum over 3 of 5 clients is exact." in document["shown"]


@pytest.mark.parametrize("seal", SEALS)
def test_every_phase_and_message_is_a_row_with_the_five_keys(seal: str, measured: Measured) -> None:
    document = measured("--seal", seal)

    rows = rows_of(document)
    assert all(set(row) == ROW_KEYS for row in document["rows"])
    without = set() if seal == "masking" else {"agreements", "pair table"}
    for phase in set(PHASES) - without:
        assert rows[f"{seal}_{phase}_time"]["value"] > 0
        assert rows[f"{seal}_{phase}_time"]["unit"] == "s"
    for message in set(MESSAGES) - without:
        assert rows[f"{seal}_{message.replace(' ', '_')}_bytes"]["value"] > 0
    assert not any(name.startswith(f"{seal}_pair") for name in rows if seal == "ckks")
    steps = sum(rows[f"{seal}_{phase}_time"]["value"] for phase in CLIENT_PHASES)
    assert rows[f"{seal}_client_time"]["value"] == pytest.approx(steps, rel=1e-4)


def test_both_seals_stand_beside_the_round_in_the_clear(measured: Measured) -> None:
    document = measured()

    rows = rows_of(document)
    assert rows["plaintext_payload_bytes"]["value"] == 4 * 400
    assert rows["plaintext_payload_bytes"]["baseline"] is None
    for seal in SEALS:
        payload = rows[f"{seal}_payload_bytes"]
        assert payload["baseline"] == 4 * 400
        assert payload["ratio"] == pytest.approx(payload["value"] / (4 * 400), rel=1e-4)
    assert document["checks"] == {"ckks exact": True, "masking exact": True}


def test_sizes_are_those_of_the_real_messages(measured: Measured) -> None:
    rows = rows_of(measured("--custodians", 4, "--threshold", 2))

    # Two chunks of 4,096 words of 60 bits; 401 values and ceil(128 / 15) zeros of 15 bits.
    assert rows["ckks_payload_bytes"]["value"] == 2 * 30_720
    assert rows["masking_payload_bytes"]["value"] == (401 + 9) * 15 // 8 + 1
    # Hybrid HPKE: an encapsulation of 1,120 bytes, 3 seeds, a tag.
    assert rows["ckks_wraps_bytes"]["value"] == 4 * (1_120 + 3 * 32 + 16)
    assert rows["masking_pair_table_bytes"]["value"] == 4 * 64
    # 3 survivors, 2 absent: 1 + 2 leaves each, for each of 3 parts; then the envelope.
    assert 0 < rows["masking_release_bytes"]["value"] - 3 * 3 * 3 * 32 < 400
    assert 0 < rows["ckks_release_bytes"]["value"] - 3 * 30_720 < 400


def test_a_single_key_authority_can_be_measured(measured: Measured) -> None:
    document = measured("--custodians", 1, "--threshold", 1)

    assert document["checks"] == {"ckks exact": True, "masking exact": True}


def test_transfer_times_are_computed_and_said_to_be(measured: Measured) -> None:
    document = measured("--seal", "ckks", "--latency-ms", 50, "--bandwidth-mbit", 8)

    rows = rows_of(document)
    sent = sum(rows[f"ckks_{one}_bytes"]["value"] for one in ("payload", "header", "wraps"))
    fetched = sum(rows[f"ckks_{one}_bytes"]["value"] for one in ("spec", "aggregate"))
    transfer = rows["ckks_client_transfer"]
    assert transfer["value"] == pytest.approx(4 * 0.050 + (sent + fetched) / 1e6, rel=1e-4)
    assert transfer["unit"] == "s (computed)"
    assert "computed (not measured): 8 Mbit/s, 50 ms a call" in document["shown"]


def test_without_a_link_nothing_is_said_about_transfers(measured: Measured) -> None:
    document = measured("--seal", "masking")

    assert not any("transfer" in name for name in rows_of(document))
    assert "computed" not in document["shown"]


def test_the_environment_stands_beside_the_rows(measured: Measured) -> None:
    environment = measured("--seal", "masking")["environment"]

    assert environment["command"].startswith("blindsum bench --clients 5")
    assert {"processor", "cores", "python", "packages", "measured"} <= set(environment)


@pytest.mark.parametrize("seal", ["masking", "both"])
def test_masking_above_a_thousand_clients_is_refused_with_the_alternative(
    seal: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unexpected(*_: object) -> Figures:
        raise AssertionError("expected no round to be measured")

    monkeypatch.setattr(sealed_round, "run_sealed", unexpected)

    ran = run("bench", "--clients", 1_001, "--seal", seal, "--dim", 10)

    assert ran.code == 1
    assert "Refused masking-cohort" in ran.err
    assert NEXT_STEPS["masking-cohort"] in ran.err
    assert "--seal ckks" in ran.err


@pytest.mark.parametrize(
    ("options", "rule"),
    [
        (("--clients", 4, "--dropout", 0.9), "bench-survivors"),
        (("--threshold", 5), "committee-threshold"),
        (("--custodians", 9, "--threshold", 5), "too-many-parts"),
        (("--plot", "costs.pdf"), "plot-file"),
    ],
)
def test_what_cannot_be_measured_is_refused_by_name(
    options: tuple[object, ...], rule: str, run: Run
) -> None:
    ran = run("bench", "--dim", 10, *options)

    assert ran.code == 1
    assert f"Refused {rule}" in ran.err


@pytest.mark.parametrize(
    "options", [("--bits", 2), ("--bits", 20), ("--dropout", 1.0), ("--seal", "paper")]
)
def test_numbers_out_of_range_are_wrong_usage(options: tuple[object, ...], run: Run) -> None:
    assert run("bench", *options).code == 2


def test_a_sum_that_is_not_exact_ends_with_exit_code_one(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    honest = sealed_round.run_sealed

    def inexact(*arguments: Any) -> Figures:  # noqa: ANN401
        return replace(honest(*arguments), is_exact=False)

    monkeypatch.setattr(sealed_round, "run_sealed", inexact)
    path = tmp_path / "rows.json"

    ran = run("bench", "--clients", 3, "--dim", 10, "--seal", "masking", "--json", path)

    assert ran.code == 1
    assert "is NOT EXACT" in ran.out
    assert json.loads(path.read_text(encoding="utf-8"))["checks"] == {"masking exact": False}


def test_a_wrong_sum_is_seen(measured: Measured, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control of every `exact`: one value of one client's kept integers changed."""
    keep = sealed_round._SealedRound._keep

    def keep_another(self: Any, contributed: Any) -> None:  # noqa: ANN401
        contributed.integers[0] += 1
        keep(self, contributed)

    monkeypatch.setattr(sealed_round._SealedRound, "_keep", keep_another)

    with pytest.raises(AssertionError, match="differs from the plain sum"):
        measured("--seal", "masking")


@pytest.mark.parametrize("suffix", [".png", ".svg"])
def test_a_plot_is_drawn_into_the_file_that_was_named(
    suffix: str, run: Run, tmp_path: Path
) -> None:
    path = tmp_path / "plots" / f"costs{suffix}"

    ran = run("bench", "--clients", 3, "--dim", 10, "--plot", path)

    assert ran.code == 0
    assert path.stat().st_size > 500
    assert str(path) in ran.out
