"""Following: from an announcement to a position that every rule of the study supports.

The newest spec comes with a quorum of acceptances. Those between it and the last one that this
client followed are fetched by the digests in their successors' records, so they are exactly the
ones that the custodians signed behind. One spec for a round number, for ever. Each is read by the
manifest of its own round: that of the round before, and what the spec itself puts in force.
"""

import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from blindsum_client.encode import RoundBasis
from blindsum_client.ledger import FetchFreeze, Ledger
from blindsum_client.manifests import Followed, Manifests
from blindsum_client.memory import Memory, Position
from blindsum_client.model_chain import ModelChain
from blindsum_client.round import Round
from blindsum_client.transport import Announcement
from blindsum_crypto.errors import Refused
from blindsum_protos.convert.signed import signed_to_bytes
from blindsum_rules.amended_manifest import AmendedManifest
from blindsum_rules.amendments_told import check_one_history
from blindsum_rules.local_policy import ClientPolicy, check_spec_against
from blindsum_rules.model import Model
from blindsum_rules.round_quorums import check_acceptances
from blindsum_rules.signed import Signed, verify
from blindsum_rules.spec import Spec, SpecKind
from blindsum_rules.spec_checks import check_spec, check_study_and_number, in_force
from blindsum_rules.succession import check_first, check_succession

NO_ROUND = -1


