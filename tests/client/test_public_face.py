"""What a user imports: five names, and the loop that the front page shows."""

import blindsum_client
from blindsum_client import BlindsumError, Client, ClientPolicy, Round, Update


def test_the_public_face_has_five_names_that_are_all_there() -> None:
    assert sorted(blindsum_client.__all__) == [
        "BlindsumError",
        "Client",
        "ClientPolicy",
        "Round",
        "Update",
    ]
    for name in blindsum_client.__all__:
        assert getattr(blindsum_client, name).__doc__


def test_every_public_name_is_the_one_that_the_package_uses() -> None:
    modules = {name.__module__ for name in (Client, Round, Update)}

    assert modules == {"blindsum_client.client", "blindsum_client.round", "blindsum_client.update"}
    assert ClientPolicy.__module__ == "blindsum_rules.local_policy"
    assert BlindsumError.__module__ == "blindsum_crypto.errors"
