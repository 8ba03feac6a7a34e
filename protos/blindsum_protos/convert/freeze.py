"""freeze.proto: the freeze of U, a custodian's endorsement and its release."""

from blindsum_protos.convert import fields
from blindsum_protos.v1 import freeze_pb2
from blindsum_rules.endorsement import Endorsement
from blindsum_rules.freeze import Freeze, LeftOut, Member
from blindsum_rules.release import PartRelease, Release


def freeze_to_message(value: Freeze) -> freeze_pb2.FreezeBody:
    """A freeze as a message."""
    return freeze_pb2.FreezeBody(
        study=value.study,
        round_number=value.round_number,
        round_id=value.round_id,
        members=[
            freeze_pb2.Member(client=member.client, contribution_digest=member.contribution_digest)
            for member in value.members
        ],
        root=value.root,
        left_out=[
            freeze_pb2.LeftOut(
                client=left.client, contribution_digest=left.contribution_digest, rule=left.rule
            )
            for left in value.left_out
        ],
    )


def freeze_from_message(message: freeze_pb2.FreezeBody) -> Freeze:
    """Read a freeze; members and left-out ascend by client.

    Raises:
        Rejected: `malformed-message`.
    """
    return Freeze(
        study=fields.identifier(message.study, "FreezeBody.study"),
        round_number=fields.ordinal(message.round_number, "FreezeBody.round_number"),
        round_id=fields.digest(message.round_id, "FreezeBody.round_id"),
        members=_members_from_message(message),
        root=fields.digest(message.root, "FreezeBody.root"),
        left_out=_left_out_from_message(message),
    )


def endorsement_to_message(value: Endorsement) -> freeze_pb2.EndorsementBody:
    """An endorsement as a message."""
    return freeze_pb2.EndorsementBody(
        study=value.study,
        round_number=value.round_number,
        round_id=value.round_id,
        freeze_digest=value.freeze_digest,
        custodian=value.custodian,
    )


def endorsement_from_message(message: freeze_pb2.EndorsementBody) -> Endorsement:
    """Read an endorsement.

    Raises:
        Rejected: `malformed-message`.
    """
    return Endorsement(
        study=fields.identifier(message.study, "EndorsementBody.study"),
        round_number=fields.ordinal(message.round_number, "EndorsementBody.round_number"),
        round_id=fields.digest(message.round_id, "EndorsementBody.round_id"),
        freeze_digest=fields.digest(message.freeze_digest, "EndorsementBody.freeze_digest"),
        custodian=fields.identifier(message.custodian, "EndorsementBody.custodian"),
    )


def release_to_message(value: Release) -> freeze_pb2.ReleaseBody:
    """A page of a release as a message."""
    return freeze_pb2.ReleaseBody(
        study=value.study,
        round_number=value.round_number,
        round_id=value.round_id,
        freeze_digest=value.freeze_digest,
        parts=[freeze_pb2.PartRelease(part=part.part, share=part.share) for part in value.parts],
        custodian=value.custodian,
        page=value.page,
    )


def release_from_message(message: freeze_pb2.ReleaseBody) -> Release:
    """Read a page of a release; its parts ascend. The seal judges the length of the shares.

    Raises:
        Rejected: `malformed-message`.
    """
    parts = tuple(_part_from_message(part) for part in message.parts)
    fields.ascending_keys([part.part for part in parts], "ReleaseBody.parts")
    return Release(
        study=fields.identifier(message.study, "ReleaseBody.study"),
        round_number=fields.ordinal(message.round_number, "ReleaseBody.round_number"),
        round_id=fields.digest(message.round_id, "ReleaseBody.round_id"),
        freeze_digest=fields.digest(message.freeze_digest, "ReleaseBody.freeze_digest"),
        page=fields.ordinal(message.page, "ReleaseBody.page"),
        parts=parts,
        custodian=fields.identifier(message.custodian, "ReleaseBody.custodian"),
    )


def _members_from_message(message: freeze_pb2.FreezeBody) -> tuple[Member, ...]:
    clients = fields.ascending_identifiers(
        (member.client for member in message.members), "FreezeBody.members"
    )
    contribution_digests = fields.digests(
        (member.contribution_digest for member in message.members), "Member.contribution_digest"
    )
    return tuple(map(Member, clients, contribution_digests))


def _left_out_from_message(message: freeze_pb2.FreezeBody) -> tuple[LeftOut, ...]:
    clients = fields.ascending_identifiers(
        (left.client for left in message.left_out), "FreezeBody.left_out"
    )
    contribution_digests = fields.digests(
        (left.contribution_digest for left in message.left_out), "LeftOut.contribution_digest"
    )
    rules = (fields.rule_name(left.rule, "LeftOut.rule") for left in message.left_out)
    return tuple(map(LeftOut, clients, contribution_digests, rules))


def _part_from_message(message: freeze_pb2.PartRelease) -> PartRelease:
    if not message.share:
        raise fields.malformed("PartRelease.share", "a share, got none")
    return PartRelease(part=fields.count(message.part, "PartRelease.part"), share=message.share)
