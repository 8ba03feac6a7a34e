"""The client of Blindsum: join a study, train, contribute, and keep what you know to yourself."""

from blindsum_client.client import Client
from blindsum_client.round import Round
from blindsum_client.update import Update
from blindsum_crypto.errors import BlindsumError
from blindsum_rules.local_policy import ClientPolicy

__all__ = ["BlindsumError", "Client", "ClientPolicy", "Round", "Update"]
