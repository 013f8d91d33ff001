"""Handing events over: to whoever applies them, now or from the queue."""

from collections.abc import Callable, Sequence
from typing import Protocol

from jpi.domain.events import Event
from jpi.errors import JpiError
from jpi.sync.ports import Log

NO_LINKED_INCIDENT = "ignored: no incident is linked to this issue"


class EventSink(Protocol):
    """Takes events in their order. `status` is the HTTP answer for what was taken."""

    @property
    def http_status(self) -> int:
        """200: applied. 202: stored."""

    def __call__(self, events: Sequence[Event]) -> list[str | Exception]:
        """What came of each; one that failed must not stop the others. Raises where nothing could be taken."""


class ImmediateSink:
    """Applies events at once."""

    http_status = 200

    def __init__(self, apply: Callable[[Event], str], log: Log) -> None:
        self._apply = apply
        self._log = log

    def __call__(self, events: Sequence[Event]) -> list[str | Exception]:
        """The outcome of each, or why there is none."""
        return [self._apply_or_return_error(event) for event in events]

    def _apply_or_return_error(self, event: Event) -> str | Exception:
        try:
            return self._apply(event)
        except JpiError as error:
            # Said in the log by the engine.
            return error
        except Exception as error:
            self._log.error("an event failed", extra={"event": event.id, "reason": repr(error)}, exc_info=error)
            return error
