"""A client follows a study that is amended: each round by its own manifest, keys and peers."""

from pathlib import Path

import numpy as np
import pytest
from tests.client.amending import Amending
from tests.client.people import CLIENTS, peers, vector

from blindsum_client.agent import Agent
from blindsum_client.client import Client
from blindsum_crypto.errors import Aborted, Refused, Rejected
from blindsum_crypto.identity import AgreementKey

SEALS = ("ckks", "masking")
OLD = tuple(f"custodian-{index}" for index in range(4))


def summed(amending: Amending, client: Client, but: tuple[str, ...] = ()) -> None:
    """The client's next round, carried through to the sum that its certificate stands for."""
    round_ = next(client.rounds())
    integers = vector(7)
    client.contribute(round_, integers)
    cohort = round_.spec.body.cohort
    sent = {name: vector(seed) for seed, name in enumerate(cohort) if name != client.name}
    staged = amending.stage.publish({name: sent[name] for name in sent if name not in but})
    outcome = client.outcome(round_)

    assert outcome.included
    assert staged.aggregate is not None
    expected = integers + sum(sent[name] for name in sent if name not in but)
    assert np.array_equal(staged.aggregate.values, expected)


def refused(client: Client) -> str:
    with pytest.raises((Refused, Rejected)) as caught:
        next(client.rounds())
    return caught.value.rule


def passed_over(client: Client) -> bool:
    """Whether the client follows the round that is announced now and takes no part in it."""
    assert client._rounds._next(-1) is not None
    position = client._follower.position
    assert position is not None
    return not client._rounds._is_for_me(position)


@pytest.mark.parametrize("seal", SEALS)
def test_a_round_of_a_new_committee_is_sealed_to_it_and_verified_by_it(
    seal: str, tmp_path: Path
) -> None:
    amending = Amending(seal)
    amending.open_round()
    client = amending.client(tmp_path / "state")
    summed(amending, client)
    amending.put_in_force(
        amending.amendment(committee=amending.committee(OLD[0], OLD[1], "keeper-x", "keeper-y"))
    )
    amending.open_round()

    summed(amending, client)
    amending.end_study()

    assert list(client.rounds()) == []
    assert client.look_back(0).included  # by the committee of its own round
    assert client.look_back(1).included


@pytest.mark.parametrize("seal", SEALS)
def test_a_client_that_joins_and_one_that_leaves_are_summed_in_their_rounds_alone(
    seal: str, tmp_path: Path
) -> None:
    amending = Amending(seal)
    amending.open_round()
    client = amending.client(tmp_path / "state")
    summed(amending, client)
    guest = amending.newcomer("guest")
    amending.put_in_force(amending.amendment(joined=(guest,), left=("hungary",)))
    staged = amending.open_round()

    summed(amending, client)

    assert set(staged.spec.body.cohort) == {*CLIENTS, "guest"} - {"hungary"}
    late = amending.client(tmp_path / "late", amending.in_force, name="guest")
    amending.open_round()
    summed(amending, late)
    assert late.look_back(0).included is False


@pytest.mark.parametrize("seal", SEALS)
def test_a_rotated_agreement_key_is_used_from_its_epoch_on(seal: str, tmp_path: Path) -> None:
    amending = Amending(seal)
    old, new = amending.stage.people.agreements["cleveland"], AgreementKey.generate()
    amendment = amending.amendment(rotated=(amending.rotated("cleveland", new),))
    told = amending.in_force.amended([amendment])
    amending.open_round()
    client = amending.client(tmp_path / "state", keys=(old, new))
    summed(amending, client, but=("hungary",))
    client.close()
    amending.put_in_force(amendment, keys={"cleveland": new})
    amending.open_round()
    again = amending.client(tmp_path / "state", told, (old, new))

    summed(amending, again, but=("hungary",))


def test_masks_of_an_old_agreement_key_do_not_cancel_in_the_new_epoch(tmp_path: Path) -> None:
    """The control: a peer that goes on with the rotated client's old key spoils the sum."""
    amending = Amending("masking")
    old, new = amending.stage.people.agreements["cleveland"], AgreementKey.generate()
    amending.put_in_force(
        amending.amendment(rotated=(amending.rotated("cleveland", new),)), keys={"cleveland": new}
    )
    amending.open_round()
    client = amending.client(tmp_path / "state", amending.in_force, (new,))
    round_ = next(client.rounds())
    client.contribute(round_, vector(7))
    people = amending.stage.people
    amending.stage.people = type(people)(
        people.identities, {**people.agreements, "cleveland": old}, people.wraps
    )

    with pytest.raises(Aborted) as caught:
        amending.stage.publish(peers())
    assert caught.value.rule == "padding-gate"


@pytest.mark.parametrize("which", ["old", "new"])
def test_a_round_of_another_epoch_than_the_key_file_is_passed_over(
    which: str, tmp_path: Path
) -> None:
    amending = Amending()
    old, new = amending.stage.people.agreements["cleveland"], AgreementKey.generate()
    amendment = amending.amendment(rotated=(amending.rotated("cleveland", new),))
    if which == "old":
        amending.put_in_force(amendment, keys={"cleveland": new})
    amending.open_round()
    client = amending.client(tmp_path / "state", keys=(old if which == "old" else new,))

    assert passed_over(client)
    with pytest.raises(Refused) as caught:
        client._contributor.sealers.of(client._follower.manifests.at(0))
    assert caught.value.rule == "epoch-key"


