"""Who seals in which round: an agreement key lasts one epoch, and so do the agreements made by it.

A client that changes its key holds both for a while. Which one a round is sealed with is said by
the manifest of that round, and so is whom its seeds are wrapped to.
"""

import hmac
from dataclasses import dataclass, field

from blindsum_client.sealing import Sealer
from blindsum_crypto.errors import Refused
from blindsum_crypto.identity import AgreementKey, Identity
from blindsum_crypto.masking.pairs import Agreements
from blindsum_crypto.randomness import Randomness
from blindsum_rules.amended_manifest import AmendedManifest


@dataclass(frozen=True, slots=True)
class Sealers:
    """One client's sealers, one for each stand of the manifest.

    Attributes:
        client: Its id.
        identity: Its signing key.
        randomness: As of `Sealer`.
        agreement_keys: Its agreement keys of all epochs that it holds a key file of.
    """

    client: str
    identity: Identity = field(repr=False)
    randomness: Randomness = field(repr=False)
    agreement_keys: tuple[AgreementKey, ...] = field(repr=False)
    _made: dict[bytes, Sealer] = field(init=False, repr=False, default_factory=dict)

    def of(self, manifest: AmendedManifest) -> Sealer:
        """The sealer of the rounds under a manifest; its agreements are made once.

        Raises:
            Refused: `epoch-key`, when the client was started without the key file of that epoch;
                `not-enrolled`, when the manifest does not enrol it.
        """
        stand = manifest.amendment_digest
        if stand not in self._made:
            body = manifest.body
            agreements = Agreements(self.client, self._key(manifest), body.agreement_keys)
            self._made[stand] = Sealer(
                body, self.client, self.identity, self.randomness, agreements
            )
        return self._made[stand]

    def _key(self, manifest: AmendedManifest) -> AgreementKey:
        enrolled = manifest.body.agreement_keys.get(self.client)
        if enrolled is None:
            raise Refused("not-enrolled", f"expected a round that enrols {self.client!r}")
        for key in self.agreement_keys:
            if hmac.compare_digest(enrolled, key.public):
                return key
        raise Refused(
            "epoch-key",
            f"expected the key file with the agreement key that {self.client!r} has in epoch "
            f"{manifest.epoch}",
        )
