"""A worker's calls: those it made are answered from memory, so that a worker in the middle of its work is data."""

from collections.abc import Callable
from typing import Any

from jpi.errors import AwsOutage, OutcomeUnknown, ServiceUnavailable
from sandbox.call_interception import Crash, WireFault
from sandbox.clock import Clock
from sandbox.small_world.state import CallRecord, Worker

REFUSED, LOST, DIED, LATE = "is refused", "has its effect, but the answer is lost", "is the process's last", (
    "does not see the new issue: the index lags longer than configured")
CALL_SECONDS = 0.01


class Pause(BaseException):
    """Raised where the next call of a worker would begin."""


class CallSequence:
    """The calls of one worker: those it made before are answered from memory, the next one is made, then it pauses."""

    def __init__(self, clock: Clock, worker: Worker, fault: str = "", is_endless: bool = False) -> None:
        self.calls, self.fault, self.last_name = worker.calls, fault, ""
        self._known, self._position = len(worker.calls), 0
        self._time, self._world_clock = worker.started_at, clock
        self._is_endless, self._has_called = is_endless, False

    def read_clock(self) -> float:
        """Return the time as the worker saw it then."""
        return self._time

    def make_call(self, name: str, call: Callable[[], Any], is_shared: bool = True) -> Any:
        """Answer from memory, or make the call; `is_shared`: others may see its effect, so that it counts as a step."""
        if self._position < self._known:
            record = self.calls[self._position]
            assert record.name == name, f"{name} in place of {record.name}: this worker cannot be repeated"
            self._position += 1
            self._time = record.ended_at
            return self._answer(record)
        if is_shared and self._has_called and not self._is_endless:
            raise Pause
        if is_shared:
            self._has_called, self.last_name = True, name
        return self._answer(self._perform(name, call, self.fault if is_shared else ""))

    def _perform(self, name: str, call: Callable[[], Any], fault: str) -> CallRecord:
        # A read that began before a write must look older than it.
        self._world_clock.advance(CALL_SECONDS)
        answer = call() if fault not in (REFUSED, LATE) else None
        self._time = self._world_clock()
        if fault == DIED:
            raise Crash
        record = CallRecord(name, self._time, answer, fault if fault in (REFUSED, LOST) else "")
        if not self._is_endless:
            self.calls.append(record)
            self._known, self._position = len(self.calls), len(self.calls)
        return record

    def _answer(self, record: CallRecord) -> Any:
        is_store = record.name[0].isupper()
        if record.error == REFUSED:
            raise AwsOutage("refused") if is_store or record.name == "queue" else ServiceUnavailable("refused")
        if record.error == LOST:
            raise WireFault("lost") if is_store else OutcomeUnknown("lost")
        return record.answer


class RecordedService:
    """A service whose calls all go through a worker's sequence of calls."""

    def __init__(self, service: Any, sequence: CallSequence) -> None:
        self._service, self._sequence = service, sequence

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._service, name)
        if not callable(value):
            return value
        is_shared = name not in ("verify_identity", "load_site_schema", "find_own_id", "get_status")
        return lambda *arguments, **named: self._sequence.make_call(name, lambda: value(*arguments, **named), is_shared)
