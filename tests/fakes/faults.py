"""What goes wrong with calls: which of them breaks, and how."""

from enum import Enum, auto
from functools import wraps

from jpi.errors import AwsOutage, OutcomeUnknown, ServiceUnavailable
from sandbox.call_interception import WireFault

CALL_SECONDS = 0.001


class Crash(BaseException):
    """The process is dead; nothing of ours may catch it."""


class CallFault(Enum):
    """What becomes of a call that breaks."""

    CRASH_BEFORE = auto()
    CRASH_AFTER = auto()
    REFUSED = auto()
    ANSWER_LOST = auto()


class BreakingCalls:
    """The calls to come: each takes its time, and one of them may be planned to break."""

    def __init__(self, clock):
        self.clock, self.calls_until_fault, self.fault = clock, 0, None

    def plan_fault(self, count, fault):
        """Break the call that comes after `count` others."""
        self.calls_until_fault, self.fault = count, fault

    def clear_fault(self):
        """Break none from now on."""
        self.fault = None

    def begin_call(self):
        """Let a call begin, which takes time; raise what breaks it before its effect."""
        self.clock.advance(CALL_SECONDS)
        self.calls_until_fault -= 1
        if self._is_next(CallFault.CRASH_BEFORE):
            raise Crash
        if self._is_next(CallFault.REFUSED):
            raise ServiceUnavailable("refused")

    def intercept_call(self, name, call):
        """Carry a call of the stores in memory; one whose answer is lost is sent again by DynamoDB's client."""
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
        """Let a call end; raise what breaks it after its effect."""
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
    """Make a method a call over the wire that only reads."""
    return _over_the_wire(method, is_write=False)


def write_call(method):
    """Make a method a call over the wire that writes, and is counted in `writes`."""
    return _over_the_wire(method, is_write=True)


def _over_the_wire(method, is_write):
    @wraps(method)
    def call(self, *arguments, **named):
        self.calls.begin_call()
        answer = method(self, *arguments, **named)
        self.writes += is_write
        self.calls.end_call(is_write)
        return answer

    return call