@dataclass(slots=True)
class Follower:
    """One client's way through a study.

    Attributes:
        manifests: The study's manifest, round by round.
        policy: The client's own floors.
        memory: Where it remembers what it followed.
        ledger: Settled by the closes of what was followed.
        chain: The study's models.
        fetch_spec: A spec by its digest.
        fetch_freeze: A freeze by its digest.
        initial_model: The model of version 0, when asked for.
        position: Where it stands; None before the first round.
    """

    manifests: Manifests
    policy: ClientPolicy
    memory: Memory
    ledger: Ledger
    chain: ModelChain
    fetch_spec: Callable[[bytes], Signed[Spec]]
    fetch_freeze: FetchFreeze
    initial_model: Callable[[], Model]
    position: Position | None = field(init=False)

    def __post_init__(self) -> None:
        """Stand where the client stood when it stopped."""
        self.position = self.memory.position()

    @property
    def round_number(self) -> int:
        """Number of the newest spec that was followed; -1 when there is none."""
        return NO_ROUND if self.position is None else self.position.spec.body.round_number

    @property
    def manifest(self) -> AmendedManifest:
        """The manifest of the round where the client stands."""
        return self.manifests.at(self.round_number)

    def standing_on(self, round_: Round) -> Position:
        """The position of a round that was given out.

        Raises:
            Refused: `stale-round`, when another round has been followed since.
        """
        position = self.position
        if position is None or not hmac.compare_digest(position.spec.digest, round_.round_id):
            raise Refused(
                "stale-round",
                f"expected the round that was followed last, {self.round_number}, got round "
                f"{round_.number}",
            )
        return position

    def basis(self, round_: Round) -> RoundBasis:
        """What the round's integers may depend on, as this client verified it.

        The arrays of the round itself are the trainer's, who may have changed them.

        Raises:
            Refused: `stale-round`.
        """
        position = self.standing_on(round_)
        return RoundBasis(position.spec.digest, position.model)

    def follow(self, announcement: Announcement) -> tuple[Signed[Spec], ...]:
        """Verify an announcement and everything between it and the last position; remember it.

        The position moves only if everything holds, and the ledger is settled with it.

        Returns:
            The specs that led to the new position, the newest last; none when the announcement is
            of the round where the client already stands.

        Raises:
            Refused: a rule of `check_spec`, `check_acceptances`, `check_first`,
                `check_succession`, `in_force`, the client's own policy or the model chain;
                `amendment-fork`, when the amendments contradict those that the client was told;
                `one-spec-per-round-number`, when another spec of a number was followed;
                `round-number`, when the number is not above the last one.
            Rejected: when something is malformed or a signature does not hold.
        """
        head = announcement.spec
        self._check_plain(head)
        here = self.manifests.at(head.body.round_number)
        is_same_stand = hmac.compare_digest(head.body.amendment_digest, here.amendment_digest)
        is_ahead = head.body.round_number > self.round_number
        if is_same_stand or not is_ahead:
            # Before anything is fetched: who is enrolled is known already.
            self._check_head(announcement, here)
        if self.position is not None and self._stands_on(head, self.position):
            return ()
        steps = self._steps_up_to(head)
        there = steps[-1].manifest
        if not is_same_stand or there.number != here.number:
            self._check_head(announcement, there)
        check_one_history(there, self.manifests.told)
        position = self._walk(steps)
        settlements = self.ledger.settlements(steps, self._last(), self.fetch_freeze)
        specs = tuple(step.spec for step in steps)
        self.memory.advance(position, specs, partial(self.ledger.keep, settlements=settlements))
        self.position = position
        return specs

    def _check_plain(self, spec: Signed[Spec]) -> None:
        """Check what may be said of a spec before it is known who is enrolled in its round."""
        original = self.manifests.original
        verify(spec, original.body.aggregator_key)
        check_study_and_number(spec.body, original)

    def _check_head(self, announcement: Announcement, manifest: AmendedManifest) -> None:
        head = announcement.spec
        check_spec(head, manifest, None)
        check_acceptances(announcement.acceptances, head, manifest.body)
        check_spec_against(self.policy, head.body)

    def _stands_on(self, head: Signed[Spec], position: Position) -> bool:
        """Say whether the client stands on this spec already; refuse one that lies behind."""
        number = head.body.round_number
        if number > self.round_number:
            return False
        remembered = self.memory.round_id(number)
        if remembered is not None and not hmac.compare_digest(remembered, head.digest):
            self._refuse_second_spec(head)
        if number < position.spec.body.round_number:
            raise Refused(
                "round-number", f"expected a round above {self.round_number}, got {number}"
            )
        return True

    def _steps_up_to(self, head: Signed[Spec]) -> tuple[Followed, ...]:
        """The specs after the last position, ascending, each checked by the one before it."""
        specs = self._specs_up_to(head)
        before = self._last()
        if before is not None:
            known = before.spec.digest
            if not hmac.compare_digest(specs[0].body.previous.round_id, known):
                # Custodians followed another spec of the number on which this client stands.
                self._refuse_second_spec(specs[0])
        steps: list[Followed] = []
        for spec in specs:
            manifest = self.manifests.original if before is None else before.manifest
            here = in_force(spec, manifest)
            if spec is not head:
                check_spec(spec, here, None)
            if before is None:
                check_first(spec, here)
            else:
                check_succession(spec, before.spec, manifest)
            before = Followed(spec, here)
            steps.append(before)
        return tuple(steps)

    def _specs_up_to(self, head: Signed[Spec]) -> list[Signed[Spec]]:
        specs = [head]
        while specs[-1].body.round_number > self.round_number + 1:
            before = self.fetch_spec(specs[-1].body.previous.round_id)
            self._check_plain(before)
            if before.body.round_number != specs[-1].body.round_number - 1:
                raise Refused(
                    "previous-round",
                    f"expected round {specs[-1].body.round_number - 1} before round "
                    f"{specs[-1].body.round_number}, got {before.body.round_number}",
                )
            specs.append(before)
        return specs[::-1]

    def _last(self) -> Followed | None:
        """Where the client stands, with the manifest of that round."""
        return None if self.position is None else Followed(self.position.spec, self.manifest)

    def _walk(self, steps: tuple[Followed, ...]) -> Position:
        specs = tuple(step.spec for step in steps)
        position, manifest = self.position, self.manifest
        if position is None:
            if self.policy.trust_model_blob and specs[-1].body.model_version > 0:
                return self.chain.start_late(specs)
            position, manifest = self.chain.begin(specs[0], self.initial_model()), steps[0].manifest
            steps = steps[1:]
        for step in steps:
            position = self.chain.follow(position, step.spec, manifest.body)
            manifest = step.manifest
        return position

    def _refuse_second_spec(self, spec: Signed[Spec]) -> None:
        number = spec.body.round_number
        rule = "one-spec-per-round-number"
        self.memory.keep_evidence(rule, number, spec.digest, signed_to_bytes(spec))
        raise Refused(
            rule,
            f"expected the specs that this client followed up to round {self.round_number}; the "
            f"one of round {number} contradicts them and is kept as evidence",
        )


def has_ended(position: Position) -> bool:
    """Say whether the position's spec ended the study."""
    return position.spec.body.kind is SpecKind.END
