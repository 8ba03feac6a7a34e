"""A client that kills itself in the middle of a contribution; `test_client_rolled_back.py` runs it.

    python -m tests.adversarial.dying_client HOME

HOME is a `ClientHome`. The process joins the study at its real port, seals, and is gone
by SIGKILL at the point that HOME names: nothing of it is closed, flushed or said goodbye to.
"""

# The functions that are replaced have no types to name.
# ruff: noqa: ANN401

import os
import signal
import sys
from pathlib import Path
from typing import Any

from tests.adversarial.client_home import BEFORE_THE_ROW, ClientHome, values_from

from blindsum_client import outbox
from blindsum_client.anchor import Anchor
from blindsum_client.stages import Stage


def die(*_: Any, **__: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def forget(*_: Any, **__: Any) -> None:
    return None


def main(home: ClientHome) -> None:
    if home.forgets:
        for name in ("_insert", "_remember_training"):
            setattr(outbox, name, forget)
        Anchor.raise_to = forget  # type: ignore[method-assign]
    if home.dies_at == BEFORE_THE_ROW:
        outbox._insert = die

    def on_stage(_: int, stage: Stage) -> None:
        if stage.value == home.dies_at:
            die()

    client = home.join()
    client.tell_stages_to(on_stage)
    round_ = next(client.rounds())
    length = round_.spec.body.vector_length
    client.contribute(round_, values_from(home.values_seed, length))


if __name__ == "__main__":
    main(ClientHome.read(Path(sys.argv[1])))
