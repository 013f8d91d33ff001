"""Run a world by its own clock: deliver, apply and poll as the services, SQS and the schedule do."""

from collections.abc import Callable

from jpi import wiring
from jpi.app import app
from jpi.handlers import log_entries
from sandbox.aws.event_source import LambdaContext
from sandbox.call_interception import Crash
from sandbox.webhook_outbox import Delivery
from sandbox.world import World
from sandbox.wsgi_transport import call_application, make_wsgi_environ

# How far the clock advances while nothing is due: at first a little, then more.
PAUSES_SECONDS = (2, 5, 10, 20, 40, 60, *[120] * 60)
POLL_SECONDS = 300.0


class NeverIdleError(AssertionError):
    """Raised when something is still in flight after hours."""


class WorldRun:
    """One run of a world, in which jpi may die at any call. `jpi` is the process that runs now."""

    jpi: wiring.App

    def __init__(self, world: World) -> None:
        self.world = world
        self.restart_jpi()
        for outbox in (world.pagerduty.outbox, world.jira.outbox):
            outbox.post = self.post_delivery

    def restart_jpi(self) -> None:
        """Start a new process."""
        self.jpi = self.world.start_jpi()

    def get_jpi(self) -> wiring.App:
        """Return the process that runs now."""
        return self.jpi

    def post_delivery(self, delivery: Delivery, timeout: float = 0.0) -> int:
        """Post a delivery as the sender does, but in this thread; return 0 if the process dies."""
        headers = {**delivery.headers, "Content-Length": str(len(delivery.body))}
        try:
            return call_application(app, make_wsgi_environ("POST", delivery.url, headers, delivery.body)).status_code
        except Crash:
            self.restart_jpi()
            return 0

    def invoke_as_lambda(self, function: Callable[[], int]) -> int:
        """Call a function as Lambda does: ignore what it raises, and restart a process that died."""
        try:
            return function()
        except Crash:
            self.restart_jpi()
        except Exception:
            return 0
        return 0

    def deliver_due(self) -> int:
        """Deliver what is due, and have messages applied; return how many were tried."""
        world = self.world
        return (world.pagerduty.outbox.deliver_due() + world.jira.outbox.deliver_due() + self.invoke_as_lambda(
            world.apply_batch))

    def is_busy(self) -> bool:
        """True if anything is still in flight."""
        world = self.world
        queued = world.event_source.count_waiting() if world.event_source else 0
        return bool(world.pagerduty.outbox.pending or world.jira.outbox.pending or queued)

    def run_until_idle(self) -> None:
        """Deliver and apply until nothing is in flight."""
        for pause in PAUSES_SECONDS:
            while self.deliver_due():
                pass
            if not self.is_busy():
                return
            self.world.clock.advance(pause)
        raise NeverIdleError

    def poll(self) -> None:
        """Poll once as the schedule does."""
        self.invoke_as_lambda(lambda: len(log_entries.handler({}, LambdaContext(self.world.clock, POLL_SECONDS))))

    def run_poll(self) -> None:
        """Poll once, and wait for all that follows."""
        self.poll()
        self.run_until_idle()
        self.world.clock.advance(60)
