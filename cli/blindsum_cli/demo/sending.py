"""What both demo hospitals do once they have integers: contribute, wait, and write down."""

import numpy as np
import numpy.typing as npt

from blindsum_cli.demo.clock import Clock
from blindsum_cli.demo.harness import Harness
from blindsum_client import BlindsumError, Client, Round


def send(
    client: Client, round_: Round, integers: npt.NDArray[np.int64], kept: Harness, clock: Clock
) -> dict[str, str | bool]:
    """Contribute and wait for the outcome; a refusal costs the hospital a round, not the study.

    Args:
        client: The hospital's client.
        round_: The round.
        integers: What it encoded.
        kept: DEMO HARNESS: integers, seconds and refusals are written down here.
        clock: DEMO HARNESS: goes on from the last lap.

    Returns:
        What to log of it: the event, and the rule of a refusal or whether it is in the sum.
    """
    kept.keep_integers(round_.number, integers)
    try:
        client.contribute(round_, integers)
        clock.lap("seal and send")
        outcome = client.outcome(round_)
        clock.lap("wait for the outcome")
    except BlindsumError as error:
        kept.keep_refusal(round_.number, error.rule)
        return {"event": "not-in-the-round", "rule": error.rule}
    kept.keep_seconds(round_.number, clock.laps)
    return {"event": "outcome", "included": outcome.included}
