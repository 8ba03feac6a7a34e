"""Whole messages at the door: what is missing, what does not belong, and what an error shows."""

from collections.abc import Mapping
from typing import Any

import pytest
from tests.protos.summing import private

from blindsum_crypto.errors import Rejected
from blindsum_crypto.primitives import wrap_private_bytes, wrap_public
from blindsum_protos.convert.bodies import form_of
from blindsum_protos.convert.identity import WRAP_KEY_BYTES
from blindsum_protos.v1 import manifest_pb2
from blindsum_rules.close import Close
from blindsum_rules.manifest import Manifest
from blindsum_rules.release import Release
from blindsum_rules.spec import Spec

Examples = Mapping[type[Any], Any]


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (Manifest, "operator"),
        (Manifest, "aggregator"),
        (Manifest, "schedule"),
        (Spec, "previous"),
        (Spec, "ckks"),
    ],
)
def test_a_required_message_that_is_missing_is_named(
    kind: type[Any], name: str, examples: Examples
) -> None:
    form = form_of(kind)
    message = form.to_message(examples[kind])
    message.ClearField(name)

    with pytest.raises(Rejected, match=f"{message.DESCRIPTOR.name}.{name}") as caught:
        form.from_message(message)

    assert caught.value.rule == "malformed-message"


def test_an_officer_that_is_empty_is_not_taken_for_no_officer(examples: Examples) -> None:
    form = form_of(Manifest)
    message = form.to_message(examples[Manifest])
    message.officer.CopyFrom(manifest_pb2.Party())

    with pytest.raises(Rejected, match=r"ManifestBody\.officer"):
        form.from_message(message)

    message.ClearField("officer")
    assert form.from_message(message).officer is None


def test_a_codec_a_policy_or_a_sparsity_that_is_empty_is_not_taken_for_none(
    examples: Examples,
) -> None:
    form, private_manifest = form_of(Manifest), private(examples[Manifest])
    empty = [
        ("codec", "Codec.weight_cap", examples[Manifest]),
        ("privacy", "PrivacyPolicy.unit", private_manifest),
        ("sparsity", "Sparsity.rule", private_manifest),
    ]

    for name, field, value in empty:
        message = form.to_message(value)
        message.ClearField(name)
        getattr(message, name).SetInParent()
        with pytest.raises(Rejected) as caught:
            form.from_message(message)
        assert caught.value.rule == "malformed-message"
        assert caught.value.expected.startswith(f"{field}: ")
        message.ClearField(name)
        assert getattr(form.from_message(message), name) is None


def test_an_end_spec_carries_nothing_that_rounds_alone_have(examples: Examples) -> None:
    form = form_of(Spec)
    message = form.to_message(examples[Spec])
    message.kind = "end"
    for name in ("ckks", "cohort", "wrap_key_digests"):
        with pytest.raises(Rejected, match=f"SpecBody.{name}"):
            form.from_message(message)
        message.ClearField(name)

    assert form.from_message(message).parameters is None


def test_an_error_shows_neither_the_name_nor_the_bytes_that_it_rejects(examples: Examples) -> None:
    """A name as long as a message would flood logs, and a share is a secret."""
    close = form_of(Close).to_message(examples[Close])
    close.study = "A" * 1_000_000
    release = form_of(Release).to_message(examples[Release])
    release.parts.add(part=1, share=b"SECRET")

    for kind, message in ((Close, close), (Release, release)):
        with pytest.raises(Rejected) as caught:
            form_of(kind).from_message(message)
        assert len(str(caught.value)) < 200
        assert "SECRET" not in str(caught.value)


def test_a_share_does_not_show_in_the_value_either(examples: Examples) -> None:
    part = examples[Release].parts[0]

    assert repr(part.share) not in repr(examples[Release])


@pytest.mark.parametrize("suite", sorted(WRAP_KEY_BYTES))
def test_the_length_of_a_wrap_key_is_what_the_suite_makes(suite: Any) -> None:  # noqa: ANN401
    private = bytes(wrap_private_bytes(suite))

    assert len(wrap_public(suite, private)) == WRAP_KEY_BYTES[suite]
