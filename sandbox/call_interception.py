"""Let callers count, delay and break the calls to simulated services."""

from collections.abc import Callable
from typing import Any, TypeVar

Answer = TypeVar("Answer")
# Gets the name of a call and a function that makes it; may fail or delay it instead.
CallInterceptor = Callable[[str, Callable[[], Any]], Any]


class WireFault(Exception):
    """Raised for a call to AWS that got an error or no answer; it may have had its effect all the same."""


class Crash(BaseException):
    """Raised when the process dies; no code of jpi may catch it."""


def call_unchanged(name: str, call: Callable[[], Answer]) -> Answer:
    """Make the call as it is."""
    return call()
