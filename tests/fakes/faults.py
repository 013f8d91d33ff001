"""Break calls: which of them fail, and how."""

from enum import Enum, auto
from functools import wraps

from jpi.errors import AwsOutage, OutcomeUnknown, ServiceUnavailable
from sandbox.call_interception import Crash, WireFault

CALL_SECONDS = 0.001


class CallFault(Enum):
    """How a call breaks."""

    CRASH_BEFORE = auto()
    CRASH_AFTER = auto()
    REFUSED = auto()
    ANSWER_LOST = auto()


class BreakingCalls:
    """Lets each call take time, and breaks one that was planned."""

    def __init__(self, clock):
        self.clock, self.calls_until_fault, self.fault = clock, 0, None

    def plan_fault(self, count, fault):
        """Break the call that follows `count` others."""
        self.calls_until_fault, self.fault = count, fault

    def clear_fault(self):
        """Break no call from now on."""
        self.fault = None

    def begin_call(self):
        """Begin a call, which takes time; raise a fault that comes before its effect."""
        self.clock.advance(CALL_SECONDS)
        self.calls_until_fault -= 1
        if self._is_next(CallFault.CRASH_BEFORE):
            raise Crash
        if self._is_next(CallFault.REFUSED):
            raise ServiceUnavailable("refused")

    def intercept_call(self, name, call):
        """Make a call of the stores in memory; DynamoDB's client repeats one whose answer is lost."""
        self.clock.advance(CALL_SECONDS)
        self.calls_until_fault -= 1
        if self._is_next(CallFault.CRASH_BEFORE):
            raise Crash
        if self._is_next(CallFault.REFUSED):
            raise AwsOutage("refused")
        answer = call()
        if self._is_next(CallFault.CRASH_AFTER):
            raise Crash
        if self._is_next(CallFault.ANSWER_LOST):
            raise WireFault(name)
        return answer

    def end_call(self, is_write):
        """End a call; raise a fault that comes after its effect."""
        if self._is_next(CallFault.CRASH_AFTER):
            raise Crash
        if self._is_next(CallFault.ANSWER_LOST):
            raise OutcomeUnknown("lost") if is_write else ServiceUnavailable("lost")

    def _is_next(self, fault):
        if self.calls_until_fault >= 0 or self.fault is not fault:
            return False
        self.clear_fault()
        return True


def read_call(method):
    """Turn a method into a call over the wire that only reads."""
    return _wrap_call(method, is_write=False)


def write_call(method):
    """Turn a method into a call over the wire that writes, and count it in `writes`."""
    return _wrap_call(method, is_write=True)


def _wrap_call(method, is_write):
    @wraps(method)
    def call_over_wire(self, *arguments, **named):
        self.calls.begin_call()
        answer = method(self, *arguments, **named)
        self.writes += is_write
        self.calls.end_call(is_write)
        return answer

    return call_over_wire
