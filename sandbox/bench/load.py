"""Under load: how fast a webhook is answered while Jira is slow, and how a storm of incidents is worked off."""

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
from sandbox.clock import RunningClock
from sandbox.hosts import LoopbackHost
from sandbox.simulated_service import HttpFault, RecordedCall
from sandbox.webhook_outbox import Delivery
from sandbox.world import World

DELIVERIES, CONCURRENT_DELIVERIES, SLOW_SECONDS = 200, 20, 2.0
LATENCY_SECONDS = 0.150
# (workers, incidents, POSTs a second that Jira takes): one worker alone would take minutes for 500.
STORMS = ((1, 100, 50), (5, 500, 50), (10, 500, 50), (10, 200, 10))
SERVE_AWS = "import sys; from sandbox.aws.moto_server import Aws; print(Aws().url, flush=True); sys.stdin.read()"
SERVE_JPI = ("import sys; from sandbox.simulated_service import Server; from jpi.app import app; "
             "print(Server(app).url, flush=True); sys.stdin.read()")
POOL = urllib3.PoolManager(maxsize=CONCURRENT_DELIVERIES)


class SubprocessServer:
    """A server in a process of its own, so that what it costs is not taken for another's."""

    def __init__(self, code: str, **environ: str) -> None:
        self._process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                         text=True, env={**os.environ, **environ})
        self.url = self._process.stdout.readline().strip() if self._process.stdout else ""

    make_sqs_client = Aws.make_sqs_client

    def use_clock(self, clock: Callable[[], float]) -> None:
        """It goes by the machine's clock."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        if self._process.stdin:
            # It reads until its input is closed.
            self._process.stdin.close()
        self._process.wait()


@contextmanager
def open_loaded_world() -> Iterator[World]:
    """A world with a queue whose DynamoDB and SQS are elsewhere, and a jpi for each thread."""
    mine = threading.local()

    def jpi() -> wiring.App:
        if not hasattr(mine, "jpi"):
            mine.jpi = world.start_jpi()
        return mine.jpi  # type: ignore[no-any-return]

    wiring.use_app(jpi)
    with SubprocessServer(SERVE_AWS) as aws:
        world = World(LoopbackHost(aws), RunningClock(), time.sleep, queued=True, LOG_LEVEL="CRITICAL")
        yield world
        world.stop()


def trigger_incidents(world: World, count: int) -> list[Delivery]:
    """So many P1 incidents; their webhooks, not delivered yet."""
    for number in range(count):
        world.pagerduty.trigger(world.service, f"Outage {number}", world.rita, "P1", "Nobody can pay.")
    outbox = world.pagerduty.outbox
    deliveries, outbox.pending = outbox.pending, []
    return deliveries


def print_webhooks() -> None:
    """How long 200 deliveries take, 20 at a time, while a call to Jira takes 2 s."""
    with open_loaded_world() as world, SubprocessServer(SERVE_JPI, **world.environ) as jpi:
        world.jira_server.latency_seconds = SLOW_SECONDS
        warm, *deliveries = [replace(one, url=one.url.replace(world.app_url, jpi.url))
                             for one in trigger_incidents(world, DELIVERIES + 51)]
        post_delivery(warm)
        with ThreadPoolExecutor(CONCURRENT_DELIVERIES) as pool:
            found = list(pool.map(post_delivery, deliveries[:DELIVERIES]))
        stored = world.event_source.count_waiting() - 1 if world.event_source else 0
        print(
            f"{DELIVERIES} webhooks, {CONCURRENT_DELIVERIES} at a time, Jira at {SLOW_SECONDS:.0f} s a call: answered "
            f"{sorted({status for status, _ in found})} after {format_percentiles(found)}; {stored} stored, "
            f"{len(world.list_jpi_calls())} calls to Jira or PagerDuty"
        )
        print(f"one at a time: {format_percentiles(list(map(post_delivery, deliveries[DELIVERIES:])))}")


def post_delivery(delivery: Delivery) -> tuple[int, float]:
    """(status, seconds) of one delivery."""
    started = time.perf_counter()
    answer = POOL.request("POST", delivery.url, body=delivery.body, headers=delivery.headers)
    return answer.status, time.perf_counter() - started


def format_percentiles(found: list[tuple[int, float]]) -> str:
    """The median and the slowest of a hundred, in milliseconds."""
    ordered = sorted(took for _, took in found)
    at = {name: ordered[int(len(ordered) * share)] for name, share in (("p50", 0.5), ("p99", 0.99))}
    return ", ".join(f"{name} {seconds * 1000:.0f} ms" for name, seconds in at.items())


class PostRateLimit:
    """As many POSTs a second as Jira takes; the rest are 429."""

    def __init__(self, a_second: int) -> None:
        self._posts_per_second = a_second
        self._accepted_at: deque[float] = deque()
        self.refused = 0

    def __call__(self, call: RecordedCall) -> HttpFault | None:
        """For `Simulation.fault`."""
        now = time.monotonic()
        while self._accepted_at and self._accepted_at[0] < now - 1.0:
            self._accepted_at.popleft()
        if call.method != "POST":
            return None
        if len(self._accepted_at) >= self._posts_per_second:
            self.refused += 1
            return HttpFault(429, headers={"Retry-After": "1"})
        self._accepted_at.append(now)
        return None


def print_storms() -> None:
    """Each storm's line."""
    for workers, incidents, a_second in STORMS:
        with open_loaded_world() as world:
            run_storm(world, workers, incidents, a_second)


def run_storm(world: World, workers: int, incidents: int, a_second: int) -> None:
    """So many P1 incidents are in the queue: how long until each has its issue and its three questions."""
    for delivery in trigger_incidents(world, incidents):
        post_delivery(delivery)
    limit = PostRateLimit(a_second)
    world.jira_server.choose_fault, world.jira_server.latency_seconds, world.pagerduty_server.latency_seconds = (
        limit,
        LATENCY_SECONDS,
        LATENCY_SECONDS,
    )
    started = time.perf_counter()
    threads = [threading.Thread(target=work_until_empty, args=(world,)) for _ in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.perf_counter() - started
    issues, questions = world.list_issues(), world.list_issues("QUESTION")
    lost, doubled = incidents - len({one.summary for one in issues}), len(issues) - len({one.summary for one in issues})
    print(
        f"{incidents} P1 incidents, {workers} workers, Jira at {LATENCY_SECONDS * 1000:.0f} ms and {a_second} POST/s: "
        f"{took:.0f} s, {incidents / took:.1f} incidents/s, {lost} lost, {doubled} doubled, "
        f"{len(questions) - 3 * incidents} questions too many or too few, {limit.refused} times 429",
        flush=True,
    )


def work_until_empty(world: World) -> None:
    """One worker, until nothing is left to do."""
    while world.event_source and world.event_source.count_waiting():
        if not world.apply_batch():
            time.sleep(0.1)
