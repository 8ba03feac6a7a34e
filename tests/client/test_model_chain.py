"""Every client recomputes every model, and finds a false aggregate by its commitment (T32)."""

from pathlib import Path

import numpy as np
import pytest
from tests.client.people import initial_arrays, peers, vector
from tests.client.stage import Stage

from blindsum_client.client import Client
from blindsum_crypto.errors import Refused, Rejected, Unavailable
from blindsum_crypto.primitives import digest
from blindsum_rules.aggregate import Aggregate
from blindsum_rules.local_policy import ClientPolicy
from blindsum_rules.model import encode_model, model_digest, model_salt

EVERYBODY = {**peers(), "cleveland": vector(7)}


def publish_rounds(stage: Stage, count: int) -> None:
    for _ in range(count):
        stage.open_round()
        stage.publish(EVERYBODY)


def refusal(client: Client) -> str:
    with pytest.raises((Refused, Rejected)) as caught:
        next(client.rounds())
    return caught.value.rule


def test_a_late_client_replays_every_aggregate_that_it_missed(stage: Stage, tmp_path: Path) -> None:
    publish_rounds(stage, 3)
    stage.open_round()

    round_ = next(stage.client(tmp_path / "state").rounds())

    assert (round_.number, round_.model_version) == (3, 3)
    assert np.array_equal(round_.model["weight"].ravel(), stage.model[:6])
    assert stage.calls.count("FetchSigned") == 3
    assert stage.calls.count("FetchBlob") == 4


def test_a_client_that_was_away_goes_on_from_where_it_stood(stage: Stage, tmp_path: Path) -> None:
    publish_rounds(stage, 1)
    stage.open_round()
    client = stage.client(tmp_path / "state")
    assert next(client.rounds()).model_version == 1
    client.close()
    stage.publish(EVERYBODY)
    publish_rounds(stage, 2)
    stage.open_round()
    fetched = stage.calls.count("FetchBlob")

    round_ = next(stage.client(tmp_path / "state").rounds())

    assert (round_.number, round_.model_version) == (4, 4)
    assert np.array_equal(round_.model["bias"], stage.model[6:])
    assert stage.calls.count("FetchBlob") == fetched + 3


def test_an_aborted_round_between_is_replayed_as_the_same_model(
    stage: Stage, tmp_path: Path
) -> None:
    publish_rounds(stage, 1)
    stage.open_round()
    stage.abort()
    publish_rounds(stage, 1)
    stage.open_round()

    round_ = next(stage.client(tmp_path / "state").rounds())

    assert (round_.number, round_.model_version) == (3, 2)
    assert np.array_equal(round_.model["bias"], stage.model[6:])


def test_another_aggregate_than_the_committed_one_is_rejected(stage: Stage, tmp_path: Path) -> None:
    publish_rounds(stage, 1)
    stage.open_round()
    true = stage.rounds[0].aggregate
    assert true is not None
    false = Aggregate(true.salt, true.values + 1)
    stage.blobs[true.commitment] = false.encode()
    client = stage.client(tmp_path / "state")

    assert refusal(client) == "aggregate-commitment"

    # The control: the same client takes the true one.
    stage.blobs[true.commitment] = true.encode()
    assert next(client.rounds()).model_version == 1


def test_the_client_with_the_false_aggregate_refuses_the_next_round_by_name(
    stage: Stage, tmp_path: Path
) -> None:
    """T32: the aggregator commits to one aggregate towards the custodians, and the model that it
    pins follows from another one."""
    publish_rounds(stage, 1)
    true = stage.rounds[0].aggregate
    assert true is not None
    false_model = stage.model + np.float32(0.5)
    salt = model_salt(true.salt, stage.rounds[0].spec.digest)
    stage.open_round(model_digest=model_digest(false_model, salt))

    assert refusal(stage.client(tmp_path / "state")) == "model-digest"


@pytest.mark.parametrize("change", [b"", b"x", bytes(100)], ids=["empty", "one byte", "short"])
def test_an_aggregate_of_another_length_is_rejected(
    stage: Stage, tmp_path: Path, change: bytes
) -> None:
    publish_rounds(stage, 1)
    stage.open_round()
    true = stage.rounds[0].aggregate
    assert true is not None
    stage.blobs[true.commitment] = change

    assert refusal(stage.client(tmp_path / "state")) == "aggregate-length"


def weightless(stage: Stage) -> None:
    """A round whose sum has no weight: the declared function leaves the model as it is."""
    stage.open_round()
    zeros = {name: np.zeros_like(integers) for name, integers in EVERYBODY.items()}
    stage.publish(zeros)


def test_an_aggregate_that_changes_nothing_repeats_version_and_digest(
    stage: Stage, tmp_path: Path
) -> None:
    first = stage.spec().body
    weightless(stage)
    stage.open_round(model_version=0, model_digest=first.model_digest, endorsements=())

    round_ = next(stage.client(tmp_path / "state").rounds())

    assert (round_.number, round_.model_version) == (1, 0)


def test_a_version_that_grew_with_an_unchanged_model_is_refused(
    stage: Stage, tmp_path: Path
) -> None:
    """T5: the same model under a new salt, claimed as a new version, to run it on another set."""
    weightless(stage)
    stage.open_round()

    assert refusal(stage.client(tmp_path / "state")) == "model-version"


