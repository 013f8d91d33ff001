"""Does an event cost more as the mapping grows? Requests to DynamoDB and SQS, and the items that they read."""

from collections.abc import Callable

from jpi import wiring
from jpi.handlers import log_entries
from jpi.store.models import LinkRow
from sandbox.aws.moto_server import Aws
from sandbox.bench.measurement import open_world, record_aws_requests
from sandbox.world import World

SIZES = (100, 10_000, 100_000)
ROW_FORMAT = "{:>9} links  {:<24} {:>3} reads of {:>2} items, {:>2} writes, {:>2} requests to SQS"


def print_growth() -> None:
    """Print a line for each size and event."""
    aws = Aws()
    with open_world(aws, queued=True) as world:
        filled = 0
        for size in SIZES:
            fill_links(wiring.bind_tables(wiring.get_app().settings).links, filled, size)
            filled = size
            # The next poll reads the last window again; this is out of it.
            world.clock.advance(3600)
            for name, act in make_events(world, size):
                with record_aws_requests() as requests:
                    act()
                print(ROW_FORMAT.format(size, name, requests.reads, requests.items, requests.writes,
                                        requests.sqs_requests), flush=True)
    aws.stop()


def fill_links(links: type[LinkRow], start: int, end: int) -> None:
    """Add rows of finished incidents, as they pile up over the years."""
    print(f"  filling up to {end} links ...", flush=True)
    with links.batch_write() as batch:
        for number in range(start, end):
            batch.save(links(f"QOLD{number}", issue_key=f"OLD-{number}", issue_id=str(number), issue_status="resolved",
                             agreed={"status": "resolved"}, seen={}, holds={}, todo={}, failed={}, saved_by="bench",
                             version=1))


def make_events(world: World, size: int) -> list[tuple[str, Callable[[], object]]]:
    """Return the events to measure, each with its delivery and all that follows."""
    title = f"Outage at {size}"

    def trigger_p1() -> None:
        world.pagerduty.trigger_incident(world.service, title, world.rita, "P1")
        world.run_until_idle()

    def finish_issue() -> None:
        world.move_issue(next(issue for issue in world.list_issues() if issue.summary == title), "done")
        world.run_until_idle()

    def run_poll() -> None:
        log_entries.handler({}, None)
        world.run_until_idle()

    return [("P1 by webhook", trigger_p1), ("poll with its timeline", run_poll), ("done on Jira", finish_issue),
            ("poll with its end", run_poll), ("poll, nothing new", run_poll)]
