"""What the status page costs with many links: seconds, requests to DynamoDB, and items that it looked at."""

import time

from jpi import app, wiring
from jpi.domain.link import Failure, IssueRef, Link, LinkSummary, StatusState
from jpi.domain.model import Side, Status
from jpi.store.links import Links
from jpi.store.models import LinkRow
from sandbox.aws.moto_server import Aws
from sandbox.bench.measurement import open_world, record_aws_requests

LINKS = 10_000
PASSWORD = "password of the bench"
ROW_FORMAT = "{:<34} {:>4.0f} ms  {:>2} reads of {:>4} items"
PATHS = (("first page", "/status"), ("open incidents", "/status?state=open"),
         ("one incident", "/status/incidents/QOLD00042"), ("an issue's key", "/status?text=OLD-43"),
         ("a word that few titles have", "/status?text=number+9876"))


def print_status_page() -> None:
    """Print a line for each view of the page."""
    aws = Aws()
    with open_world(aws, queued=True, STATUS_PASSWORD=PASSWORD):
        print(f"  filling up to {LINKS} links ...", flush=True)
        fill_links(wiring.bind_tables(wiring.get_app().settings).links)
        client = app.app.test_client()
        client.post("/status/sign-in", data={"password": PASSWORD})
        client.get("/status")
        for name, path in PATHS:
            with record_aws_requests() as requests:
                started = time.perf_counter()
                answer = client.get(path)
                seconds = time.perf_counter() - started
            assert answer.status_code == 200, answer.status
            print(ROW_FORMAT.format(name, seconds * 1000, requests.reads, requests.items), flush=True)
    aws.stop()


def fill_links(rows: type[LinkRow]) -> None:
    """Add incidents of some months, in all states, most of them finished."""
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
