"""A statistic study of the small study's people, exact or private."""

# `**changes` replaces any field of a frozen value; its type is that field's.
# ruff: noqa: ANN401

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from tests.rules.conftest import build_study

from blindsum_rules.manifest import DifferencingScope, Manifest, StudyKind
from blindsum_rules.model import model_digest
from blindsum_rules.privacy.guarantee import Unit
from blindsum_rules.statistics.answered import ANSWERED_LAYOUT, ANSWERED_RULE, nothing_answered
from blindsum_rules.statistics.building import count, histogram, mean
from blindsum_rules.statistics.query import Condition, Query
from blindsum_rules.study_privacy import with_privacy
from blindsum_rules.study_tables import PrivacyTable


def make_query(name: str = "ages", **changes: Any) -> Query:
    fields: dict[str, Any] = {
        "name": name,
        "description": "Ages by sex",
        "window_from": date(2026, 1, 1),
        "window_to": date(2026, 2, 1),
        "date_column": "",
        "max_records": 100,
        "cells": (
            *count("diseased", [Condition("disease", 1, 2)]),
            *mean("age", "age", -20, 90),
            *histogram("bins", {"sex": [0, 1, 2], "age": [0, 40, 90]}),
        ),
    }
    return Query(**(fields | changes))


def statistics(*queries: Query, **changes: Any) -> Manifest:
    fields: dict[str, Any] = {
        "kind": StudyKind.STATISTIC,
        "codec": None,
        "layout": ANSWERED_LAYOUT,
        "initial_model_digest": model_digest(nothing_answered()),
        "update_rule": ANSWERED_RULE,
        "no_differencing": DifferencingScope.STUDY,
        "queries": queries,
    }
    return replace(build_study(4, 2, 3, 5).body, **(fields | changes))


def privately(manifest: Manifest, **changes: Any) -> Manifest:
    fields: dict[str, Any] = {
        "unit": Unit.RECORD,
        "epsilon": 1.0,
        "delta": 1e-5,
        "planned_rounds": len(manifest.queries),
        "units_per_client": manifest.queries[0].max_records,
    }
    return with_privacy(manifest, PrivacyTable(**(fields | changes)))


@pytest.fixture
def query() -> Callable[..., Query]:
    return make_query
