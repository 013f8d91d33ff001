"""Under attack: real deliveries among forged ones, the slowest comment to parse, the memory of the largest delivery."""

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import Any

from jpi.jira import webhooks as jira_webhooks
from jpi.jira.adf import to_adf_document, to_plain_text
from jpi.signatures import sign_as_jira
from sandbox.bench.load import (
    CONCURRENT_DELIVERIES,
    SERVE_JPI,
    SubprocessServer,
    format_percentiles,
    open_loaded_world,
    post_delivery,
    trigger_incidents,
)
from sandbox.webhook_outbox import Delivery
from sandbox.world import JIRA_WEBHOOK_SECRET

# What an attacker may cost at most: the answer time of 99 of 100 real deliveries, and memory.
MAX_P99_SECONDS, MAX_MEBIBYTES = 0.200, 256
FORGED_PER_MINUTE, ATTACK_SECONDS, REAL_PER_SECOND = 1_000, 30, 5
COMMENT_CHARACTERS, COMMENTS = 32 * 1024, 200
# Brackets, braces, pipes and backslashes, and what begins an address, a table or a macro.
HOSTILE_PIECES = ("[", "]", "{", "}", "|", "\\", "||", "{{", "}}", "[~", "{code}", "{noformat}", "[a|b]", "\\\\", "((",
                  "))", "https://", "https://a(", "\n", "* ", "h1. ", "(\n", '"', "\u202e", "\ud800", "é")
# What Lambda takes in one request (docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html), less its envelope.
LARGEST_BYTES = 6 * 1024 * 1024 - 20_000
HANDLE_LARGEST = """
import json, resource, sys
from jpi.handlers.app import handler
event = json.load(sys.stdin)
answer = handler(event, None)
print(answer["statusCode"], resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def print_attack() -> None:
    """Print what an attacker can cost: answer times, seconds of parsing, memory. Exit with 1 if it is over the limits.
    """
    p99_seconds = print_forged_deliveries()
    print_comments()
    mebibytes = print_largest_delivery()
    if p99_seconds > MAX_P99_SECONDS or mebibytes > MAX_MEBIBYTES:
        sys.exit(f"Over the limits: {p99_seconds * 1000:.0f} ms (at most {MAX_P99_SECONDS * 1000:.0f}), "
                 f"{mebibytes} MiB (at most {MAX_MEBIBYTES})")


def print_forged_deliveries() -> float:
    """Print how long real deliveries take, alone and while 1,000 forged ones a minute arrive; return the p99 then."""
    with open_loaded_world() as world, SubprocessServer(SERVE_JPI, **world.environ) as jpi:
        count = ATTACK_SECONDS * REAL_PER_SECOND
        warm, *deliveries = [replace(delivery, url=delivery.url.replace(world.app_url, jpi.url))
                             for delivery in trigger_incidents(world, 2 * count + 1)]
        post_delivery(warm)
        forged = replace(warm, headers={**warm.headers, "X-PagerDuty-Signature": f"v1={'0' * 64}"})
        with ThreadPoolExecutor(CONCURRENT_DELIVERIES) as pool:
            alone = post_evenly(pool, deliveries[:count], REAL_PER_SECOND)
            forged_count = FORGED_PER_MINUTE * ATTACK_SECONDS // 60
            attack = pool.submit(post_evenly, pool, [forged] * forged_count, FORGED_PER_MINUTE / 60)
            attacked = post_evenly(pool, deliveries[count:], REAL_PER_SECOND)
            refused = attack.result()
        for name, answers in (("real deliveries alone", alone), ("the forged ones", refused),
                              (f"real deliveries among {FORGED_PER_MINUTE} forged ones a minute", attacked)):
            print(f"{name}: {sorted({status for status, _ in answers})}, {format_percentiles(answers)}", flush=True)
        return sorted(seconds for _, seconds in attacked)[int(len(attacked) * 0.99)]


def post_evenly(pool: ThreadPoolExecutor, deliveries: list[Delivery], per_second: float) -> list[tuple[int, float]]:
    """Post so many deliveries a second, whether or not the earlier ones were answered; return (status, seconds)."""
    started, answers = time.perf_counter(), []
    for number, delivery in enumerate(deliveries):
        time.sleep(max(0.0, started + number / per_second - time.perf_counter()))
        answers.append(pool.submit(post_delivery, delivery))
    return [answer.result() for answer in answers]


def print_comments() -> None:
    """Print the most processor time that a comment of 32 KB takes: its delivery, its document, and back."""
    slowest = {name: max(measure_processor_seconds(act) for act in acts) for name, acts in list_comment_acts().items()}
    for name, seconds in slowest.items():
        print(f"{COMMENTS} hostile comments of {COMMENT_CHARACTERS // 1024} KB, {name}: the slowest took "
              f"{seconds * 1000:.1f} ms of processor time", flush=True)


def list_comment_acts() -> dict[str, list[Callable[[], object]]]:
    """Return what is done with each comment: parse its delivery, read its document, write its text."""
    dice = random.Random(16)
    texts = [make_hostile_text(dice, COMMENT_CHARACTERS) for _ in range(COMMENTS)]
    raws = [json.dumps(make_comment_delivery(text)).encode() for text in texts]
    documents = [make_hostile_document(dice, COMMENT_CHARACTERS) for _ in range(COMMENTS)]
    return {"parsed from a webhook": [partial(jira_webhooks.parse_delivery, raw) for raw in raws],
            "read as a document": [partial(to_plain_text, document) for document in documents],
            "written as a document": [partial(to_adf_document, text) for text in texts]}


def measure_processor_seconds(act: Callable[[], object]) -> float:
    """Return the least of three measurements, since others use this machine too."""
    return min(_measure_once(act) for _ in range(3))


def _measure_once(act: Callable[[], object]) -> float:
    started = time.process_time()
    act()
    return time.process_time() - started


def make_hostile_text(dice: random.Random, length: int) -> str:
    """Return a text of runs of hostile pieces."""
    pieces = dice.sample(HOSTILE_PIECES, dice.randint(1, 5))
    runs = ""
    while len(runs) < length:
        runs += dice.choice(pieces) * dice.choice((1, 2, 50, 5_000))
    return runs[:length]


def make_hostile_document(dice: random.Random, length: int) -> dict[str, Any]:
    """Return a document of about so many characters, nested as deeply as it goes."""
    kinds = ("paragraph", "bulletList", "listItem", "blockquote", "panel", "table", "tableRow", "unknown")
    node: dict[str, Any] = {"type": "text", "text": "[{|\\" * dice.choice((1, 100))}
    while len(json.dumps(node)) < length:
        siblings = [node] * dice.choice((1, 1, 1, 2, 3))
        node = {"type": dice.choice(kinds), "content": siblings}
    return {"type": "doc", "version": 1, "content": [node]}


def make_comment_delivery(text: str, **fields: Any) -> dict[str, Any]:
    """Return Jira's delivery of a comment with this text."""
    return {"webhookEvent": "comment_created", "timestamp": round(time.time() * 1000),
            "comment": {"id": "1", "created": "2026-11-27T20:00:00.000+0000", "body": text},
            "issue": {"id": "10000", "key": "INCIDENT-1", "fields": fields}}


