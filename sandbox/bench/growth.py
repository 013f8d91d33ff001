"""Whether an event costs more as the mapping grows: requests to DynamoDB and SQS, and items that they read."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from unittest.mock import patch

from botocore.client import BaseClient

from jpi import wiring
from jpi.handlers import log_entries
from jpi.store.models import LinkRow
from sandbox.aws.moto_server import Aws
from sandbox.clock import RunningClock
from sandbox.hosts import LoopbackHost
from sandbox.world import World

SIZES = (100, 10_000, 100_000)
READ_OPERATIONS = ("GetItem", "BatchGetItem", "Query", "Scan")
WRITE_OPERATIONS = ("PutItem", "BatchWriteItem", "UpdateItem")
SQS_OPERATIONS = ("SendMessageBatch", "ChangeMessageVisibilityBatch", "GetQueueUrl")
ROW_FORMAT = "{:>9} links  {:<24} {:>3} reads of {:>2} items, {:>2} writes, {:>2} requests to SQS"


@contextmanager
def count_requests(cost: Counter[str]) -> Iterator[None]:
    """Count jpi's requests in it, and the items that DynamoDB looked at for them."""
    made = BaseClient._make_api_call  # type: ignore[attr-defined]

    def counting(self: BaseClient, operation: str, arguments: dict[str, object]) -> object:
        answer = made(self, operation, arguments)
        for name, operations in (("reads", READ_OPERATIONS), ("writes", WRITE_OPERATIONS), ("sqs", SQS_OPERATIONS)):
            cost[name] += operation in operations
        cost["items"] += answer.get("ScannedCount", 0) + ("Item" in answer) + sum(
            map(len, answer.get("Responses", {}).values()))
        return answer

    with patch.object(BaseClient, "_make_api_call", counting):
        yield


def print_growth() -> None:
    """A line for each size and event."""
    aws = Aws()
    world = World(LoopbackHost(aws), RunningClock(), queued=True, LOG_LEVEL="ERROR")
    there = world.start_jpi()
    wiring.use_app(lambda: there)
    filled = 0
    for size in SIZES:
        fill_links(wiring.bind_tables(there.settings).links, filled, size)
        filled = size
        # Out of the window that the next poll reads again.
        world.clock.advance(3600)
        for name, event in make_events(world, size).items():
            cost: Counter[str] = Counter()
            with count_requests(cost):
                event()
            print(ROW_FORMAT.format(size, name, cost["reads"], cost["items"], cost["writes"], cost["sqs"]), flush=True)
    world.stop()
    aws.stop()


def fill_links(links: type[LinkRow], start: int, end: int) -> None:
    """Rows of incidents that are over, as they pile up over the years."""
    print(f"  filling up to {end} links ...", flush=True)
    with links.batch_write() as batch:
        for number in range(start, end):
            batch.save(links(f"QOLD{number}", issue_key=f"OLD-{number}", issue_id=str(number), issue_status="resolved",
                             agreed={"status": "resolved"}, seen={}, holds={}, todo={}, failed={}, saved_by="bench",
                             version=1))


def make_events(world: World, size: int) -> dict[str, Callable[[], object]]:
    """What happens, each with its delivery and all that follows."""
    title = f"Outage at {size}"

    def p1() -> None:
        world.pagerduty.trigger(world.service, title, world.rita, "P1")
        world.run_until_idle()

    def done() -> None:
        world.move_issue(next(issue for issue in world.list_issues() if issue.summary == title), "done")
        world.run_until_idle()

    def poll() -> None:
        log_entries.handler({}, None)
        world.run_until_idle()

    return {"P1 by webhook": p1, "poll with its timeline": poll, "done on Jira": done, "poll with its end": poll,
            "poll, nothing new": poll}
