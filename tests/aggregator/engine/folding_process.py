"""A process that folds and takes out payloads of round 0 until it is killed: for test_kill_nine."""

import sys
from pathlib import Path

from tests.aggregator.cast import build_cast
from tests.aggregator.stage import Stage

from blindsum_aggregator.store.contributions import receipted
from blindsum_crypto.randomness import SystemRandomness


def main(folder: Path) -> None:
    """Fold and subtract random subsets, telling on stdout that it has begun."""
    stage = Stage(build_cast(), folder)
    stage.study.seal(stage.spec)
    rows = stage.store.read(lambda connection: receipted(connection, "heart", 0))
    uploads = [stage.study.upload(row) for row in rows]
    draw = SystemRandomness()
    print("ready", flush=True)  # noqa: T201 - the parent waits for it
    while True:
        step, chosen = draw.bytes(2)
        some = [one for index, one in enumerate(uploads) if chosen >> index & 1]
        (stage.study.engine.fold if step % 2 else stage.study.engine.subtract)(0, some)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
