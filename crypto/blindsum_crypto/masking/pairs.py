"""Pairs: what two clients of a round share, and what each tells the aggregator about it.

k_ij = HKDF(X25519(i, j), domain, round id, sorted ids) is fresh in every round; the agreement is
made once an epoch. Client i sends, for every peer j ascending, ct_ij = k_ij XOR K_i(pair/j), which
the custodians open when i survives and j does not, and h_ij = SHA-256(domain, round id, k_ij),
which both ends must state alike. One-shot recovery after Flamingo (Ma et al., S&P 2023).
"""

from collections.abc import Mapping, Sequence
from typing import Final, NoReturn

import numpy as np
import numpy.typing as npt

from blindsum_crypto import domains
from blindsum_crypto.custody import CustodySeeds, combined_leaf, combined_leaves
from blindsum_crypto.errors import Refused, Rejected
from blindsum_crypto.identity import AgreementKey
from blindsum_crypto.primitives import DIGEST_BYTES, KEY_BYTES, digest, hkdf_expand, hkdf_extract

ENTRY_BYTES: Final = KEY_BYTES + DIGEST_BYTES


class Agreements:
    """One client's X25519 agreements with its peers, each made once an epoch.

    They are cached as long as this lives. No repr shows one, and no copy or pickle can be made.

    Args:
        client: Whose they are.
        key: Its agreement key of the epoch.
        public_keys: Every enrolled client's public agreement key, 32 bytes each.

    Raises:
        Refused: `enrolled-twice`, when two clients have one key.
    """

    def __init__(self, client: str, key: AgreementKey, public_keys: Mapping[str, bytes]) -> None:
        if len(set(public_keys.values())) != len(public_keys):
            raise Refused("enrolled-twice", "expected an agreement key of its own for every client")
        self.client = client
        self._agree = key.agreeing()
        self._public_keys = public_keys
        self._extracted: dict[str, bytes] = {}

    def pair_secret(self, round_id: bytes, peer: str) -> bytes:
        """k_ij with one peer in one round, 32 secret bytes; the same from both ends.

        Raises:
            Refused: `unknown-peer`.
            Rejected: `small-order-key`, `public-key-length`.
        """
        if peer not in self._extracted:
            public = self._public_keys.get(peer)
            if public is None or peer == self.client:
                raise Refused("unknown-peer", f"expected another enrolled client, got {peer!r}")
            self._extracted[peer] = hkdf_extract(self._agree(public))
        ends = sorted((self.client, peer))
        names = map(str.encode, ends)
        return hkdf_expand(self._extracted[peer], domains.PAIR_SECRET, round_id, *names)

    def __repr__(self) -> str:
        return f"Agreements(client={self.client!r})"

    def __reduce__(self) -> NoReturn:
        """Refuse to be copied or pickled: what is written down would open every round's pairs.

        Raises:
            Refused: `secrets-stay-here`.
        """
        raise Refused("secrets-stay-here", "expected agreements to stay in this process's memory")


def self_secret(seeds: CustodySeeds, round_id: bytes, client: str) -> bytes:
    """K_i(self), the key of a client's self mask; 32 secret bytes."""
    return combined_leaf(seeds, round_id, client, domains.LABEL_SELF)


def self_commitment(round_id: bytes, client: str, secret: bytes) -> bytes:
    """h_i, what a header says about the self mask; 32 bytes. Hiding: the secret has 256 bits."""
    return digest(domains.SELF_COMMITMENT, round_id, client.encode(), secret)


def pair_commitment(round_id: bytes, pair_secret: bytes) -> bytes:
    """h_ij, the same from both ends; 32 bytes."""
    return digest(domains.PAIR_COMMITMENT, round_id, pair_secret)


def pair_table(
    client: str, seeds: CustodySeeds, round_id: bytes, pair_secrets: Mapping[str, bytes]
) -> bytes:
    """ct_ij and h_ij for every peer, ascending; 64 bytes each."""
    peers = sorted(pair_secrets)
    labels = [domains.LABEL_PAIR + peer for peer in peers]
    secrets = b"".join(pair_secrets[peer] for peer in peers)
    sealed = xor(secrets, combined_leaves(seeds, round_id, client, labels))
    return b"".join(
        sealed[KEY_BYTES * place : KEY_BYTES * (place + 1)]
        + pair_commitment(round_id, pair_secrets[peer])
        for place, peer in enumerate(peers)
    )


def pair_table_digest(table: bytes) -> bytes:
    """The digest of a pair table as it stands in the header, 32 bytes."""
    return digest(domains.PAIR_TABLE, table)


def read_pair_table(table: bytes, peers: int) -> npt.NDArray[np.uint8]:
    """The entries of a pair table: uint8, shape (peers, 2, 32), ct_ij and h_ij.

    Raises:
        Rejected: `pair-table-length`.
    """
    if len(table) != peers * ENTRY_BYTES:
        raise Rejected(
            "pair-table-length", f"expected {peers * ENTRY_BYTES} bytes, got {len(table)}"
        )
    return np.frombuffer(table, np.uint8).reshape(peers, 2, DIGEST_BYTES)


def adds(client: str, peer: str) -> bool:
    """Whether this end adds the pair's mask: the one with the smaller id does."""
    return client < peer


def keys_by_sign(
    client: str, own: bytes, pair_secrets: Mapping[str, bytes]
) -> tuple[Sequence[bytes], Sequence[bytes]]:
    """Which keys' masks a client adds, its own first, and which it subtracts."""
    plus = [own, *(key for peer, key in pair_secrets.items() if adds(client, peer))]
    return plus, [key for peer, key in pair_secrets.items() if not adds(client, peer)]


def xor(left: bytes, right: bytes) -> bytes:
    """The XOR of two byte strings of one length."""
    total = int.from_bytes(left, "little") ^ int.from_bytes(right, "little")
    return total.to_bytes(len(left), "little")
