"""Verification after the fact: what a client checks when a round has ended.

A client sends once and cannot see the frozen set before its leaves are released. It relies on fewer
than t dishonest custodians then, and on this afterwards.
"""

import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from blindsum_client.manifests import Manifests
from blindsum_client.memory import Memory
from blindsum_client.outbox import Entry
from blindsum_client.outcome import Outcome
from blindsum_client.round import Round
from blindsum_crypto.errors import Rejected
from blindsum_protos.convert.signed import signed_to_bytes
from blindsum_rules.certificate import Abort, Certificate
from blindsum_rules.endorsement import Endorsement
from blindsum_rules.freeze import Freeze
from blindsum_rules.outcome_checks import check_certificate, check_receipt_honoured
from blindsum_rules.receipt import Receipt
from blindsum_rules.signed import Signed, verify

FetchSigned = Callable[[type[Any], bytes], Signed[Any]]
"""A signed message by its kind and digest; its digest is right, its signature is not verified."""


@dataclass(frozen=True, slots=True)
class Verifier:
    """What a client needs to check the end of a round.

    Attributes:
        manifests: The study's manifest, round by round.
        memory: Where evidence is kept.
        fetch_signed: Fetches what a certificate names.
    """

    manifests: Manifests
    memory: Memory
    fetch_signed: FetchSigned

    def published(
        self,
        certificate: Signed[Certificate],
        endorsements: Sequence[Signed[Endorsement]],
        round_: Round,
        entry: Entry | None,
    ) -> Outcome:
        """Check a certificate with the pieces it names, and find this client's own contribution.

        Args:
            certificate: As it came.
            endorsements: As they came with it; a quorum is needed.
            round_: The verified round.
            entry: This client's contribution to it, or None.

        Raises:
            Rejected: a rule of `check_certificate`; `receipt-not-honoured`, when a receipted
                contribution is in neither list of the freeze (both are kept as evidence);
                `not-my-contribution`, when the freeze names another contribution of this client.
            Refused: a rule of `check_certificate`.
        """
        freeze: Signed[Freeze] = self.fetch_signed(Freeze, certificate.body.freeze_digest)
        manifest = self.manifests.of(round_.spec).body
        check_certificate(
            certificate, round_.spec, round_.acceptances, freeze, endorsements, manifest
        )
        included, left_out_by_rule = self._own_place(freeze, entry)
        return Outcome(
            round_number=round_.number,
            certificate=certificate,
            freeze=freeze,
            abort=None,
            included=included,
            left_out_by_rule=left_out_by_rule,
        )

    def aborted(self, abort: Signed[Abort], round_: Round) -> Outcome:
        """Check the aggregator's notice of an aborted round.

        Raises:
            Rejected: `unknown-signer`, `bad-signature`, `wrong-round`.
        """
        study = self.manifests.original.body
        verify(abort, study.aggregator_key)
        same = hmac.compare_digest(abort.body.round_id, round_.round_id)
        if abort.body.study != study.study or not same:
            raise Rejected("wrong-round", "Abort: expected the study and the id of this round")
        return Outcome(
            round_number=round_.number,
            certificate=None,
            freeze=None,
            abort=abort,
            included=False,
            left_out_by_rule=None,
        )

    def receipt(self, receipt: Signed[Receipt], entry: Entry) -> None:
        """Check that a receipt is the aggregator's and names this very contribution.

        Raises:
            Rejected: `unknown-signer`, `bad-signature`, `wrong-receipt`.
        """
        verify(receipt, self.manifests.original.body.aggregator_key)
        body, core = receipt.body, entry.contribution.body.core
        named = (body.study, body.round_number, body.round_id, body.client)
        same = hmac.compare_digest(body.contribution_digest, entry.contribution.digest)
        if named != (core.study, core.round_number, core.round_id, core.client) or not same:
            raise Rejected("wrong-receipt", "expected a receipt of the contribution that was sent")

    def _own_place(self, freeze: Signed[Freeze], entry: Entry | None) -> tuple[bool, str | None]:
        """Whether the contribution is in U, or the reason why it was left out."""
        if entry is None:
            return False, None
        if entry.receipt is not None:
            self._check_honoured(entry.receipt, freeze)
        name, digest = entry.contribution.body.core.client, entry.contribution.digest
        for member in freeze.body.members:
            if member.client == name:
                if not hmac.compare_digest(member.contribution_digest, digest):
                    raise Rejected(
                        "not-my-contribution",
                        f"expected the contribution that {name!r} sent, got another one under its "
                        "name",
                    )
                return True, None
        rules = [one.rule for one in freeze.body.left_out if one.client == name]
        return False, rules[0] if rules else None

    def _check_honoured(self, receipt: Signed[Receipt], freeze: Signed[Freeze]) -> None:
        try:
            check_receipt_honoured(receipt, freeze)
        except Rejected as error:
            number = receipt.body.round_number
            for signed in (receipt, freeze):
                self.memory.keep_evidence(
                    error.rule, number, signed.digest, signed_to_bytes(signed)
                )
            raise
