"""Errors of one poll: an expected one costs only its own step; a mistake of ours also fails the poll at its end."""

from dataclasses import dataclass
from types import TracebackType

from jpi.errors import JpiError
from jpi.metrics import build_emf_fields, declare_metrics
from jpi.sync.ports import Clock, Log


class PollErrors:
    """Collects the mistakes of a poll, so that its other steps go on."""

    def __init__(self, clock: Clock, log: Log) -> None:
        self._clock = clock
        self._log = log
        self._mistakes: list[Exception] = []

    @property
    def has_mistakes(self) -> bool:
        """True if a mistake waits to be raised."""
        return bool(self._mistakes)

    def contain_errors(self, message: str, **fields: str) -> "ErrorBoundary":
        """Return a context manager that logs an error raised in its block, and goes on after the block."""
        return ErrorBoundary(self, message, fields)

    def handle_error(self, error: Exception, message: str, fields: dict[str, str]) -> None:
        """Log an error; remember it if it is a mistake of ours."""
        is_mistake = not isinstance(error, JpiError)
        self._log.error(message, extra={**fields, "reason": repr(error)}, exc_info=error if is_mistake else None)
        if is_mistake:
            self.add_mistake(error)

    def add_mistake(self, error: Exception) -> None:
        """Remember a mistake that is in the log already."""
        self._mistakes.append(error)

    def raise_mistakes(self) -> None:
        """Count the mistakes since the last call and raise the first: the function's error alarm goes by that."""
        mistakes, self._mistakes = self._mistakes, []
        if not mistakes:
            return
        metric = build_emf_fields(self._clock(), declare_metrics({"mistakes": "Count"}))
        self._log.error("mistakes of ours in the poll", extra={"mistakes": len(mistakes), **metric})
        raise mistakes[0]


@dataclass(frozen=True)
class ErrorBoundary:
    """The block that `contain_errors` guards."""

    errors: PollErrors
    message: str
    fields: dict[str, str]

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, traceback: TracebackType | None) -> bool:
        if not isinstance(error, Exception):
            return False
        self.errors.handle_error(error, self.message, self.fields)
        return True
