"""Agreements: made once an epoch, and never anywhere but in memory."""

import copy
import pickle
from collections.abc import Callable

import pytest

from blindsum_crypto import primitives
from blindsum_crypto.errors import Refused
from blindsum_crypto.identity import AgreementKey
from blindsum_crypto.masking.pairs import Agreements

KEYS = {name: AgreementKey(name.encode() * 32) for name in "abc"}
PUBLIC = {name: key.public for name, key in KEYS.items()}


def made_by(name: str) -> Agreements:
    return Agreements(name, KEYS[name], PUBLIC)


def test_a_peer_costs_one_agreement_however_many_rounds_there_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    agreed: list[bytes] = []
    real = primitives.x25519_agreeing

    def counting(private: bytes) -> Callable[[bytes], bytes]:
        agree = real(private)

        def counted(public: bytes) -> bytes:
            agreed.append(public)
            return agree(public)

        return counted

    monkeypatch.setattr(primitives, "x25519_agreeing", counting)
    agreements = made_by("a")
    secrets = {
        agreements.pair_secret(bytes([round_id]) * 32, peer)
        for round_id in range(5)
        for peer in "bc"
    }
    assert len(secrets) == 10  # fresh in every round
    assert sorted(agreed) == sorted([PUBLIC["b"], PUBLIC["c"]])


@pytest.mark.parametrize("write", [copy.copy, copy.deepcopy, pickle.dumps])
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_agreements_cannot_be_copied_or_pickled(
    write: Callable[..., object], protocol: int
) -> None:
    agreements = made_by("a")
    agreements.pair_secret(bytes(32), "b")
    with pytest.raises(Refused) as caught:
        write(agreements, protocol) if write is pickle.dumps else write(agreements)
    assert caught.value.rule == "secrets-stay-here"


def test_a_repr_shows_no_secret() -> None:
    assert repr(made_by("b")) == "Agreements(client='b')"
