"""Sealing: what leaves a client opens with the others' to the exact sum, and shows nothing else."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pytest
from tests.client.people import LAYOUT, peers, vector
from tests.client.stage import Stage
from tests.client.uploads import open_sum, unwrap_all

from blindsum_client import sealing
from blindsum_client.sealing import Sealer
from blindsum_client.seals import client_seal
from blindsum_crypto import custody
from blindsum_crypto.custody import CustodySeeds
from blindsum_crypto.errors import Aborted, Refused, Rejected
from blindsum_crypto.masking.pairs import Agreements
from blindsum_crypto.randomness import Randomness, SeededRandomness, SystemRandomness
from blindsum_crypto.seal import ClientSeal, SealedVector
from blindsum_rules.header import core_digest, wrap_digest
from blindsum_rules.header_checks import check_core_header

if TYPE_CHECKING:
    from blindsum_rules.manifest import Manifest
    from blindsum_rules.signed import Signed
    from blindsum_rules.spec import Spec


def sealer(stage: Stage, randomness: Randomness | None = None) -> Sealer:
    identity = stage.people.identities["cleveland"]
    return Sealer(
        stage.manifest.body,
        "cleveland",
        identity,
        randomness or SystemRandomness(),
        stage.people.agreements_of("cleveland"),
    )


@pytest.mark.parametrize(("custodians", "threshold", "quorum"), [(4, 2, 3), (1, 1, 1), (7, 3, 5)])
def test_the_contributions_of_a_round_open_to_the_exact_sum(
    custodians: int, threshold: int, quorum: int
) -> None:
    stage = Stage(custodians, threshold, quorum)
    staged = stage.open_round()
    everybody = peers() | {"cleveland": vector(9)}
    for name, integers in everybody.items():
        stage.upload_as(name, integers)

    total = open_sum(staged.spec, staged.uploads, stage.manifest.body, stage.people)

    assert np.array_equal(total, sum(everybody.values()))


def test_a_header_passes_the_check_of_custodians_and_aggregator(stage: Stage) -> None:
    staged = stage.open_round()

    sealed = sealer(stage).seal(staged.spec, vector(1))

    check_core_header(sealed.contribution, staged.spec, stage.manifest.body)
    assert sealed.contribution.body.core.payload_digest == sealing.payload_digest(sealed.payload)
    assert sealed.contribution.body.wrap_digests == tuple(map(wrap_digest, sealed.wraps))


def test_a_wrap_opens_for_its_own_custodian_and_header_alone(stage: Stage) -> None:
    staged = stage.open_round()
    sealed = sealer(stage).seal(staged.spec, vector(1))
    study = stage.manifest.body
    bound_to = core_digest(sealed.contribution.body.core_bytes)
    first, second = (custodian.name for custodian in study.custodians[:2])
    key = stage.people.wraps[first]

    good = custody.wrap_info(study.study, 0, first, bound_to)
    parts = study.committee.parts_of(0)
    assert len(custody.decode_seeds(parts, key.unwrap(good, sealed.wraps[0]))) == len(parts)
    for info, wrap in (
        (good, sealed.wraps[1]),
        (custody.wrap_info(study.study, 0, second, bound_to), sealed.wraps[0]),
        (custody.wrap_info(study.study, 1, first, bound_to), sealed.wraps[0]),
        (custody.wrap_info(study.study, 0, first, bytes(32)), sealed.wraps[0]),
    ):
        with pytest.raises(Rejected) as caught:
            key.unwrap(info, wrap)
        assert caught.value.rule == "bad-wrap"


def test_two_seals_of_the_same_integers_share_no_byte_string(stage: Stage) -> None:
    staged = stage.open_round()

    one, other = (sealer(stage).seal(staged.spec, vector(1)) for _ in range(2))

    assert one.payload != other.payload
    assert len(one.payload) == len(other.payload)
    assert not set(one.wraps) & set(other.wraps)
    commitments = [set(each.contribution.body.core.seed_commitments) for each in (one, other)]
    assert not commitments[0] & commitments[1]


def test_every_client_and_vector_gives_messages_of_one_length(stage: Stage) -> None:
    staged = stage.open_round()
    zeros = np.zeros(LAYOUT.size + 1, np.int64)

    sealed = [sealer(stage).seal(staged.spec, integers) for integers in (zeros, vector(3))]

    assert len({len(each.payload) for each in sealed}) == 1
    assert len({tuple(map(len, each.wraps)) for each in sealed}) == 1
    assert len({len(each.contribution.body_bytes) for each in sealed}) == 1


@pytest.mark.parametrize(
    "integers",
    [
        np.zeros(LAYOUT.size, np.int64),
        np.zeros(LAYOUT.size + 2, np.int64),
        np.zeros((1, LAYOUT.size + 1), np.int64),
        np.zeros(LAYOUT.size + 1, np.int32),
        np.zeros(LAYOUT.size + 1, np.float64),
    ],
    ids=["short", "long", "nested", "int32", "float64"],
)
def test_integers_of_another_shape_or_type_are_refused(
    stage: Stage, integers: npt.NDArray[Any]
) -> None:
    staged = stage.open_round()

    with pytest.raises(Refused) as caught:
        sealer(stage).seal(staged.spec, integers)
    assert caught.value.rule == "integers"


@pytest.mark.parametrize("sign", [1, -1])
def test_a_value_beyond_the_coordinate_bound_is_refused_without_saying_it(
    stage: Stage, sign: int
) -> None:
    staged = stage.open_round()
    integers = vector(1)
    integers[4] = sign * (stage.manifest.body.weighted_codec.coordinate_bound + 7)

    with pytest.raises(Refused) as caught:
        sealer(stage).seal(staged.spec, integers)

    assert caught.value.rule == "coordinate-bound"
    assert str(integers[4]) not in str(caught.value)


def test_a_seal_that_this_client_does_not_speak_is_refused(stage: Stage) -> None:
    spec = stage.spec()
    unknown = replace(spec, body=replace(spec.body, seal="paillier"))
    bare = replace(spec, body=replace(spec.body, parameters=None))

    for changed, rule in ((unknown, "unknown-seal"), (bare, "spec-parameters")):
        with pytest.raises(Refused) as caught:
            sealer(stage).seal(changed, vector(1))
        assert caught.value.rule == rule


class CarelessSeal:
    """A seal with a fault: what a client must notice before it spoils everybody's round."""

    def __init__(self, seal: ClientSeal, fault: str) -> None:
        self._seal = seal
        self._fault = fault

    @property
    def payload_bytes(self) -> int:
        return self._seal.payload_bytes

    def seal(
        self,
        values: npt.NDArray[np.int64],
        client: str,
        seeds: CustodySeeds,
        randomness: Randomness,
    ) -> SealedVector:
        if self._fault == "value":
            values = values + np.eye(1, values.size, dtype=np.int64)[0]
        sealed = self._seal.seal(values, client, seeds, randomness)
        payload = bytearray(sealed.payload)
        if self._fault == "byte":
            payload[100] ^= 4
        return replace(sealed, payload=bytes(payload))

    def open_own(
        self, sealed: SealedVector, client: str, seeds: CustodySeeds
    ) -> npt.NDArray[np.int64]:
        return self._seal.open_own(sealed, client, seeds)


