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
from sandbox.places import Loopback
from sandbox.web import Call, Fault
from sandbox.webhooks import Delivery
from sandbox.world import World

DELIVERIES, AT_ONCE, SLOW = 200, 20, 2.0
LATENCY = 0.150
# (workers, incidents, POSTs a second that Jira takes): one worker alone would take minutes for 500.
STORMS = ((1, 100, 50), (5, 500, 50), (10, 500, 50), (10, 200, 10))
SERVE_AWS = "import sys; from sandbox.aws.moto_server import Aws; print(Aws().url, flush=True); sys.stdin.read()"
SERVE_JPI = ("import sys; from sandbox.web import Server; from jpi.app import app; print(Server(app).url, flush=True); "
             "sys.stdin.read()")
POOL = urllib3.PoolManager(maxsize=AT_ONCE)


class Elsewhere:
    """A server in a process of its own, so that what it costs is not taken for another's."""

    def __init__(self, code: str, **environ: str) -> None:
        self._process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                         text=True, env={**os.environ, **environ})
        self.url = self._process.stdout.readline().strip() if self._process.stdout else ""

    sqs = Aws.sqs

    def follow(self, clock: Callable[[], float]) -> None:
        """It goes by the machine's clock."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        if self._process.stdin:
            # It reads until its input is closed.
            self._process.stdin.close()
        self._process.wait()


@contextmanager
def loaded() -> Iterator[World]:
    """A world with a queue whose DynamoDB and SQS are elsewhere, and a jpi for each thread."""
    mine = threading.local()

    def jpi() -> wiring.Jpi:
        if not hasattr(mine, "jpi"):
            mine.jpi = world.start_jpi()
        return mine.jpi  # type: ignore[no-any-return]

    wiring.jpi = jpi  # type: ignore[assignment]
    with Elsewhere(SERVE_AWS) as aws:
        world = World(Loopback(aws), RunningClock(), time.sleep, queued=True, LOG_LEVEL="CRITICAL")
        yield world
        world.stop()


def trigger(world: World, count: int) -> list[Delivery]:
    """So many P1 incidents; their webhooks, not delivered yet."""
    for number in range(count):
        world.pagerduty.trigger(world.service, f"Outage {number}", world.rita, "P1", "Nobody can pay.")
    outbox = world.pagerduty.outbox
    deliveries, outbox.waiting = outbox.waiting, []
    return deliveries


def webhooks() -> None:
    """How long 200 deliveries take, 20 at a time, while a call to Jira takes 2 s."""
    with loaded() as world, Elsewhere(SERVE_JPI, **world.environ) as jpi:
        world.jira_server.latency = SLOW
        warm, *deliveries = [replace(one, url=one.url.replace(world.app_url, jpi.url))
                             for one in trigger(world, DELIVERIES + 51)]
        post(warm)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            found = list(pool.map(post, deliveries[:DELIVERIES]))
        stored = world.events.waiting() - 1 if world.events else 0
        print(f"{DELIVERIES} webhooks, {AT_ONCE} at a time, Jira at {SLOW:.0f} s a call: answered "
              f"{sorted({status for status, _ in found})} after {percentiles(found)}; {stored} stored, "
              f"{len(world.calls())} calls to Jira or PagerDuty")
        print(f"one at a time: {percentiles(list(map(post, deliveries[DELIVERIES:])))}")


def post(delivery: Delivery) -> tuple[int, float]:
    """(status, seconds) of one delivery."""
    started = time.perf_counter()
    answer = POOL.request("POST", delivery.url, body=delivery.body, headers=delivery.headers)
    return answer.status, time.perf_counter() - started


def percentiles(found: list[tuple[int, float]]) -> str:
    """The median and the slowest of a hundred, in milliseconds."""
    ordered = sorted(took for _, took in found)
    at = {name: ordered[int(len(ordered) * share)] for name, share in (("p50", 0.5), ("p99", 0.99))}
    return ", ".join(f"{name} {seconds * 1000:.0f} ms" for name, seconds in at.items())


class Limit:
    """As many POSTs a second as Jira takes; the rest are 429."""

    def __init__(self, a_second: int) -> None:
        self._a_second = a_second
        self._taken: deque[float] = deque()
        self.refused = 0

    def __call__(self, call: Call) -> Fault | None:
        """For `Simulation.fault`."""
        now = time.monotonic()
        while self._taken and self._taken[0] < now - 1.0:
            self._taken.popleft()
        if call.method != "POST":
            return None
        if len(self._taken) >= self._a_second:
            self.refused += 1
            return Fault(429, headers={"Retry-After": "1"})
        self._taken.append(now)
        return None


def storms() -> None:
    """Each storm's line."""
    for workers, incidents, a_second in STORMS:
        with loaded() as world:
            storm(world, workers, incidents, a_second)


def storm(world: World, workers: int, incidents: int, a_second: int) -> None:
    """So many P1 incidents are in the queue: how long until each has its issue and its three questions."""
    for delivery in trigger(world, incidents):
        post(delivery)
    limit = Limit(a_second)
    world.jira_server.fault, world.jira_server.latency, world.pagerduty_server.latency = limit, LATENCY, LATENCY
    started = time.perf_counter()
    threads = [threading.Thread(target=work, args=(world,)) for _ in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.perf_counter() - started
    issues, questions = world.issues(), world.issues("QUESTION")
    lost, doubled = incidents - len({one.summary for one in issues}), len(issues) - len({one.summary for one in issues})
    print(f"{incidents} P1 incidents, {workers} workers, Jira at {LATENCY * 1000:.0f} ms and {a_second} POST/s: "
          f"{took:.0f} s, {incidents / took:.1f} incidents/s, {lost} lost, {doubled} doubled, "
          f"{len(questions) - 3 * incidents} questions too many or too few, {limit.refused} times 429", flush=True)


def work(world: World) -> None:
    """One worker, until nothing is left to do."""
    while world.events and world.events.waiting():
        if not world.work():
            time.sleep(0.1)
