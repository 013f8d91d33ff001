"""`make sandbox`: run the simulated services, jpi and a page to play with them until Ctrl-C."""

import argparse
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from sandbox.aws.moto_server import Aws
from sandbox.clock import RunningClock
from sandbox.hosts import LoopbackHost
from sandbox.page.server import SandboxPage
from sandbox.page.switches import SwitchBoard
from sandbox.poll_schedule import PollSchedule
from sandbox.seed import JIM_LOGIN, JIRA_ADMIN_LOGIN
from sandbox.simulated_service import Server
from sandbox.site_setup import set_up_jira
from sandbox.world import JIRA_WEBHOOK_SECRET, World

WELCOME_TEXT = """
Open {page} in a browser: PagerDuty on the left, Jira on the right, jpi's log between them.

jpi        {app}   (POST /pagerduty-webhook, POST /jira-webhook, GET /health)
Its page   {app}/status   password: {password}
PagerDuty  {pagerduty}   Authorization: Token token=pagerduty-key-of-jpi
Jira       {jira}   Basic {person}, or {admin} as administrator
DynamoDB   {aws}   tables end in -{stage}
SQS        {queue}
Webhook secrets: PagerDuty {pagerduty_secret}, Jira {jira_secret!r}

Trigger an incident (raise it, resolve it: PUT /incidents/<id>, as PagerDuty documents it):

  curl -s {pagerduty}/incidents -H 'Authorization: Token token=pagerduty-key-of-jpi' -H 'From: rita@example.com' \\
    -H 'Content-Type: application/json' -d '{{"incident": {{"type": "incident", "title": "Checkout is down",
    "service": {{"id": "{service}", "type": "service_reference"}}, "priority": {{"id": "{p1}",
    "type": "priority_reference"}}}}}}'

See the issues:

  curl -s -u {person} '{jira}/rest/api/3/search/jql?jql=project=INCIDENT&fields=summary,status,issuelinks'

jpi's log follows. Press Ctrl-C to stop everything.
"""
PAGE_PORT = 5003
# Shorter than on a real site, so that nobody has to watch for half a minute. jpi gets the same value.
INDEX_LAG_SECONDS = 2
SANDBOX_SETTINGS = {"JIRA_INDEX_LAG_SECONDS": str(INDEX_LAG_SECONDS), "STATUS_PASSWORD": "sandbox-password"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.live_sandbox", description=__doc__)
    parser.add_argument("--every", type=float, default=60.0, metavar="SECONDS", help="poll this often (60)")
    parser.add_argument("--ports", type=int, nargs=4, choices=range(65536), default=(5001, 5002, 5000, 8002),
                        metavar=("PAGERDUTY", "JIRA", "JPI", "DYNAMODB"),
                        help="ports on 127.0.0.1, 0 for any free one (5001 5002 5000 8002)")
    parser.add_argument("--page-port", type=int, choices=range(65536), metavar="PAGE",
                        help="the page's port on 127.0.0.1, 0 for any free one (5003; 0 where --ports has a 0)")
    options = parser.parse_args(arguments)
    page_port = PAGE_PORT if all(options.ports) else 0
    serve_until_interrupted(options.every, tuple(options.ports),
                            page_port if options.page_port is None else options.page_port)
    return 0


def serve_until_interrupted(every: float, ports: tuple[int, int, int, int], page_port: int) -> None:
    """Serve, deliver webhooks as they come, and poll every so many seconds."""
    aws = Aws(ports[3])
    world = World(LoopbackHost(aws), RunningClock(), time.sleep, ports[:3], True, set_up_jira, **SANDBOX_SETTINGS)
    world.export_settings()
    live_sandbox = LiveSandbox(world, every, page_port)
    print(format_welcome(world, aws, live_sandbox.url), flush=True)
    try:
        live_sandbox.start()
        with suppress(KeyboardInterrupt):
            threading.Event().wait()
    finally:
        live_sandbox.stop()
        world.stop()
        aws.stop()
    print("Stopped.")


class LiveSandbox:
    """A world that runs by itself, with its page: it delivers webhooks, applies messages, and polls."""

    def __init__(self, world: World, interval_seconds: float, page_port: int = 0) -> None:
        self.world = world
        world.jira.index_lag_seconds = float(INDEX_LAG_SECONDS)
        self.schedule = PollSchedule(interval_seconds)
        self.page = SandboxPage(world, SwitchBoard(world, self.schedule), self.schedule)
        self._server = Server(self.page, page_port)
        self.url = self._server.url
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=self._run_repeatedly, args=(task,), daemon=True)
                         for task in (world.apply_batch, self.page.check_agreement, world.pagerduty.outbox.deliver_due,
                                      world.jira.outbox.deliver_due, world.copying_integration.copy_new)]

    def start(self) -> None:
        """Start the threads and the polls."""
        for thread in self._threads:
            thread.start()
        self.schedule.start()

    def _run_repeatedly(self, task: Callable[[], object]) -> None:
        while not self._ended.wait(0.05):
            task()

    def stop(self) -> None:
        """Stop everything; wait for what is under way."""
        self._ended.set()
        self.schedule.stop()
        for thread in self._threads:
            if thread.is_alive():
                thread.join()
        self.page.close()
        self._server.stop()


def format_welcome(world: World, aws: Aws, page: str) -> str:
    """Return the text that says where everything is, and what to try first."""
    return WELCOME_TEXT.format(page=page, app=world.app_url, pagerduty=world.pagerduty_url, jira=world.jira_url,
                               aws=aws.url, person=":".join(JIM_LOGIN), admin=":".join(JIRA_ADMIN_LOGIN),
                               stage=world.environ["STAGE"], jira_secret=JIRA_WEBHOOK_SECRET,
                               queue=world.environ["EVENTS_QUEUE"], password=SANDBOX_SETTINGS["STATUS_PASSWORD"],
                               pagerduty_secret=world.environ["PAGERDUTY_WEBHOOK_SECRET"], service=world.service.id,
                               p1=world.pagerduty.priorities["P1"].id)


if __name__ == "__main__":
    sys.exit(main())
