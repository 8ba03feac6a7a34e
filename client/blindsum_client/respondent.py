"""The respondent: a client that answers every query of a statistic study by itself."""

import threading

import structlog

from blindsum_client.client import Client
from blindsum_client.patience import Backoff
from blindsum_client.records import Records
from blindsum_client.round import Round
from blindsum_crypto.errors import BlindsumError, Unavailable
from blindsum_rules.statistics.result import StatisticResult

_log = structlog.get_logger(__name__)

_OWN_RECORDS = frozenset(
    {
        "not-enrolled",
        "query-max-records",
        "query-range",
        "records-column",
        "records-length",
        "study-kind",
    }
)
"""Rules that speak of this site, its table or its command: waiting mends none of them."""


class Respondent:
    """Answers with one table of records, from a study's first round to its end."""

    def __init__(self, client: Client, records: Records) -> None:
        """Prepare; nothing runs yet.

        Args:
            client: A client that joined a statistic study.
            records: The site's records, for all queries.
        """
        self._client = client
        self._records = records
        self._pause = threading.Event()
        self._log = _log.bind(study=client.study, client=client.name)

    def run(self) -> tuple[StatisticResult, ...]:
        """Take part until the study ends.

        A refusal, of the aggregator or of this client, costs a round and not the study; one that
        speaks of the site's own table ends it.

        Returns:
            The verified results, in the order of the queries.

        Raises:
            Refused: `not-enrolled`, when this client left the study or was revoked;
                `query-range`, `query-max-records`, `study-kind`; `units-per-client`, at once,
                when the table has more records than a private study sums.
            Rejected: `records-column`, `records-length`.
            Unavailable: `stopped`, when the client was closed before the study ended.
        """
        # Asked once, before any round: a refusal in a round would tell how many records there are.
        self._client.statistics.check_records(self._records)
        backoff = Backoff()
        while not self._client.closed:
            try:
                for round_ in self._client.rounds():
                    backoff.reset()
                    self._take_part(round_)
                if not self._client.closed:
                    return self._client.statistics.results()
            except BlindsumError as error:
                self._raise_own(error)
                self._log.warning("announcement-refused", rule=error.rule, expected=error.expected)
                self._pause.wait(backoff.next_seconds())
        raise Unavailable("stopped", "expected the study to end before the client was closed")

    def _take_part(self, round_: Round) -> None:
        log = self._log.bind(round_number=round_.number)
        try:
            integers = self._client.statistics.answer(round_, self._records)
            self._client.contribute(round_, integers)
            log.info("answered")
            outcome = self._client.outcome(round_)
        except BlindsumError as error:
            self._raise_own(error)
            log.warning("not-in-the-round", rule=error.rule, expected=error.expected)
            return
        log.info(
            "outcome",
            published=outcome.published,
            included=outcome.included,
            aborted_by=outcome.aborted_by_rule,
        )

    def _raise_own(self, error: BlindsumError) -> None:
        if error.rule in _OWN_RECORDS:
            raise error
