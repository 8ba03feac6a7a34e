"""Step 1, open: the aggregator builds the next spec from what it remembers, and signs it."""

import shutil
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import structlog
from sqlalchemy import Connection

from blindsum_aggregator.amending import following_manifest
from blindsum_aggregator.cohort import choose_cohort
from blindsum_aggregator.exceptions import kept_exception
from blindsum_aggregator.history import earlier_freezes
from blindsum_aggregator.store.amendments import put_in_force
from blindsum_aggregator.store.messages import MessageKind, add_message, messages_of
from blindsum_aggregator.store.rounds import RoundRow, add_round, newest_round, tell_reason
from blindsum_aggregator.study import Study
from blindsum_crypto.errors import Refused, Unavailable
from blindsum_protos.convert.signed import signed_to_bytes
from blindsum_protos.limits import MAX_MESSAGE_BYTES
from blindsum_rules.amended_manifest import AmendedManifest
from blindsum_rules.close import Close
from blindsum_rules.differencing import scope_of
from blindsum_rules.endorsement import Endorsement
from blindsum_rules.groups import clients_of_group, following_group, group_count
from blindsum_rules.manifest import DifferencingScope, Manifest
from blindsum_rules.manifest_checks import check_validity
from blindsum_rules.seal_parameters import seal_parameters
from blindsum_rules.signed import Signed
from blindsum_rules.spec import PreviousRound, Spec, SpecKind
from blindsum_rules.spec_checks import wrap_key_digests
from blindsum_rules.transitions import AggregatorState

_LOG: Final[Any] = structlog.get_logger("blindsum.aggregator")

_HEADROOM_BYTES: Final = 96 << 10
"""Room for the acceptances that travel beside a spec, and for what a certificate lists of pages."""

_DIGEST_ENTRY_BYTES: Final = 34
"""What one contribution adds to a certificate."""


def propose_round(study: Study, connection: Connection) -> Signed[Spec]:
    """Build, sign and remember the spec of the next round, in one transaction.

    What was amended meanwhile comes into force with it.

    Raises:
        Refused: `manifest-not-yet-valid`, `manifest-expired`; `round-not-closed`, when the round
            before has no quorum of closes; `last-round`, when the schedule has no more;
            `privacy-budget`, when too few clients can still afford a round: its custodians would
            refuse it; `cohort-too-large`, when spec or certificate would not fit into a message; a
            rule of the seal.
        Unavailable: `disk-space`, when the round's payloads would not fit.
    """
    amended = following_manifest(study.eras(connection), connection)
    manifest, schedule = amended.body, amended.body.schedule
    now = int(study.clock())
    check_validity(manifest, now)
    before = _closed_before(study, connection)
    base = _base(study, connection, before, amended)
    if base.round_number >= schedule.max_rounds:
        raise Refused("last-round", f"expected at most {schedule.max_rounds} rounds")
    went_well = before is None or before.is_published
    cohort = _cohort(study, connection, base, manifest, went_well=went_well)
    _check_message(len(cohort) * _DIGEST_ENTRY_BYTES, "certificate")
    parameters = seal_parameters(manifest, base.seal, len(cohort))
    _check_disk(study, len(cohort) * parameters.payload_bytes(manifest.vector_length))
    deadline = now + schedule.accept_seconds + schedule.contribute_seconds
    spec = replace(
        base,
        kind=SpecKind.ROUND,
        parameters=parameters,
        cohort=cohort,
        wrap_key_digests=wrap_key_digests(manifest),
        contribute_deadline_unix=deadline,
        release_deadline_unix=deadline + schedule.release_seconds,
    )
    return _remember(study, connection, spec)


def propose_end(
    study: Study, connection: Connection, reason: Refused | None = None
) -> Signed[Spec]:
    """Build, sign and remember the spec that ends the study and binds the last aggregate.

    Args:
        study: The study.
        connection: The transaction.
        reason: Why it ends before its schedule does, for its status; None where it does not.

    Raises:
        Refused: `round-not-closed`; `no-round-yet`, when there is nothing to end.
    """
    before = _closed_before(study, connection)
    if before is None:
        raise Refused("no-round-yet", "expected a study with at least one round")
    amended = following_manifest(study.eras(connection), connection)
    end = _remember(study, connection, _base(study, connection, before, amended))
    if reason is not None:
        tell_reason(connection, study.name, end.body.round_number, reason)
    return end


def _closed_before(study: Study, connection: Connection) -> RoundRow | None:
    before = newest_round(connection, study.name)
    if before is not None and before.state is not AggregatorState.CLOSED:
        raise Refused("round-not-closed", f"expected closes of round {before.number} first")
    return before


