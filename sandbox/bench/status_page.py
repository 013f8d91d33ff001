"""What the status page costs over many links: seconds, requests to DynamoDB and items that it looked at."""

import time
from collections import Counter

from jpi import app, wiring
from jpi.domain.link import Failure, IssueRef, Link, LinkSummary, StatusState
from jpi.domain.model import Side, Status
from jpi.store.links import Links
from jpi.store.models import LinkRow
from sandbox.aws.moto_server import Aws
from sandbox.bench.growth import count_requests
from sandbox.clock import RunningClock
from sandbox.hosts import LoopbackHost
from sandbox.world import World

LINKS = 10_000
PASSWORD = "bench"
ROW_FORMAT = "{:<34} {:>4.0f} ms  {:>2} reads of {:>4} items"
PATHS = {"first page": "/status", "open ones": "/status?state=open", "one incident": "/status/incidents/QOLD00042",
         "an issue's key": "/status?text=OLD-43", "a word that few titles have": "/status?text=number+9876"}


def print_status_page() -> None:
    """A line for each look at the page."""
    aws = Aws()
    world = World(LoopbackHost(aws), RunningClock(), queued=True, LOG_LEVEL="ERROR", STATUS_PASSWORD=PASSWORD)
    there = world.start_jpi()
    wiring.use_app(lambda: there)
    print(f"  filling up to {LINKS} links ...", flush=True)
    fill_links(wiring.bind_tables(there.settings).links)
    client = app.app.test_client()
    client.post("/status/sign-in", data={"password": PASSWORD})
    client.get("/status")
    for name, path in PATHS.items():
        cost: Counter[str] = Counter()
        with count_requests(cost):
            started = time.perf_counter()
            answer = client.get(path)
            took = time.perf_counter() - started
        assert answer.status_code == 200, answer.status
        print(ROW_FORMAT.format(name, took * 1000, cost["reads"], cost["items"]), flush=True)
    world.stop()
    aws.stop()


def fill_links(rows: type[LinkRow]) -> None:
    """Incidents of some months, most of them over, in all states."""
    links = Links(rows)
    with rows.batch_write() as batch:
        for number in range(LINKS):
            batch.save(links.to_row(_make_link(number)))


def _make_link(number: int) -> Link:
    state: Status = "triggered" if number % 100 == 0 else "resolved"
    summary = LinkSummary(f"Outage number {number}", began=1_700_000_000.0 + 600 * number, in_step_at=1_700_000_900.0)
    failures = ({"e": Failure(Side.PAGERDUTY, "Jira POST /issue was refused with 400", 0.0, permanent=True, attempts=1)}
                if number % 500 == 7 else {})
    key = None if number % 3 == 0 else f"OLD-{number}"
    return Link(f"QOLD{number:05}", 1, IssueRef(key, str(number)) if key else None, StatusState(state), summary=summary,
                failures=failures)
