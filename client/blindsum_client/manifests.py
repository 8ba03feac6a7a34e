"""The manifest of each round, by the amendments in the specs that this client followed."""

import hmac
from collections.abc import Iterator
from dataclasses import dataclass, field

from blindsum_client.memory import Memory
from blindsum_crypto.errors import Refused
from blindsum_rules.amended_manifest import AmendedManifest
from blindsum_rules.manifest import Manifest
from blindsum_rules.signed import Signed
from blindsum_rules.spec import Spec


@dataclass(frozen=True, slots=True)
class Followed:
    """A spec that was followed, and the manifest of its round."""

    spec: Signed[Spec]
    manifest: AmendedManifest


@dataclass(frozen=True, slots=True)
class Manifests:
    """One study's manifest, round by round.

    Attributes:
        told: The verified manifest with every amendment that the client was started with; the
            rounds may not have come so far, or may have come further.
        memory: Knows what came into force with which round.
    """

    told: AmendedManifest
    memory: Memory
    # By the digest of the last amendment (or nothing): rounds of one stand share it.
    _known: dict[bytes, AmendedManifest] = field(init=False, repr=False, default_factory=dict)

    def __post_init__(self) -> None:
        """Begin with the manifest as it was signed."""
        self._known[b""] = AmendedManifest(self.told.signed)

    @property
    def original(self) -> AmendedManifest:
        """The manifest as it was signed: what no amendment changes is read from it."""
        return self._known[b""]

    def at(self, round_number: int) -> AmendedManifest:
        """The manifest of a round that was followed; of a later one, that of the newest."""
        last = self.memory.last_amendment(round_number)
        if last not in self._known:
            self._known[last] = self.original.amended(self.memory.amendments(round_number))
        return self._known[last]

    def of(self, spec: Signed[Spec]) -> AmendedManifest:
        """The manifest of a spec's round, or the one that it must be held against.

        Of a round that was never followed it is the one that the spec names, if the client was
        told of it. `check_spec` judges what comes of it.
        """
        number = spec.body.round_number
        if self.memory.round_id(number) is None:
            for stand in _stands(self.told):
                if hmac.compare_digest(stand.amendment_digest, spec.body.amendment_digest):
                    return stand
        return self.at(number)


def enrolling(manifest: AmendedManifest, client: str) -> Manifest:
    """What a study said of itself when it enrolled a client last.

    Raises:
        Refused: `not-enrolled`, when it never did, as far as is known here.
    """
    for stand in _stands(manifest):
        if client in stand.body.client_keys:
            return stand.body
    raise Refused("not-enrolled", f"expected a manifest that enrols {client!r}, or did")


def _stands(manifest: AmendedManifest) -> Iterator[AmendedManifest]:
    """The manifest after each number of its amendments, the newest first."""
    yield manifest
    for number in range(manifest.number - 1, -1, -1):
        yield manifest.up_to(number)
