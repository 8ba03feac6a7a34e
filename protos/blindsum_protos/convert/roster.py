"""manifest.proto: the parties that a manifest enrols."""

from collections.abc import Iterable

from blindsum_protos.convert import fields
from blindsum_protos.convert.identity import check_wrap_key
from blindsum_protos.v1 import manifest_pb2
from blindsum_rules.manifest import EnrolledClient, EnrolledCustodian, Party


def party_to_message(value: Party) -> manifest_pb2.Party:
    """A party that only signs as a message."""
    return manifest_pb2.Party(name=value.name, identity=value.identity)


def party_from_message(message: manifest_pb2.Party, field: str) -> Party:
    """Read a party that only signs; `field` names where it stands.

    Raises:
        Rejected: `malformed-message`.
    """
    return Party(
        name=fields.identifier(message.name, f"{field}.name"),
        identity=fields.public_key(message.identity, f"{field}.identity"),
    )


def clients_to_messages(values: Iterable[EnrolledClient]) -> list[manifest_pb2.EnrolledClient]:
    """A roster as messages."""
    return [
        manifest_pb2.EnrolledClient(
            name=value.name,
            organisation=value.organisation,
            identity=value.identity,
            agreement_key=value.agreement_key,
            group=value.group,
        )
        for value in values
    ]


def clients_from_messages(
    messages: Iterable[manifest_pb2.EnrolledClient], field: str = "ManifestBody.clients"
) -> tuple[EnrolledClient, ...]:
    """Read a roster, ascending by client; `field` names where it stands.

    Raises:
        Rejected: `malformed-message`.
    """
    clients = tuple(_client_from_message(message) for message in messages)
    fields.ascending_identifiers((client.name for client in clients), field)
    return clients


def custodians_to_messages(
    values: Iterable[EnrolledCustodian],
) -> list[manifest_pb2.EnrolledCustodian]:
    """A committee as messages."""
    return [
        manifest_pb2.EnrolledCustodian(
            name=value.name,
            identity=value.identity,
            wrap_suite=value.wrap_suite,
            wrap_key=value.wrap_key,
        )
        for value in values
    ]


def custodians_from_messages(
    messages: Iterable[manifest_pb2.EnrolledCustodian], field: str = "ManifestBody.custodians"
) -> tuple[EnrolledCustodian, ...]:
    """Read a committee, ascending by custodian; `field` names where it stands.

    Raises:
        Rejected: `malformed-message`.
    """
    custodians = tuple(_custodian_from_message(message) for message in messages)
    names = (custodian.name for custodian in custodians)
    fields.ascending_identifiers(names, field)
    return custodians


def _client_from_message(message: manifest_pb2.EnrolledClient) -> EnrolledClient:
    return EnrolledClient(
        name=fields.identifier(message.name, "EnrolledClient.name"),
        organisation=fields.identifier(message.organisation, "EnrolledClient.organisation"),
        identity=fields.public_key(message.identity, "EnrolledClient.identity"),
        agreement_key=fields.public_key(message.agreement_key, "EnrolledClient.agreement_key"),
        group=message.group,
    )


def _custodian_from_message(message: manifest_pb2.EnrolledCustodian) -> EnrolledCustodian:
    check_wrap_key(message.wrap_suite, message.wrap_key, "EnrolledCustodian.wrap_key")
    return EnrolledCustodian(
        name=fields.identifier(message.name, "EnrolledCustodian.name"),
        identity=fields.public_key(message.identity, "EnrolledCustodian.identity"),
        wrap_suite=message.wrap_suite,
        wrap_key=message.wrap_key,
    )
