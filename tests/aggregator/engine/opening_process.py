"""A process that opens round 0 of a long sum and waits, at one place, to be killed."""

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Any

from tests.adversarial.people import initial_model
from tests.aggregator.long_sums import people

from blindsum_aggregator import certifying, publishing
from blindsum_aggregator.driver import Driver
from blindsum_aggregator.opening_watch import OpeningWatch
from blindsum_aggregator.settings import AggregatorSettings
from blindsum_aggregator.store.database import Store
from blindsum_aggregator.study import Study, StudyFiles


def here() -> None:
    """Tell the parent that this is the place, and wait."""
    print("here", flush=True)  # noqa: T201 - the parent waits for it
    time.sleep(60)


def wait_at(place: str) -> None:
    """Put the place into the product: after one step of the opening, or before the transaction."""
    tell, certify = OpeningWatch.tell, certifying.certify

    def telling(watch: OpeningWatch, done: int, total: int) -> None:
        tell(watch, done, total)
        if str(done) == place:
            here()

    def certify_later(*arguments: Any) -> None:  # noqa: ANN401 - whatever the product hands on
        if place == "certify":
            here()
        certify(*arguments)

    product: Any = OpeningWatch
    product.tell = telling
    product = publishing
    product.certify = certify_later


def main(folder: Path, validity: dict[str, int], place: str) -> None:
    """Drive the study until there is nothing more to do."""
    everybody = people(validity)
    settings = AggregatorSettings(state_directory=folder)
    files = StudyFiles(everybody.manifest, None, initial_model(everybody.study.layout))
    identity = everybody.keys.identities["aggregator"]
    study = Study(files, identity, settings, Store(settings.database))
    wait_at(place)
    driver = Driver(study)

    async def drive() -> None:
        await study.refresh()
        while await driver.step():
            pass

    asyncio.run(drive())


if __name__ == "__main__":
    main(Path(sys.argv[1]), json.loads(sys.argv[2]), sys.argv[3])