@pytest.mark.parametrize("fault", ["value", "byte"])
def test_a_seal_that_does_not_open_to_its_integers_is_not_sent(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, fault: str
) -> None:
    def careless(
        spec: "Signed[Spec]", manifest: "Manifest", agreements: Agreements
    ) -> CarelessSeal:
        return CarelessSeal(client_seal(spec, manifest, agreements), fault)

    stage.open_round()
    client = stage.client(tmp_path / "state")
    round_ = next(client.rounds())
    monkeypatch.setattr(sealing, "client_seal", careless)

    with pytest.raises(Refused) as caught:
        client.contribute(round_, vector(1))

    assert caught.value.rule == "own-opening"
    assert stage.calls.count("SubmitHeader") == 0

    # The control: the same round, with the real seal.
    monkeypatch.undo()
    client.contribute(round_, vector(1))
    assert stage.calls.count("SubmitHeader") == 1


def test_the_control_that_a_careless_seal_spoils_a_round(stage: Stage) -> None:
    staged = stage.open_round()
    for name, integers in peers().items():
        stage.upload_as(name, integers)
    sealed = stage.upload_as("cleveland", vector(1))
    payload = bytearray(sealed.payload)
    payload[100] ^= 4
    staged.uploads["cleveland"].payload = payload

    with pytest.raises(Aborted) as caught:
        open_sum(staged.spec, staged.uploads, stage.manifest.body, stage.people)
    assert caught.value.rule == "residual-gate"


def files_below(folder: Path) -> Iterator[bytes]:
    for path in folder.rglob("*"):
        if path.is_file():
            yield path.read_bytes()


def test_neither_seeds_nor_integers_ever_reach_the_disk_or_the_wire(
    stage: Stage, tmp_path: Path
) -> None:
    staged = stage.open_round()
    client = stage.client(tmp_path / "state")
    integers = vector(1)

    client.contribute(next(client.rounds()), integers)

    seeds = unwrap_all(staged.uploads["cleveland"], staged.spec, stage.manifest.body, stage.people)
    secrets = [*seeds.values(), integers.tobytes(), integers[:4].tobytes()]
    everything = [*files_below(tmp_path), *stage.calls.received]
    assert len(secrets) == 6
    assert sum(map(len, everything)) > len(staged.uploads["cleveland"].payload)
    assert not [secret for secret in secrets for data in everything if secret in data]
    # The control: the search would find what is there.
    header = staged.uploads["cleveland"].contribution.body_bytes
    assert [data for data in everything if header in data]


def test_a_sealed_contribution_and_its_sealer_show_no_secret(stage: Stage) -> None:
    staged = stage.open_round()
    one = sealer(stage, SeededRandomness(b"shown"))
    sealed = one.seal(staged.spec, vector(1))

    text = repr(sealed) + repr(one)

    assert "payload_bytes" in text
    assert repr(sealed.payload[:8])[2:-1] not in text
    assert stage.people.identities["cleveland"].private.hex() not in text
    assert repr(stage.people.identities["cleveland"].private)[2:-1] not in text
