"""What the page's log holds, and how it gets there and out again: listeners, and server-sent events."""

import json
import logging
import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import count

from jpi import logs
from jpi.logs import SERVICE_NAME
from sandbox.page import log_lines
from sandbox.page.log_lines import LogLine
from sandbox.simulated_service import RecordedCall
from sandbox.webhook_outbox import Delivery
from sandbox.world import World, is_from_jpi

MAX_LINES = 300
# After so long without news, a sign of life: else nobody notices that the browser has gone.
HEARTBEAT_SECONDS = 5.0
# How soon is shown what changed without a line in the log.
REFRESH_SECONDS = 0.5


class LogFeed(logging.Handler):
    """The newest lines, numbered; whoever waits is woken by each new one."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self._world = world
        self._lines: deque[tuple[int, LogLine]] = deque(maxlen=MAX_LINES)
        self._numbers = count(1)
        self._lines_changed = threading.Condition()
        self.is_closed = False
        for server in world.servers:
            server.call_listener = self._add_call
            server.state.outbox.delivery_listener = self._make_delivery_listener(server.name)
        # The library takes a logger's first handler for its own, which also knows what stands in every line.
        logs.make_logger(world.environ["LOG_LEVEL"] or "INFO", world.environ["STAGE"])
        self.setFormatter(logging.getLogger(SERVICE_NAME).handlers[0].formatter)
        logging.getLogger(SERVICE_NAME).addHandler(self)

    def add_line(self, line: LogLine | None) -> None:
        """One more line, if there is one."""
        if line:
            with self._lines_changed:
                self._lines.append((next(self._numbers), replace(line, at=self._world.clock.now())))
                self._lines_changed.notify_all()

    def emit(self, record: logging.LogRecord) -> None:
        """A line of jpi's log."""
        self.add_line(log_lines.line_from_log_record(json.loads(self.format(record)), self._find_title))

    def list_lines_after(self, number: int = 0) -> list[tuple[int, LogLine]]:
        """The lines after this number, with theirs."""
        with self._lines_changed:
            return [one for one in self._lines if one[0] > number]

    def resolve_last_number(self, number: int) -> int:
        """The number, unless it is of another sandbox that ran here before: then everything is news."""
        with self._lines_changed:
            return number if self._lines and number <= self._lines[-1][0] else 0

    def wait(self, number: int) -> bool:
        """Until there are lines after this number, or it is time to look; whether it goes on."""
        with self._lines_changed:
            self._lines_changed.wait_for(lambda: self.is_closed or (self._lines and self._lines[-1][0] > number),
                                         REFRESH_SECONDS)
            return not self.is_closed

    def close(self) -> None:
        """No more: those who wait end."""
        logging.getLogger(SERVICE_NAME).removeHandler(self)
        with self._lines_changed:
            self.is_closed = True
            self._lines_changed.notify_all()
        super().close()

    def _add_call(self, call: RecordedCall) -> None:
        self.add_line(log_lines.line_from_call(call) if is_from_jpi(call) else None)

    def _make_delivery_listener(self, service: str) -> Callable[[Delivery], None]:
        return lambda delivery: self.add_line(log_lines.line_from_delivery(service, delivery))

    def _find_title(self, incident_id: str) -> str:
        found = self._world.pagerduty.incidents.get(incident_id)
        return found.title if found else incident_id


@dataclass(frozen=True)
class RenderedParts:
    """The parts of the page, rendered; a higher `number` is newer. `answers`: how many forms got parts in answer."""

    number: int
    form_answers: int
    html: dict[str, str]


def format_server_sent_event(event: str, data: object, number: int | None = None) -> str:
    """One server-sent event: HTML, "Server-sent events"; JSON has no newline of its own."""
    said = f"id: {number}\n" if number else ""
    return f"{said}event: {event}\ndata: {json.dumps(data)}\n\n"


def stream_events(feed: LogFeed, number: int, lines: Callable[[list[tuple[int, LogLine]]], str],
                  parts: Callable[[], RenderedParts]) -> Iterator[str]:
    """Everything after a line, as it comes: new lines, and those parts of the page that differ from what was sent."""
    sent: dict[str, str] = {}
    answers, quiet = 0, 0.0
    while True:
        news = feed.list_lines_after(number)
        if news:
            number = news[-1][0]
            yield format_server_sent_event("log", lines(news), number)
        shown = parts()
        if shown.form_answers != answers:
            # What the browser shows now may be from the answer to a form: no telling which of the two came first.
            answers, sent = shown.form_answers, {}
        changed = {name: part for name, part in shown.html.items() if sent.get(name) != part}
        if changed:
            sent |= changed
            yield format_server_sent_event("parts", {"number": shown.number, "parts": changed})
        quiet = 0.0 if news or changed else quiet + REFRESH_SECONDS
        if quiet >= HEARTBEAT_SECONDS:
            quiet = 0.0
            yield ": still here\n\n"
        if not feed.wait(number):
            return
