"""Under load: how fast a webhook is answered while Jira is slow, and how fast jpi handles a storm of incidents."""

import os
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import Self

import urllib3

from jpi import wiring
from sandbox.aws.moto_server import Aws
from sandbox.bench.measurement import open_world
from sandbox.simulated_service import HttpFault, RecordedCall
from sandbox.webhook_outbox import Delivery
from sandbox.world import World

DELIVERIES, CONCURRENT_DELIVERIES, SLOW_SECONDS = 200, 20, 2.0
LATENCY_SECONDS = 0.150
# (workers, incidents, POSTs per second that Jira accepts): one worker alone would take minutes for 500.
STORMS = ((1, 100, 50), (5, 500, 50), (10, 500, 50), (10, 200, 10))
SERVE_AWS = "import sys; from sandbox.aws.moto_server import Aws; print(Aws().url, flush=True); sys.stdin.read()"
SERVE_JPI = ("import sys; from sandbox.simulated_service import Server; from jpi.app import app; "
             "print(Server(app).url, flush=True); sys.stdin.read()")
POOL = urllib3.PoolManager(maxsize=CONCURRENT_DELIVERIES)


class SubprocessServer:
    """A server in a process of its own, so that its cost is not counted as jpi's."""

    def __init__(self, code: str, **environ: str) -> None:
        self._process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                         text=True, env={**os.environ, **environ})
        self.url = self._process.stdout.readline().strip() if self._process.stdout else ""

    make_sqs_client = Aws.make_sqs_client

    def use_clock(self, clock: Callable[[], float]) -> None:
        """Do nothing: it follows the machine's clock."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        if self._process.stdin:
            # The process reads its input until it is closed, then ends.
            self._process.stdin.close()
        self._process.wait()


@contextmanager
def open_loaded_world() -> Iterator[World]:
    """Open a world with a queue, its DynamoDB and SQS in another process, and a jpi for each thread."""
    local = threading.local()

    def get_thread_app() -> wiring.App:
        if not hasattr(local, "app"):
            local.app = world.start_jpi()
        return local.app  # type: ignore[no-any-return]

    with (SubprocessServer(SERVE_AWS) as aws,
          open_world(aws, sleep=time.sleep, queued=True, LOG_LEVEL="CRITICAL") as world):
        wiring.use_app(get_thread_app)
        yield world


def trigger_incidents(world: World, count: int) -> list[Delivery]:
    """Trigger so many P1 incidents; return their webhooks, not delivered yet."""
    for number in range(count):
        world.pagerduty.trigger_incident(world.service, f"Outage {number}", world.rita, "P1", "Nobody can pay.")
    outbox = world.pagerduty.outbox
    deliveries, outbox.pending = outbox.pending, []
    return deliveries


def print_webhooks() -> None:
    """Print how long 200 deliveries take, 20 at a time, while a call to Jira takes 2 s."""
    with open_loaded_world() as world, SubprocessServer(SERVE_JPI, **world.environ) as jpi:
        world.jira_server.latency_seconds = SLOW_SECONDS
        warm, *deliveries = [replace(delivery, url=delivery.url.replace(world.app_url, jpi.url))
                             for delivery in trigger_incidents(world, DELIVERIES + 51)]
        post_delivery(warm)
        with ThreadPoolExecutor(CONCURRENT_DELIVERIES) as pool:
            answers = list(pool.map(post_delivery, deliveries[:DELIVERIES]))
        stored = world.event_source.count_waiting() - 1 if world.event_source else 0
        print(
            f"{DELIVERIES} webhooks, {CONCURRENT_DELIVERIES} at a time, Jira at {SLOW_SECONDS:.0f} s a call: answered "
            f"{sorted({status for status, _ in answers})} after {format_percentiles(answers)}; {stored} stored, "
            f"{len(world.list_jpi_calls())} calls to Jira or PagerDuty"
        )
        print(f"one at a time: {format_percentiles(list(map(post_delivery, deliveries[DELIVERIES:])))}")


def post_delivery(delivery: Delivery) -> tuple[int, float]:
    """Post one delivery; return (status, seconds)."""
    started = time.perf_counter()
    answer = POOL.request("POST", delivery.url, body=delivery.body, headers=delivery.headers)
    return answer.status, time.perf_counter() - started


def format_percentiles(answers: list[tuple[int, float]]) -> str:
    """Return the median and the 99th percentile, in milliseconds."""
    ordered = sorted(seconds for _, seconds in answers)
    at = {name: ordered[int(len(ordered) * share)] for name, share in (("p50", 0.5), ("p99", 0.99))}
    return ", ".join(f"{name} {seconds * 1000:.0f} ms" for name, seconds in at.items())


class PostRateLimit:
    """Answers 429 to POSTs above a limit per second."""

    def __init__(self, posts_per_second: int) -> None:
        self._posts_per_second = posts_per_second
        self._accepted_at: deque[float] = deque()
        self.refused_count = 0

    def choose_fault(self, call: RecordedCall) -> HttpFault | None:
        """Return 429 for a POST above the limit; fits `SimulatedService.choose_fault`."""
        now = time.monotonic()
        while self._accepted_at and self._accepted_at[0] < now - 1.0:
            self._accepted_at.popleft()
        if call.method != "POST":
            return None
        if len(self._accepted_at) >= self._posts_per_second:
            self.refused_count += 1
            return HttpFault(429, headers={"Retry-After": "1"})
        self._accepted_at.append(now)
        return None


def print_storms() -> None:
    """Print a line for each storm."""
    for workers, incidents, posts_per_second in STORMS:
        with open_loaded_world() as world:
            run_storm(world, workers, incidents, posts_per_second)


def run_storm(world: World, workers: int, incidents: int, posts_per_second: int) -> None:
    """Queue so many P1 incidents, and print how long it takes until each has its issue and three questions."""
    for delivery in trigger_incidents(world, incidents):
        post_delivery(delivery)
    limit = PostRateLimit(posts_per_second)
    world.jira_server.choose_fault = limit.choose_fault
    world.jira_server.latency_seconds = world.pagerduty_server.latency_seconds = LATENCY_SECONDS
    started = time.perf_counter()
    threads = [threading.Thread(target=work_until_empty, args=(world,)) for _ in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - started
    issues, questions = world.list_issues(), world.list_issues("QUESTION")
    summaries = {issue.summary for issue in issues}
    print(
        f"{incidents} P1 incidents, {workers} workers, Jira at {LATENCY_SECONDS * 1000:.0f} ms and "
        f"{posts_per_second} POST/s: {seconds:.0f} s, {incidents / seconds:.1f} incidents/s, "
        f"{incidents - len(summaries)} lost, {len(issues) - len(summaries)} doubled, "
        f"{len(questions) - 3 * incidents} questions too many or too few, {limit.refused_count} times 429",
        flush=True,
    )


def work_until_empty(world: World) -> None:
    """Apply batches until the queue is empty."""
    while world.event_source and world.event_source.count_waiting():
        if not world.apply_batch():
            time.sleep(0.1)
