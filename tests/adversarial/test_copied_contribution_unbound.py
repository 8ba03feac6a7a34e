"""T7's controls: a copied contribution when the bindings to its client are switched off in turn."""

from collections.abc import Callable, Iterable

import numpy as np
import pytest
from tests.adversarial.copying import COPIER, VICTIM, copied, denials_of, denied
from tests.adversarial.hostile_aggregator import Integers, Sent
from tests.adversarial.world import World, total_of

from blindsum_crypto import custody
from blindsum_crypto.custody import wrap_info
from blindsum_crypto.errors import Aborted
from blindsum_crypto.masking import pairs as masking_pairs
from blindsum_crypto.masking import sealing as masking_sealing
from blindsum_crypto.masking import secrets as masking_secrets
from blindsum_custodian import seeds as custodian_seeds


@pytest.fixture
def wraps_bind_no_header(monkeypatch: pytest.MonkeyPatch) -> None:
    """Switch off: a wrap opens for this custodian and core header alone."""

    def unbound(study: str, epoch: int, custodian: str, _core_digest: bytes) -> bytes:
        return wrap_info(study, epoch, custodian, b"")

    monkeypatch.setattr(custody, "wrap_info", unbound)
    monkeypatch.setattr(custodian_seeds, "wrap_info", unbound)


@pytest.fixture
def commitments_bind_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Switch off: com_T names the client."""
    real = custody.commitment

    def unbound(round_id: bytes, _client: str, part: int, seed: bytes) -> bytes:
        return real(round_id, "", part, seed)

    monkeypatch.setattr(custody, "commitment", unbound)


@pytest.fixture
def leaves_bind_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Switch off: leaf_T names the client."""
    real = custody._leaf_texts

    def unbound(round_id: bytes, _client: str, labels: Iterable[str]) -> list[bytes]:
        return real(round_id, "", labels)

    monkeypatch.setattr(custody, "_leaf_texts", unbound)


@pytest.fixture
def self_masks_bind_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Switch off: h_i names the client (masking)."""
    real = masking_pairs.self_commitment

    def unbound(round_id: bytes, _client: str, secret: bytes) -> bytes:
        return real(round_id, "", secret)

    for module in (masking_sealing, masking_secrets):
        monkeypatch.setattr(module, "self_commitment", unbound)


@pytest.fixture
def no_pair_masks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Switch off: every two clients share a mask that only the two of them remove (masking)."""
    monkeypatch.setattr(masking_sealing, "keys_by_sign", lambda _client, own, _pairs: ([own], []))


nothing_names_the_client = pytest.mark.usefixtures(
    "wraps_bind_no_header",
    "commitments_bind_nobody",
    "leaves_bind_nobody",
    "self_masks_bind_nobody",
)


@pytest.mark.usefixtures("wraps_bind_no_header")
def test_with_unbound_wraps_the_commitments_still_deny_the_copy(world: World) -> None:
    spec = world.aggregator.spec()
    world.accept(spec)
    victim = world.seal(spec, VICTIM)
    copy = copied(world, victim)

    assert denials_of(world, spec, [victim, copy]) == denied(copy, "seed-commitment-mismatch")


def opened_with_copies(world: World, copiers: list[str]) -> tuple[Integers, list[Sent]]:
    """A round in which some clients send the first one's bytes: what opens, and who is in it."""
    spec = world.aggregator.spec()
    world.accept(spec)
    honest = world.seal_all(spec, [name for name in world.clients if name not in copiers])
    copies = [copied(world, honest[0], name) for name in copiers]
    assert denials_of(world, spec, [*honest, *copies]) == {()}
    freeze = world.aggregator.freeze(spec, [*honest, *copies])
    releases = world.release(freeze, world.endorse(freeze))
    return world.aggregator.open(spec, [*honest, *copies], releases), honest


@pytest.mark.usefixtures("wraps_bind_no_header", "commitments_bind_nobody")
def test_with_unbound_wraps_and_commitments_the_copy_is_admitted_and_its_leaves_do_not_fit(
    world: World,
) -> None:
    with pytest.raises(Aborted) as caught:
        opened_with_copies(world, [COPIER])

    assert caught.value.rule in {"residual-gate", "self-commitment"}


@nothing_names_the_client
def test_under_masking_the_pairs_keep_a_copy_out_even_when_nothing_names_the_client(
    world: World, seal: str
) -> None:
    """The victim's masks are in the sum twice, and its peers took only one of them off."""
    if seal != "masking":
        pytest.skip("there are no pairs under ckks")
    with pytest.raises(Aborted) as caught:
        opened_with_copies(world, [COPIER])

    assert caught.value.rule == "padding-gate"


@nothing_names_the_client
@pytest.mark.usefixtures("no_pair_masks")
def test_the_control_with_all_bindings_off_the_sum_holds_the_victim_twice(world: World) -> None:
    opened, honest = opened_with_copies(world, [COPIER])

    assert np.array_equal(opened, total_of(honest) + honest[0].values)


@nothing_names_the_client
@pytest.mark.usefixtures("no_pair_masks")
def test_the_control_with_all_bindings_off_copies_read_the_victims_answers(
    make_world: Callable[..., World], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two honest clients of six answer yes or no: five times the one, and once the other."""
    world = make_world()
    answers = np.random.default_rng(7).integers(0, 2, (2, world.study.vector_length))
    monkeypatch.setattr(
        world, "values_of", lambda client: answers[world.clients.index(client)].astype(np.int64)
    )

    opened, _ = opened_with_copies(world, list(world.clients[2:]))

    assert np.array_equal(opened // 5, answers[0])
    assert np.array_equal(opened % 5, answers[1])
