"""Hands events over to whoever applies them: now, or from the queue."""

from collections.abc import Callable, Sequence
from typing import Protocol

from jpi.domain.events import Event
from jpi.domain.outcome import Outcome
from jpi.errors import JpiError
from jpi.sync.ports import Log


class EventSink(Protocol):
    """Takes events in their order."""

    @property
    def http_status(self) -> int:
        """Return the HTTP answer for events that were taken; 200: applied, 202: stored."""

    def take(self, events: Sequence[Event]) -> list[Outcome | Exception]:
        """Return the outcome of each event; one that fails does not stop the others. Raise if none could be taken."""


class ImmediateSink:
    """Applies events at once."""

    http_status = 200

    def __init__(self, apply: Callable[[Event], Outcome], log: Log) -> None:
        self._apply = apply
        self._log = log

    def take(self, events: Sequence[Event]) -> list[Outcome | Exception]:
        """Apply each event; return its outcome, or why there is none."""
        return [self._apply_or_return_error(event) for event in events]

    def _apply_or_return_error(self, event: Event) -> Outcome | Exception:
        try:
            return self._apply(event)
        except JpiError as error:
            # The service has logged it.
            return error
        except Exception as error:
            self._log.error("an event failed", extra={"event": event.id, "reason": repr(error)}, exc_info=error)
            return error
