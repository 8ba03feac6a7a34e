"""Measured rounds that are small enough for a test, and what they wrote."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

# What `blindsum bench --json` wrote, or why it ended.
Measured = Callable[..., dict[str, Any]]

SMALL = ("--clients", 5, "--dim", 400, "--dropout", 0.4)


@pytest.fixture
def measured(run: Callable[..., Any], tmp_path: Path) -> Measured:
    """Run `blindsum bench` small, with more options, and read what it wrote."""

    def measure(*options: object) -> dict[str, Any]:
        path = tmp_path / "rows.json"
        ran = run("bench", *SMALL, *options, "--json", path)
        assert ran.code == 0, ran.err
        document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return document | {"shown": " ".join(ran.out.split())}

    return measure
