"""The lines of the page's log: collect them from listeners, and stream them as server-sent events."""

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
# Send a heartbeat after this silence; else nobody notices that the browser has gone.
HEARTBEAT_SECONDS = 5.0
# How often to look for changes that add no line to the log.
REFRESH_SECONDS = 0.5


class LogFeed(logging.Handler):
    """The newest lines, numbered; each new line wakes those who wait."""

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
        # powertools formats by the logger's first handler, which knows the fields of every line.
        logs.make_logger(world.environ["LOG_LEVEL"] or "INFO", world.environ["STAGE"])
        self.setFormatter(logging.getLogger(SERVICE_NAME).handlers[0].formatter)
        logging.getLogger(SERVICE_NAME).addHandler(self)

    def add_line(self, line: LogLine | None) -> None:
        """Add a line, if there is one."""
        if line:
            with self._lines_changed:
                self._lines.append((next(self._numbers), replace(line, at=self._world.clock.now())))
                self._lines_changed.notify_all()

    def emit(self, record: logging.LogRecord) -> None:
        """Add a line of jpi's log."""
        self.add_line(log_lines.line_from_log_record(json.loads(self.format(record)), self._find_title))

    def list_lines_after(self, number: int = 0) -> list[tuple[int, LogLine]]:
        """Return the lines after this number, with their numbers."""
        with self._lines_changed:
            return [(at, line) for at, line in self._lines if at > number]

    def resolve_last_number(self, number: int) -> int:
        """Return the number, or 0 if it comes from an earlier sandbox, so that all lines are new."""
        with self._lines_changed:
            return number if self._lines and number <= self._lines[-1][0] else 0

    def wait_for_lines(self, number: int) -> bool:
        """Wait for lines after this number, or until it is time to look; return False when closed."""
        with self._lines_changed:
            self._lines_changed.wait_for(lambda: self.is_closed or (self._lines and self._lines[-1][0] > number),
                                         REFRESH_SECONDS)
            return not self.is_closed

    def close(self) -> None:
        """Close the feed; those who wait end."""
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
        incident = self._world.pagerduty.incidents.get(incident_id)
        return incident.title if incident else incident_id


@dataclass(frozen=True)
class RenderedParts:
    """The rendered parts of the page; a higher `number` is newer. `form_answers`: how many forms were answered."""

    number: int
    form_answers: int
    html: dict[str, str]


def format_server_sent_event(event: str, data: object, number: int | None = None) -> str:
    """Return one server-sent event (HTML, "Server-sent events"); JSON has no newline of its own."""
    id_line = f"id: {number}\n" if number else ""
    return f"{id_line}event: {event}\ndata: {json.dumps(data)}\n\n"


def stream_events(feed: LogFeed, number: int, render_lines: Callable[[list[tuple[int, LogLine]]], str],
                  render_parts: Callable[[], RenderedParts]) -> Iterator[str]:
    """Yield new lines after a number, and the parts of the page that differ from those sent before."""
    sent: dict[str, str] = {}
    form_answers, silent_seconds = 0, 0.0
    while True:
        new_lines = feed.list_lines_after(number)
        if new_lines:
            number = new_lines[-1][0]
            yield format_server_sent_event("log", render_lines(new_lines), number)
        rendered = render_parts()
        if rendered.form_answers != form_answers:
            # The browser may show parts from the answer to a form; nobody knows which of the two came last.
            form_answers, sent = rendered.form_answers, {}
        changed_parts = {name: part for name, part in rendered.html.items() if sent.get(name) != part}
        if changed_parts:
            sent |= changed_parts
            yield format_server_sent_event("parts", {"number": rendered.number, "parts": changed_parts})
        silent_seconds = 0.0 if new_lines or changed_parts else silent_seconds + REFRESH_SECONDS
        if silent_seconds >= HEARTBEAT_SECONDS:
            silent_seconds = 0.0
            yield ": still here\n\n"
        if not feed.wait_for_lines(number):
            return
