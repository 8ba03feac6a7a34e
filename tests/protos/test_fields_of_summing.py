"""Fields that only private studies, sparse ones and statistics have, each checked at the door."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message
from tests.protos.summing import of_statistics, private

from blindsum_crypto.errors import Rejected
from blindsum_protos.convert.bodies import form_of
from blindsum_protos.v1 import manifest_pb2
from blindsum_rules.manifest import Manifest

COUNT_TOO_HIGH = 1 << 63
NAN = float("nan")
INFINITY = float("inf")
CELL = "queries.0.cells"

# Path, what is put there, and the field that the error must name.
PRIVATE_FIELDS: list[tuple[str, Any, str]] = [
    ("privacy.unit", "hospital", "PrivacyPolicy.unit"),
    ("privacy.relation", "", "PrivacyPolicy.relation"),
    ("privacy.mechanism", "laplace", "PrivacyPolicy.mechanism"),
    ("privacy.reference_units", 0, "PrivacyPolicy.reference_units"),
    ("privacy.reference_units", COUNT_TOO_HIGH, "PrivacyPolicy.reference_units"),
    ("privacy.clip_norm", NAN, "PrivacyPolicy"),
    ("privacy.clip_norm", 0.0, "PrivacyPolicy"),
    ("privacy.share_variance", 0, "PrivacyPolicy"),
    ("privacy.share_variance", (1 << 32) + 1, "PrivacyPolicy"),
    ("privacy.adaptive.count_noise", 0.0, "AdaptiveClipping"),
    ("privacy.adaptive.rate", INFINITY, "AdaptiveClipping"),
    ("privacy.adaptive.quantile", 1.0, "AdaptiveClipping"),
    ("sparsity.rule", "top-k", "Sparsity.rule"),
    ("sparsity.kept", 0, "Sparsity.kept"),
    ("sparsity.kept", COUNT_TOO_HIGH, "Sparsity.kept"),
    ("local_methods", ["momentum", "batch-norm"], "ManifestBody.local_methods"),
    ("local_methods", ["momentum", "momentum"], "ManifestBody.local_methods"),
    ("local_methods", ["Batch Norm"], "ManifestBody.local_methods"),
]
STATISTIC_FIELDS: list[tuple[str, Any, str]] = [
    ("queries.0.name", "Age", "Query.name"),
    ("queries.0.description", "a\x1b[31mred", "Query.description"),
    ("queries.0.description", "", "Query"),
    ("queries.0.window_from_day", -(1 << 31), "Query.window_from_day"),
    ("queries.0.window_to_day", (1 << 31) - 1, "Query.window_to_day"),
    ("queries.0.window_to_day", 0, "Query"),  # before it begins
    ("queries.0.date_column", "x\ny", "Query.date_column"),
    ("queries.0.max_records", 0, "Query"),
    ("queries.0.max_records", (1 << 30) + 1, "Query"),
    ("queries.0.cells", [], "Query"),
    (f"{CELL}.0.name", "", "Cell.name"),
    (f"{CELL}.0.name", "x" * 201, "Cell"),
    (f"{CELL}.1.value_column", "x\ny", "Cell.value_column"),
    (f"{CELL}.1.value_column", "", "Cell"),  # a count of more than one a record
    (f"{CELL}.1.lowest", -(1 << 31) - 1, "Cell"),
    (f"{CELL}.1.lowest", 221, "Cell"),
    (f"{CELL}.1.highest", (1 << 31) + 1, "Cell"),
    (f"{CELL}.0.offset", 1, "Cell"),
    (f"{CELL}.1.offset", (1 << 31) + 1, "Cell"),
    (f"{CELL}.0.group", "x\ny", "Cell.group"),
    (f"{CELL}.0.group", "age", "Query"),  # in which a record would be twice
    (f"{CELL}.3.where", [], "Query"),
    (f"{CELL}.3.where.0.column", "", "Condition.column"),
    (f"{CELL}.3.where.0.column", "x" * 201, "Condition"),
    (f"{CELL}.3.where.0.column", "zzz", "Cell"),
    (f"{CELL}.3.where.0.at_least", 40, "Condition"),
    (f"{CELL}.3.where.0.below", (1 << 62) + 1, "Condition"),
]
CASES = [(private, *case) for case in PRIVATE_FIELDS] + [
    (of_statistics, *case) for case in STATISTIC_FIELDS
]


def put(message: Message, path: str, value: Any) -> None:  # noqa: ANN401
    """Set one field, given its path."""
    *above, name = path.split(".")
    place: Any = message
    for step in above:
        place = place[int(step)] if step.isdigit() else getattr(place, step)
    if isinstance(value, list):
        place.ClearField(name)
        getattr(place, name).extend(value)
    else:
        setattr(place, name, value)


@pytest.mark.parametrize(("study", "path", "value", "field"), CASES)
def test_a_malformed_field_is_rejected_by_its_name(
    study: Callable[[Manifest], Manifest],
    path: str,
    value: object,
    field: str,
    examples: Mapping[type[Any], Any],
) -> None:
    form, manifest = form_of(Manifest), study(examples[Manifest])
    message = form.to_message(manifest)
    assert form.from_message(message) == manifest
    put(message, path, value)

    with pytest.raises(Rejected) as caught:
        form.from_message(message)

    assert caught.value.rule == "malformed-message"
    assert caught.value.expected.startswith(f"{field}: ")
    assert len(caught.value.expected) < 500


def messages_within(descriptor: Descriptor | None) -> set[str]:
    """Every field of these messages and of those inside, as MESSAGE.FIELD."""
    found: set[str] = set()
    assert descriptor is not None
    for field in descriptor.fields:
        found.add(f"{descriptor.name}.{field.name}")
        if field.message_type is not None:
            found |= messages_within(field.message_type)
    return found


def test_the_altered_fields_cover_all_that_the_wire_can_judge() -> None:
    """Delta, counts, levels, width and order are for `study_plan`, which is computed anew."""
    fields = manifest_pb2.DESCRIPTOR.message_types_by_name["ManifestBody"].fields_by_name
    names = ("privacy", "sparsity", "queries")
    every = set[str]().union(*(messages_within(fields[one].message_type) for one in names))
    inside = {"privacy": "PrivacyPolicy", "adaptive": "AdaptiveClipping", "sparsity": "Sparsity"}
    inside |= {"queries": "Query", "cells": "Cell", "where": "Condition"}
    altered = set()
    for _, path, _, _ in CASES:
        steps = [step for step in path.split(".") if not step.isdigit()]
        if len(steps) > 1:
            altered.add(f"{inside[steps[-2]]}.{steps[-1]}")

    assert every - altered == {
        *("PrivacyPolicy.delta", "PrivacyPolicy.colluders", "PrivacyPolicy.planned_rounds"),
        *("PrivacyPolicy.units_per_client", "PrivacyPolicy.allow_few_clients"),
        *("PrivacyPolicy.levels", "PrivacyPolicy.field_bits", "PrivacyPolicy.order"),
        "PrivacyPolicy.adaptive",
    }