def print_largest_delivery() -> int:
    """Print and return the most MiB of a process that takes the largest delivery which Lambda lets through."""
    with open_loaded_world() as world:
        environ = {**os.environ, **world.environ, "LOG_LEVEL": "CRITICAL"}
        peaks = {}
        for name, raw in make_largest_deliveries():
            done = subprocess.run([sys.executable, "-c", HANDLE_LARGEST], input=json.dumps(make_gateway_event(raw)),
                                  env=environ, text=True, capture_output=True, check=True)
            status, peaks[name] = map(int, done.stdout.split()[-2:])
            print(f"{len(raw) / 2**20:.1f} MiB of {name}: {status}, {peaks[name]} MiB at most", flush=True)
        print(f"the largest delivery takes {max(peaks.values())} MiB at most, libraries included", flush=True)
        return max(peaks.values())


def make_largest_deliveries() -> Iterator[tuple[str, str]]:
    """Yield deliveries of the largest size, each filled with something else, by name."""
    raw = json.dumps(make_comment_delivery("TEXT", filler="FIELD"))
    fillings = {"one long text": "x" * LARGEST_BYTES, "brackets": "[{|\\\\" * (LARGEST_BYTES // 5)}
    for name, text in fillings.items():
        yield name, raw.replace("TEXT", text)
    fields = {"empty lists": "[]", "empty objects": "{}", "numbers": "1"}
    for name, item in fields.items():
        items = ",".join([item] * (LARGEST_BYTES // (len(item) + 1)))
        yield name, raw.replace('"FIELD"', f"[{items}]")
    yield "nested lists", raw.replace('"FIELD"', "[" * (LARGEST_BYTES // 2) + "]" * (LARGEST_BYTES // 2))


def make_gateway_event(raw: str) -> dict[str, Any]:
    """Return the request as API Gateway hands it to Lambda."""
    headers = {"Content-Type": "application/json", "Host": "x.example",
               **sign_as_jira(raw.encode(), JIRA_WEBHOOK_SECRET)}
    return {"httpMethod": "POST", "path": "/jira-webhook", "resource": "/{proxy+}", "headers": headers, "body": raw,
            "multiValueHeaders": {name: [value] for name, value in headers.items()}, "isBase64Encoded": False,
            "queryStringParameters": None, "multiValueQueryStringParameters": None,
            "requestContext": {"identity": {"sourceIp": "203.0.113.9"}, "stage": "dev", "path": "/jira-webhook",
                               "resourcePath": "/{proxy+}", "requestTimeEpoch": 1_795_176_000_000}}
