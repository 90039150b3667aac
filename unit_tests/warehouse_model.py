"""Model a connection and its deduplicated table over years of syncs, including interrupted ones."""

import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from airbyte_cdk.models import SyncMode
from builders import KEY, Json
from in_process import USAGE, error, log, sync
from pendulum import Date
from requests_mock import Mocker
from small_team import Given, Table, answer, table_of_rows

from sandbox.ledger import Entry, Ledger
from sandbox.query import LONGEST_RANGE, Query, read_query

# A function that turns a correct response into a wrong one.
Mistake = Callable[[Json], Json]
# A function that replaces a response's body. It can set the context's status, or raise an HTTP client error.
Fault = Callable[[Any, bytes], bytes]


def status(code: int) -> Fault:
    def fault(context: Any, body: bytes) -> bytes:
        context.status_code = code
        return b""

    return fault


@dataclass
class Warehouse:
    """A connection's state, and its table in two variants: one drops deleted rows and the other keeps them."""

    settings: Json = field(default_factory=dict)
    heeding: dict[str, Json] = field(default_factory=dict)
    ignoring: dict[str, Json] = field(default_factory=dict)
    state: Json | None = None
    asked: list[Json] = field(default_factory=list)
    log: str = ""
    messages: int = 0
    errors: list[tuple[str, str]] = field(default_factory=list)

    def sync(
        self,
        used: Sequence[Entry],
        today: date,
        *,
        kill_at: int | None = None,
        fail_at: int | None = None,
        too_long: int | None = None,
        fault: Fault | None = None,
        mistake: Mistake = lambda right: right,
        manner: Collection[str] = (),
        full_refresh: bool = False,
    ) -> bool:
        """Run a sync and return whether it was complete.

        Only the first `kill_at` messages arrive. After `fail_at` requests, every request fails. A request for more than
        `too_long` days gets the response from `fault`. The test fails if the API would refuse a request.
        """
        self.asked = []
        ledger = Ledger(Given(used), today)

        def usage(request: Any, context: Any) -> bytes:
            self.asked.append(request.json())
            query = self._question(request.json(), today)
            body = json.dumps(mistake(answer(ledger, query, manner))).encode()
            if fail_at is not None and len(self.asked) > fail_at:
                return status(503)(context, body)
            if too_long is not None and query.days > too_long:
                return (fault or status(504))(context, body)
            return body

        settings = {"api_key": KEY, **self.settings}
        with Mocker() as api:
            api.post(USAGE, content=usage)
            mode = SyncMode.full_refresh if full_refresh else SyncMode.incremental
            day = Date(today.year, today.month, today.day)
            output = sync(settings, state=self.state, today=day, usage_mode=mode)
        # The connector turns an error from the callback into its own error, so check the requests again here.
        for asked in self.asked:
            self._question(asked, today)
        self.log = log(output)
        self.errors = [error(output)] if output.errors else []
        messages = list(output.records_and_state_messages_iterator())
        self.messages = len(messages)
        # A sync is complete only if its last message, the final state, has arrived.
        complete = not output.errors and (kill_at is None or kill_at >= len(messages))
        for message in messages if kill_at is None else messages[:kill_at]:
            if message.record:
                self._load(dict(message.record.data))
            elif message.state and message.state.stream and message.state.stream.stream_state:
                self.state = dict(message.state.stream.stream_state.__dict__)
        return complete

    def saved(self, name: str) -> Any:
        assert self.state
        return self.state[name]

    def _question(self, asked: Json, today: date) -> Query:
        """Parse a request; raise RefusedError if the API would refuse it."""
        return read_query(asked, today, LONGEST_RANGE[self.settings.get("plan", "business")])

    def _load(self, row: Json) -> None:
        self.ignoring[row["usage_id"]] = row
        self.heeding[row["usage_id"]] = row
        if row.get("_ab_cdc_deleted_at"):
            del self.heeding[row["usage_id"]]

    def table(self) -> Table:
        """Return the table's sums, which are the same in both variants because deleted rows contain only zeros."""
        heeding = table_of_rows(self.heeding.values())
        assert table_of_rows(self.ignoring.values()) == heeding
        assert all(row.get("tool") for row in self.heeding.values())
        return heeding
