"""Looking back: a round that is over, verified from its certificate and the pieces behind it.

A client that was away, or whose user asks later, checks what the aggregator published then, against
the specs that it followed itself.
"""

import hmac
from dataclasses import dataclass

from blindsum_client.manifests import Manifests
from blindsum_client.memory import Memory
from blindsum_client.outbox import Outbox
from blindsum_client.outcome import Outcome
from blindsum_client.round import Round
from blindsum_client.transport import Transport
from blindsum_client.verification import Verifier
from blindsum_crypto.errors import Refused, Unavailable
from blindsum_rules.acceptance import Acceptance
from blindsum_rules.signed import Signed
from blindsum_rules.spec import Spec
from blindsum_rules.spec_checks import check_spec


@dataclass(frozen=True, slots=True)
class LookingBack:
    """What a client needs to check an earlier round.

    Attributes:
        manifests: The study's manifest, round by round.
        memory: Knows the specs that this client followed.
        outbox: Knows what this client contributed.
        verifier: Checks certificates and notices.
        transport: Where they come from.
    """

    manifests: Manifests
    memory: Memory
    outbox: Outbox
    verifier: Verifier
    transport: Transport

    def outcome(self, round_number: int) -> Outcome:
        """Fetch and verify how a round ended.

        Raises:
            Unavailable: `round-not-over`.
            Refused: `one-spec-per-round-number`, when this client followed another spec of that
                number; as `Verifier.published`.
            Rejected: as `Verifier.published` and `Verifier.aborted`.
        """
        report = self.transport.outcome(round_number, 0)
        if report.certificate is not None:
            body = report.certificate.body
            round_ = self._round(round_number, body.round_id, report.acceptances)
            entry = self.outbox.entry(round_number)
            return self.verifier.published(report.certificate, report.endorsements, round_, entry)
        if report.abort is not None:
            round_ = self._round(round_number, report.abort.body.round_id, ())
            return self.verifier.aborted(report.abort, round_)
        raise Unavailable("round-not-over", f"expected the end of round {round_number}")

    def _round(
        self, round_number: int, round_id: bytes, acceptances: tuple[Signed[Acceptance], ...]
    ) -> Round:
        """The round of that id; if this client followed one of that number, this very one."""
        followed = self.memory.round_id(round_number)
        if followed is not None and not hmac.compare_digest(followed, round_id):
            raise Refused(
                "one-spec-per-round-number",
                f"expected the round {round_number} that this client followed",
            )
        spec = self.transport.signed(Spec, round_id)
        check_spec(spec, self.manifests.of(spec), None)
        if spec.body.round_number != round_number:
            raise Refused("round-number", f"expected round {round_number}")
        # Nobody trains from an earlier round: it comes without its model.
        return Round(spec, acceptances, {})
