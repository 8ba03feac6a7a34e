"""A player whose study is amended between its rounds, honestly or not."""

# ruff: noqa: ANN401 - `**changes` are fields of an amendment

from dataclasses import dataclass, field, replace
from typing import Any

from tests.auditor.conftest import Founding, SealedRound
from tests.auditor.transcripts.conftest import Player

from blindsum_crypto.identity import AgreementKey, Identity, WrapKey
from blindsum_crypto.randomness import SeededRandomness
from blindsum_protos.convert.signed import signed_list_to_bytes, signed_to_bytes
from blindsum_rules import transcript
from blindsum_rules.acceptance import Acceptance
from blindsum_rules.amended_manifest import AmendedManifest
from blindsum_rules.amendment import Amendment, NewCommittee, SignedAmendment, handover
from blindsum_rules.manifest import EnrolledClient, EnrolledCustodian, Manifest
from blindsum_rules.signed import Signed
from blindsum_rules.spec import Spec

_DRAWN = SeededRandomness(b"newcomers")
_KEYS = {name: Identity.generate(_DRAWN) for name in ("basel", "custodian-e")}
BASEL = EnrolledClient(
    "basel", "org-basel", _KEYS["basel"].public, AgreementKey.generate(_DRAWN).public
)
CUSTODIAN_E = EnrolledCustodian(
    "custodian-e",
    _KEYS["custodian-e"].public,
    "x25519",
    WrapKey.generate("x25519", _DRAWN).public,
)
NEW_KEY = AgreementKey.generate(_DRAWN).public


@dataclass(frozen=True)
class AmendedFounding(Founding):
    """The founding as it was, with the words that are in force now."""

    body: Manifest = field(kw_only=True)

    def seal_of(self, spec: Signed[Spec]) -> SealedRound:
        return SealedRound(spec, self.body, SeededRandomness(spec.digest))


class AmendedPlayer(Player):
    """A player of a study that is amended; what is pending goes into the next spec."""

    def __init__(self, founding: Founding) -> None:
        super().__init__(founding)
        self.amended = AmendedManifest(founding.manifest)
        self.pending: tuple[SignedAmendment, ...] = ()
        self._follow()

    def amend(self, *hands: str, **changes: Any) -> "AmendedPlayer":
        """Amend by the hands that must sign, or by those that are named."""
        body = Amendment(
            study=self.study.study,
            number=self.amended.number + 1,
            previous_digest=self.amended.amendment_digest,
            reason="Asked for.",
        )
        body = replace(body, **changes)
        needed = ("operator",) if self.study.officer is None else ("operator", "officer")
        signed = [self.founding.sign(body, hand) for hand in hands or needed]
        amendment = SignedAmendment(signed[0], signed[1] if len(signed) > 1 else None)
        self.amended = self.amended.as_worded((amendment,))
        self.pending = (*self.pending, amendment)
        self._follow()
        return self

    def change_everything(self) -> "AmendedPlayer":
        """Basel joins, Hungary leaves, Cleveland changes its key, a seat changes hands."""
        cleveland = replace(self.study.clients[0], agreement_key=NEW_KEY)
        committee = NewCommittee((*self.study.custodians[:3], CUSTODIAN_E), 2, 3)
        changes = {"joined": (BASEL,), "left": ("hungary",), "rotated": (cleveland,)}
        return self.amend(committee=committee, **changes)

    def spec(self, cohort: tuple[str, ...] = (), **changes: Any) -> Signed[Spec]:
        fields: dict[str, Any] = {
            "amendments": self.pending,
            "amendment_digest": self.amended.amendment_digest,
            "epoch": self.amended.epoch,
        }
        self.leave_to(handover(self.pending))
        self.pending = ()
        return super().spec(cohort, **(fields | changes))

    def leave_to(self, handed_to: bytes) -> None:
        """Let every close of the round before leave it to the committee that follows."""
        if not handed_to or not self.closes:
            return
        self.closes = tuple(
            self.founding.sign(replace(close.body, handed_to=handed_to), close.signer)
            for close in self.closes
        )
        file = transcript.round_file(self.number - 1, transcript.CLOSES)
        self.files[file] = signed_list_to_bytes(self.closes)

    def end(self, **changes: Any) -> "AmendedPlayer":
        spec = self.spec(**changes)
        accepted = self.founding.by_all(
            Acceptance("heart", self.number, spec.digest, ""),
            tuple(one.name for one in self.study.custodians),
        )
        self.files[transcript.end_file(transcript.SPEC)] = signed_to_bytes(spec)
        self.files[transcript.end_file(transcript.ACCEPTANCES)] = signed_list_to_bytes(accepted)
        return self

    def _follow(self) -> None:
        self.study = self.amended.body
        known = self.founding
        self.founding = AmendedFounding(
            {**known.keys, **_KEYS},
            known.manifest,
            known.approval,
            known.initial_model,
            known.start_unix,
            body=self.study,
        )