def test_a_round_that_withholds_an_amendment_is_passed_over_and_the_next_is_not(
    tmp_path: Path,
) -> None:
    amending = Amending()
    amendment = amending.amendment(revoked=("hungary",))
    told = amending.in_force.amended([amendment])
    amending.open_round()
    client = amending.client(tmp_path / "state", told)
    assert passed_over(client)
    amending.stage.abort()
    amending.put_in_force(amendment)
    amending.open_round()

    round_ = next(client.rounds())

    assert round_.number == 1
    assert "hungary" not in round_.spec.body.cohort


def test_nothing_is_sealed_for_a_round_that_withholds_an_amendment(tmp_path: Path) -> None:
    amending = Amending()
    amending.open_round()
    client = amending.client(tmp_path / "state")
    round_ = next(client.rounds())
    client.close()
    told = amending.in_force.amended([amending.amendment(revoked=("hungary",))])
    again = amending.client(tmp_path / "state", told)

    with pytest.raises(Refused) as caught:
        again.contribute(round_, vector(1))

    assert caught.value.rule == "amendment-withheld"
    assert not again.standing.sealed


def test_two_amendments_of_one_number_are_a_fork(tmp_path: Path) -> None:
    amending = Amending()
    told = amending.in_force.amended([amending.amendment(left=("hungary",))])
    amending.put_in_force(amending.amendment(left=("switzerland",)))
    amending.open_round()
    client = amending.client(tmp_path / "state", told)

    assert refused(client) == "amendment-fork"
    assert client.standing.round_number == -1


@pytest.mark.parametrize(("how", "word"), [("left", "left"), ("revoked", "was revoked")])
def test_who_left_or_was_revoked_gets_no_more_rounds_and_is_told_why(
    how: str, word: str, tmp_path: Path
) -> None:
    amending = Amending()
    amending.open_round()
    client = amending.client(tmp_path / "state")
    summed(amending, client)
    gone = ("cleveland",)
    changes = {"left": gone} if how == "left" else {"revoked": gone}
    amending.put_in_force(amending.amendment(None, **changes))
    amending.open_round()

    with pytest.raises(Refused, match=word) as caught:
        next(client.rounds())
    assert caught.value.rule == "not-enrolled"
    client.close()

    again = amending.client(tmp_path / "state", amending.in_force)
    with pytest.raises(Refused) as caught:
        Agent(again, lambda *_: None).run()  # type: ignore[arg-type]
    assert caught.value.rule == "not-enrolled"
    assert again.look_back(0).included


def test_a_client_that_joins_later_waits_for_its_round(tmp_path: Path) -> None:
    amending = Amending()
    amending.open_round()
    guest = amending.newcomer("guest")
    amendment = amending.amendment(joined=(guest,))
    client = amending.client(
        tmp_path / "state", amending.in_force.amended([amendment]), name="guest"
    )
    rounds = client.rounds()
    amending.stage.publish({name: vector(seed) for seed, name in enumerate(CLIENTS)})
    amending.put_in_force(amendment)
    amending.open_round()

    round_ = next(rounds)

    assert (round_.number, round_.model_version) == (1, 1)


def test_a_restarted_client_stands_where_it_stood_also_with_the_first_file(
    tmp_path: Path,
) -> None:
    amending = Amending()
    amending.put_in_force(amending.amendment(left=("hungary",)))
    amending.open_round()
    client = amending.client(tmp_path / "state")
    summed(amending, client)
    client.close()
    amending.open_round()

    summed(amending, amending.client(tmp_path / "state"))


@pytest.mark.parametrize(
    ("by", "rule"),
    [
        ((OLD[0], "keeper-x", "keeper-y"), "unknown-signer"),
        (OLD[:2], "quorum-of-closes"),
    ],
)
def test_a_new_committee_needs_a_quorum_of_the_old_ones_closes(
    by: tuple[str, ...], rule: str, tmp_path: Path
) -> None:
    amending = Amending()
    staged = amending.open_round()
    client = amending.client(tmp_path / "state")
    summed(amending, client)
    amending.put_in_force(
        amending.amendment(committee=amending.committee(OLD[0], OLD[1], "keeper-x", "keeper-y"))
    )
    closes = staged.closes[0].body
    staged.closes = tuple(
        amending.stage.people.sign(
            type(closes)(closes.study, 0, closes.freeze_digest, "", closes.manifest_digest), name
        )
        for name in by
    )
    amending.open_round()

    assert refused(client) == rule


def test_acceptances_of_the_old_committee_open_no_round_of_the_new_one(tmp_path: Path) -> None:
    amending = Amending()
    amending.open_round()
    client = amending.client(tmp_path / "state")
    summed(amending, client)
    amending.put_in_force(
        amending.amendment(committee=amending.committee(OLD[0], OLD[1], "keeper-x", "keeper-y"))
    )
    staged = amending.open_round()
    body = staged.acceptances[0].body
    staged.acceptances = tuple(
        amending.stage.people.sign(type(body)(body.study, 1, body.round_id, ""), name)
        for name in OLD[:3]
    )

    assert refused(client) == "unknown-signer"
