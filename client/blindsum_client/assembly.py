"""Assembly: the parts of one client, put together over its state folder and its line."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from blindsum_client.anchor import Anchor
from blindsum_client.answering import Answering
from blindsum_client.contribute import Contributor
from blindsum_client.error_feedback import ErrorFeedback
from blindsum_client.following import Follower
from blindsum_client.initial_model import InitialModel, load_initial_model
from blindsum_client.joining import Membership
from blindsum_client.ledger import Ledger
from blindsum_client.looking_back import LookingBack
from blindsum_client.manifests import Manifests
from blindsum_client.memory import Memory
from blindsum_client.model_chain import ModelChain
from blindsum_client.outbox import Outbox
from blindsum_client.outcomes import Outcomes
from blindsum_client.rounds import Rounds
from blindsum_client.sealers import Sealers
from blindsum_client.sending import Sender
from blindsum_client.stages import Stages
from blindsum_client.state_folder import StateFolder
from blindsum_client.transport import Calls, Transport
from blindsum_client.verification import Verifier
from blindsum_crypto.randomness import Randomness
from blindsum_rules.freeze import Freeze
from blindsum_rules.signed import Signed
from blindsum_rules.spec import Spec


@dataclass(frozen=True, slots=True)
class Parts:
    """What a client is made of; each part says in its own file what it does."""

    memory: Memory
    transport: Transport
    stop: threading.Event
    stages: Stages
    outbox: Outbox
    ledger: Ledger
    feedback: ErrorFeedback
    follower: Follower
    contributor: Contributor
    rounds: Rounds
    outcomes: Outcomes
    looking_back: LookingBack
    answering: Answering


def assemble(
    membership: Membership,
    calls: Calls,
    folder: StateFolder,
    initial_model: InitialModel,
    clock: Callable[[], float],
    randomness: Randomness,
) -> Parts:
    """Open a state folder and put the parts together; errors as `Client.__init__`."""
    manifest = membership.manifest
    memory = Memory(folder.path, manifest.body.layout)
    manifests = Manifests(manifest, memory)
    pinned_before = memory.pin(manifest, membership.client)
    anchor = Anchor(folder.anchor, manifest.digest, expected=pinned_before)
    ledger = Ledger(memory.engine, manifests, membership.client)
    outbox = Outbox(memory.engine, folder.path, anchor, ledger)
    transport = Transport(calls, manifest.body.study)
    stop = threading.Event()
    stages = Stages()
    fetch_spec: Callable[[bytes], Signed[Spec]] = partial(transport.signed, Spec)
    follower = Follower(
        manifests=manifests,
        policy=membership.policy,
        memory=memory,
        ledger=ledger,
        chain=ModelChain(manifest.body, transport.blob, fetch_spec),
        fetch_spec=fetch_spec,
        fetch_freeze=lambda digest: transport.signed(Freeze, digest),
        initial_model=lambda: load_initial_model(initial_model, manifest.body, transport.blob),
    )
    verifier = Verifier(manifests, memory, transport.signed)
    sender = Sender(outbox, transport, verifier, clock, stop, stages)
    contributor = Contributor(
        follower=follower,
        sealers=Sealers(
            membership.client, membership.identity, randomness, membership.agreement_keys
        ),
        outbox=outbox,
        sender=sender,
        clock=clock,
        ledger=ledger,
        stages=stages,
    )
    return Parts(
        memory=memory,
        transport=transport,
        stop=stop,
        stages=stages,
        outbox=outbox,
        ledger=ledger,
        feedback=ErrorFeedback(manifest.body, folder.path, outbox),
        follower=follower,
        contributor=contributor,
        rounds=Rounds(
            manifest=manifest.body,
            client=membership.client,
            follower=follower,
            contributor=contributor,
            sender=sender,
            transport=transport,
            stop=stop,
        ),
        outcomes=Outcomes(outbox, ledger, sender, verifier, transport, stop),
        looking_back=LookingBack(manifests, memory, outbox, verifier, transport),
        answering=Answering(manifest.body, follower, memory, transport, randomness),
    )