def test_a_version_that_did_not_grow_although_the_model_changed_is_refused(
    stage: Stage, tmp_path: Path
) -> None:
    first = stage.spec().body
    publish_rounds(stage, 1)
    stage.open_round(model_version=0, model_digest=first.model_digest, endorsements=())

    assert refusal(stage.client(tmp_path / "state")) == "model-version"


def test_the_same_version_under_a_new_salt_is_refused(stage: Stage, tmp_path: Path) -> None:
    stage.open_round()
    client = stage.client(tmp_path / "state")
    next(client.rounds())
    stage.abort()
    stage.open_round(model_digest=model_digest(stage.model, digest("test/salt")))

    assert refusal(client) == "model-version"


def go_back_to_the_first_model(stage: Stage) -> None:
    """Two rounds whose updates cancel: version 2 is the model of version 0."""
    study = stage.manifest.body
    one = np.zeros(study.vector_length, np.int64)
    one[-1] = 4000
    # A mean of exactly 2.0, so that adding and subtracting it is exact in float32.
    one[:-1] = 4000 // 2
    for sign in (1, -1):
        stage.open_round()
        change = one * sign
        change[-1] = 4000
        stage.publish(dict.fromkeys(EVERYBODY, change))


def test_a_model_that_the_client_trained_from_under_another_version_is_refused(
    stage: Stage, tmp_path: Path
) -> None:
    stage.open_round()
    client = stage.client(tmp_path / "state")
    client.contribute(next(client.rounds()), vector(1))
    stage.rounds.clear()
    go_back_to_the_first_model(stage)
    stage.open_round()
    away = stage.client(tmp_path / "another")
    assert next(away.rounds()).model_version == 2  # the control: it never trained from it

    assert np.array_equal(stage.model[:6].reshape(3, 2), initial_arrays()["weight"])
    client.close()
    remembering = stage.client(tmp_path / "state")
    assert refusal(remembering) == "model-under-another-version"
    assert stage.calls.count("SubmitHeader") == 1


TRUSTING = ClientPolicy(trust_model_blob=True)


def test_a_late_client_starts_from_a_served_model_by_its_own_policy_alone(
    stage: Stage, tmp_path: Path
) -> None:
    publish_rounds(stage, 3)
    stage.open_round()

    trusting = next(stage.client(tmp_path / "trusting", policy=TRUSTING).rounds())
    fetched = stage.calls.count("FetchBlob")
    careful = next(stage.client(tmp_path / "careful").rounds())

    assert np.array_equal(trusting.model["weight"], careful.model["weight"])
    assert fetched == 2  # the last aggregate, for its salt, and the model
    assert stage.calls.count("FetchBlob") == fetched + 4


def test_a_served_model_that_the_accepted_spec_does_not_pin_is_refused(
    stage: Stage, tmp_path: Path
) -> None:
    publish_rounds(stage, 2)
    stage.open_round()
    pinned = stage.rounds[-1].spec.body.model_digest
    stage.blobs[pinned] = encode_model(stage.model + np.float32(1))

    assert refusal(stage.client(tmp_path / "state", policy=TRUSTING)) == "model-digest"


def test_a_client_that_started_from_a_served_model_recomputes_from_there_on(
    stage: Stage, tmp_path: Path
) -> None:
    publish_rounds(stage, 2)
    stage.open_round()
    client = stage.client(tmp_path / "state", policy=TRUSTING)
    rounds = client.rounds()
    next(rounds)
    stage.publish(EVERYBODY)
    false = stage.model + np.float32(1)
    salt = stage.salt
    good = stage.spec()
    stage.open_round(model_digest=model_digest(false, salt))

    assert refusal(client) == "model-digest"
    stage.rounds.pop()
    stage.announce(good)
    assert next(client.rounds()).model_version == 3


def test_a_model_file_that_was_changed_on_the_disk_is_refused(stage: Stage, tmp_path: Path) -> None:
    publish_rounds(stage, 1)
    stage.open_round()
    client = stage.client(tmp_path / "state")
    next(client.rounds())
    client.close()
    (file,) = (tmp_path / "state").glob("model-*.bin")
    changed = bytearray(file.read_bytes())
    changed[5] ^= 1
    file.write_bytes(changed)

    with pytest.raises(Refused) as caught:
        stage.client(tmp_path / "state")
    assert caught.value.rule == "model-digest"


def test_a_model_file_that_is_gone_is_named(stage: Stage, tmp_path: Path) -> None:
    stage.open_round()
    client = stage.client(tmp_path / "state")
    next(client.rounds())
    client.close()
    (tmp_path / "state" / "model-000000.bin").unlink()

    with pytest.raises(Unavailable) as caught:
        stage.client(tmp_path / "state")
    assert (caught.value.rule, "model-000000.bin" in str(caught.value)) == ("model-file", True)


def test_only_the_newest_model_stays_on_the_disk(stage: Stage, tmp_path: Path) -> None:
    stage.open_round()
    client = stage.client(tmp_path / "state")
    rounds = client.rounds()
    next(rounds)
    stage.publish(EVERYBODY)
    stage.open_round()
    next(rounds)

    assert [file.name for file in (tmp_path / "state").glob("model-*")] == ["model-000001.bin"]
