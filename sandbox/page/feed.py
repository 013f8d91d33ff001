"""What the page's log holds, and how it gets there and out again: listeners, and server-sent events."""

import json
import logging
import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import count

from jpi import logs
from jpi.logs import SERVICE
from sandbox.page import told
from sandbox.page.told import Line
from sandbox.web import Call
from sandbox.webhooks import Delivery
from sandbox.world import World, is_jpis

KEPT = 300
# After so long without news, a sign of life: else nobody notices that the browser has gone.
HEARTBEAT_SECONDS = 5.0
# How soon is shown what changed without a line in the log.
LOOK_SECONDS = 0.5


class Feed(logging.Handler):
    """The newest lines, numbered; whoever waits is woken by each new one."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self._world = world
        self._lines: deque[tuple[int, Line]] = deque(maxlen=KEPT)
        self._numbers = count(1)
        self._news = threading.Condition()
        self.closed = False
        for server in world.servers:
            server.heard = self._called
            server.state.outbox.heard = self._delivering(server.name)
        # The library takes a logger's first handler for its own, which also knows what stands in every line.
        logs.logger(world.environ["LOG_LEVEL"] or "INFO", world.environ["STAGE"])
        self.setFormatter(logging.getLogger(SERVICE).handlers[0].formatter)
        logging.getLogger(SERVICE).addHandler(self)

    def tell(self, line: Line | None) -> None:
        """One more line, if there is one."""
        if line:
            with self._news:
                self._lines.append((next(self._numbers), replace(line, at=self._world.clock.now())))
                self._news.notify_all()

    def emit(self, record: logging.LogRecord) -> None:
        """A line of jpi's log."""
        self.tell(told.of_record(json.loads(self.format(record)), self._title))

    def since(self, number: int = 0) -> list[tuple[int, Line]]:
        """The lines after this number, with theirs."""
        with self._news:
            return [one for one in self._lines if one[0] > number]

    def known(self, number: int) -> int:
        """The number, unless it is of another sandbox that ran here before: then everything is news."""
        with self._news:
            return number if self._lines and number <= self._lines[-1][0] else 0

    def wait(self, number: int) -> bool:
        """Until there are lines after this number, or it is time to look; whether it goes on."""
        with self._news:
            self._news.wait_for(lambda: self.closed or (self._lines and self._lines[-1][0] > number), LOOK_SECONDS)
            return not self.closed

    def close(self) -> None:
        """No more: those who wait end."""
        logging.getLogger(SERVICE).removeHandler(self)
        with self._news:
            self.closed = True
            self._news.notify_all()
        super().close()

    def _called(self, call: Call) -> None:
        self.tell(told.of_call(call) if is_jpis(call) else None)

    def _delivering(self, service: str) -> Callable[[Delivery], None]:
        return lambda delivery: self.tell(told.of_delivery(service, delivery))

    def _title(self, incident_id: str) -> str:
        found = self._world.pagerduty.incidents.get(incident_id)
        return found.title if found else incident_id


@dataclass(frozen=True)
class Parts:
    """The parts of the page, rendered; a higher `number` is newer. `answers`: how many forms got parts in answer."""

    number: int
    answers: int
    html: dict[str, str]


def message(event: str, data: object, number: int | None = None) -> str:
    """One server-sent event: HTML, "Server-sent events"; JSON has no newline of its own."""
    said = f"id: {number}\n" if number else ""
    return f"{said}event: {event}\ndata: {json.dumps(data)}\n\n"


def stream(feed: Feed, number: int, lines: Callable[[list[tuple[int, Line]]], str],
           parts: Callable[[], Parts]) -> Iterator[str]:
    """Everything after a line, as it comes: new lines, and those parts of the page that differ from what was sent."""
    sent: dict[str, str] = {}
    answers, quiet = 0, 0.0
    while True:
        news = feed.since(number)
        if news:
            number = news[-1][0]
            yield message("log", lines(news), number)
        shown = parts()
        if shown.answers != answers:
            # What the browser shows now may be from the answer to a form: no telling which of the two came first.
            answers, sent = shown.answers, {}
        changed = {name: part for name, part in shown.html.items() if sent.get(name) != part}
        if changed:
            sent |= changed
            yield message("parts", {"number": shown.number, "parts": changed})
        quiet = 0.0 if news or changed else quiet + LOOK_SECONDS
        if quiet >= HEARTBEAT_SECONDS:
            quiet = 0.0
            yield ": still here\n\n"
        if not feed.wait(number):
            return