def _base(
    study: Study, connection: Connection, before: RoundRow | None, amended: AmendedManifest
) -> Spec:
    """What a spec takes from the manifest and the round before; as it stands, it ends the study."""
    manifest, now = amended.body, int(study.clock())
    in_force = study.eras(connection).in_force.number
    base = Spec(
        study=study.name,
        kind=SpecKind.END,
        round_number=0,
        amendment_digest=amended.amendment_digest,
        epoch=amended.epoch,
        model_version=0,
        model_digest=manifest.initial_model_digest,
        previous=PreviousRound(study.signed_manifest.digest),
        closes=(),
        endorsements=(),
        vector_length=manifest.vector_length,
        seal=manifest.seals[0],
        parameters=None,
        codec=manifest.codec,
        cohort=(),
        min_cohort=manifest.min_cohort,
        wrap_key_digests=(),
        contribute_deadline_unix=now,
        release_deadline_unix=now,
        amendments=amended.amendments[in_force:],
    )
    return base if before is None else _continue(study, connection, base, before)


def _continue(study: Study, connection: Connection, base: Spec, before: RoundRow) -> Spec:
    version = before.model_version if before.next_version is None else before.next_version
    spec, groups = study.spec(connection, before.number).body, group_count(study.manifest)
    group = following_group(spec, groups, is_published=before.is_published)
    has_moved = version > before.model_version or group != spec.group
    endorsements = (
        messages_of(connection, study.name, before.number, MessageKind.ENDORSEMENT, Endorsement)
        if has_moved
        else []
    )
    closes = messages_of(connection, study.name, before.number, MessageKind.CLOSE, Close)
    return replace(
        base,
        round_number=before.number + 1,
        model_version=version,
        model_digest=before.next_digest,
        previous=PreviousRound(before.round_id, before.freeze_digest, before.commitment),
        closes=tuple(closes),
        endorsements=tuple(endorsements),
        group=group,
    )


def _cohort(
    study: Study, connection: Connection, base: Spec, manifest: Manifest, *, went_well: bool
) -> tuple[str, ...]:
    spending, revoked = study.spending, study.eras(connection).known.revoked
    earlier = earlier_freezes(study, connection, base.model_version, base.round_number)
    # Where other versions bind too, the very set that went well may go on.
    is_wide = scope_of(manifest, base.model_version) is not DifferencingScope.VERSION
    repeat_first = is_wide and went_well
    group = (client.name for client in clients_of_group(manifest, base.group))
    able = tuple(name for name in group if name not in revoked)
    earlier = [freeze for freeze in earlier if not freeze.clients.isdisjoint(able)]
    settled = {} if spending is None else spending.settled(connection)
    charging = None if spending is None else spending.prices(connection)
    if charging is not None:
        able = charging.able(able, settled)
    cohort = _excepted(study, connection, base, able)
    if cohort is None:
        number = base.round_number
        cohort = choose_cohort(manifest, able, earlier, number, repeat_first=repeat_first)
    if charging is None:
        return cohort
    floors = base.min_cohort, manifest.min_organisations
    charging.check_payable(cohort, settled, *floors)
    return cohort


def _excepted(
    study: Study, connection: Connection, base: Spec, able: Sequence[str]
) -> tuple[str, ...] | None:
    """The clients whom the round's exception names, if it can still be used; None without one."""
    kept = kept_exception(study, connection, base.round_number)
    if kept is None:
        return None
    if kept.body.model_version == base.model_version and set(kept.body.clients) <= set(able):
        return kept.body.clients
    _LOG.warning(
        "exception-unused",
        study=study.name,
        round_number=base.round_number,
        expected=f"model version {base.model_version}, and clients who may take part",
    )
    return None


def _check_disk(study: Study, needed_bytes: int) -> None:
    free_bytes = shutil.disk_usage(study.settings.state_directory).free
    if free_bytes < needed_bytes:
        raise Unavailable(
            "disk-space", f"expected {needed_bytes} free bytes for payloads, got {free_bytes}"
        )


def _check_message(byte_count: int, what: str) -> None:
    most_bytes = MAX_MESSAGE_BYTES - _HEADROOM_BYTES
    if byte_count > most_bytes:
        raise Refused(
            "cohort-too-large", f"expected a cohort whose {what} fits into {most_bytes} bytes"
        )


def _remember(study: Study, connection: Connection, spec: Spec) -> Signed[Spec]:
    signed = study.sign(spec)
    _check_message(len(signed_to_bytes(signed)), "spec")
    if spec.amendments:
        put_in_force(connection, study.name, spec.amendments[-1].body.number, spec.round_number)
    add_round(connection, signed, study.clock())
    add_message(connection, study.place(spec.round_number, MessageKind.SPEC), signed)
    return signed
