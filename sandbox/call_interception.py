"""The seam at which calls to simulated services can be counted, delayed and broken."""

from collections.abc import Callable
from typing import Any, TypeVar

Answer = TypeVar("Answer")
# Carries one named call out: makes it by calling the second argument, or lets something become of it.
CallInterceptor = Callable[[str, Callable[[], Any]], Any]


class WireFault(Exception):
    """A call to AWS that got an error answer or none; whether it had its effect is for the caller to find out."""


def call_unchanged(name: str, call: Callable[[], Answer]) -> Answer:
    """Make the call; nothing becomes of it."""
    return call()
