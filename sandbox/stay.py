"""`make sandbox`: the simulated services and jpi, left running to be played with, polled on schedule until Ctrl-C."""

import argparse
import sys
import threading
import time
from collections.abc import Sequence

from jpi.handlers import log_entries
from sandbox.aws import Aws
from sandbox.world import ADMIN, JIRA_SECRET, PERSON, World

ADDRESSES = """
jpi        {app}   (POST /pagerduty-webhook, POST /jira-webhook, GET /health)
PagerDuty  {pagerduty}   Authorization: Token token=pagerduty-key
Jira       {jira}   Basic {person}, or {admin} as administrator
DynamoDB   {aws}   tables end in -{stage}
SQS        {queue}
Webhook secrets: PagerDuty {pagerduty_secret}, Jira {jira_secret!r}

Trigger an incident (raise it, resolve it: PUT /incidents/<id>, as PagerDuty documents it):

  curl -s {pagerduty}/incidents -H 'Authorization: Token token=pagerduty-key' -H 'From: rita@example.com' \\
    -H 'Content-Type: application/json' -d '{{"incident": {{"type": "incident", "title": "Checkout is down",
    "service": {{"id": "{service}", "type": "service_reference"}}, "priority": {{"id": "{p1}",
    "type": "priority_reference"}}}}}}'

See the issues:

  curl -s -u {person} '{jira}/rest/api/3/search/jql?jql=project=INCIDENT&fields=summary,status,issuelinks'

jpi's log and every poll are below; Ctrl-C ends it all.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.stay", description=__doc__)
    parser.add_argument("--every", type=float, default=60.0, metavar="SECONDS", help="poll this often (60)")
    parser.add_argument("--ports", type=int, nargs=4, choices=range(65536), default=(5001, 5002, 5000, 8002),
                        metavar=("PAGERDUTY", "JIRA", "JPI", "DYNAMODB"),
                        help="ports on 127.0.0.1, 0 for any free one (5001 5002 5000 8002)")
    chosen = parser.parse_args(arguments)
    stay(chosen.every, tuple(chosen.ports))
    return 0


def stay(every: float, ports: tuple[int, int, int, int]) -> None:
    """Serve, deliver webhooks as they come, poll every so many seconds."""
    aws = Aws(ports[3])
    world = World(aws, sleep=time.sleep, ports=ports[:3], queued=True)
    world.export()
    print(addresses(world, aws), flush=True)
    outboxes = (world.pagerduty.outbox, world.jira.outbox)
    ended = threading.Event()
    try:
        for outbox in outboxes:
            outbox.run()
        threading.Thread(target=work, args=(world, ended), daemon=True).start()
        while True:
            log_entries.handler({}, None)
            time.sleep(every)
    except KeyboardInterrupt:
        print("Stopped.")
    finally:
        ended.set()
        for outbox in outboxes:
            outbox.stop()
        world.stop()
        aws.stop()


def work(world: World, ended: threading.Event) -> None:
    """Have the queue's messages applied as they come."""
    while not ended.wait(0.05):
        world.work()


def addresses(world: World, aws: Aws) -> str:
    """Where everything is, and what to try first."""
    return ADDRESSES.format(
        app=world.app_url, pagerduty=world.pagerduty_url, jira=world.jira_url, aws=aws.url,
        person=":".join(PERSON), admin=":".join(ADMIN), stage=world.environ["STAGE"], jira_secret=JIRA_SECRET,
        queue=world.environ["EVENTS_QUEUE"],
        pagerduty_secret=world.environ["PAGERDUTY_WEBHOOK_SECRET"], service=world.service.id,
        p1=world.pagerduty.priorities["P1"].id,
    )


if __name__ == "__main__":
    sys.exit(main())
