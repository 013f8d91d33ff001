"""AWS's own runtime client runs the handlers, as Lambda does, against services on loopback."""

import json
import os
import queue
import subprocess
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from jpi.aws import get_region
from jpi.event_codec import encode_in_parts
from jpi.pagerduty.webhooks import parse_delivery
from sandbox.simulated_service import HttpFault
from tests.world_actions import count_created_parts

RUNTIME_CLIENT = Path(".venv-runtime-client").absolute()
pytestmark = [pytest.mark.xdist_group("witnesses"), pytest.mark.skipif(
    not RUNTIME_CLIENT.is_dir(), reason="awslambdaric is not installed here (make witnesses)")]
INVOCATION_SECONDS = 60


class RuntimeApi(BaseHTTPRequestHandler):
    """Lambda's runtime API (docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html) for one invocation."""

    def do_GET(self):
        """Give the next event; after it, wait until the client is stopped."""
        event = self.server.events.get()
        raw = json.dumps(event).encode()
        deadline = round((self.server.clock() + INVOCATION_SECONDS) * 1000)
        self.send_response(200)
        for name, value in {"Lambda-Runtime-Aws-Request-Id": "5f3e6b1c", "Lambda-Runtime-Deadline-Ms": deadline,
                            "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:eu-west-1:1:function:jpi",
                            "Content-Type": "application/json", "Content-Length": len(raw)}.items():
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(raw)

    def do_POST(self):
        """Take an answer or an error."""
        raw = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(202)
        self.send_header("Content-Length", "0")
        self.end_headers()
        self.server.answers.put((self.path.rpartition("/")[2], json.loads(raw)))

    def log_message(self, *arguments):
        """Be silent."""


@contextmanager
def run_function(world, handler):
    """Run a handler's function; yield a function that invokes it: (`response` or `error`, what it said)."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), RuntimeApi)
    server.daemon_threads, server.clock = True, world.clock
    server.events, server.answers = queue.Queue(), queue.Queue()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    environ = {**os.environ, **world.environ, "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{server.server_port}",
               "AWS_LAMBDA_FUNCTION_NAME": "jpi", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
               "AWS_LAMBDA_FUNCTION_VERSION": "1", "AWS_REGION": get_region(), "_HANDLER": handler,
               "LAMBDA_TASK_ROOT": os.getcwd(), "PYTHONPATH": f"{os.getcwd()}{os.pathsep}{RUNTIME_CLIENT}"}
    process = subprocess.Popen([sys.executable, "-m", "awslambdaric", handler], env=environ,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def invoke(event):
        server.events.put(event)
        return server.answers.get(timeout=INVOCATION_SECONDS)

    try:
        yield invoke
    finally:
        process.kill()
        process.wait()
        server.shutdown()
        server.server_close()


def make_record(message_id, body):
    return {"messageId": message_id, "receiptHandle": message_id, "body": body, "messageAttributes": {},
            "attributes": {"ApproximateReceiveCount": "1", "SentTimestamp": "0", "MessageGroupId": "Q1"},
            "eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:eu-west-1:1:events.fifo", "awsRegion": "eu-west-1"}


def test_the_poll_makes_an_incidents_issue(make_loopback_world):
    world = make_loopback_world()
    with world.lose_webhooks():
        world.pagerduty.trigger_incident(world.service, "Down", world.rita, "P1")
    with run_function(world, "jpi.handlers.log_entries.handler") as invoke:
        answers = [invoke({}) for _ in range(2)]
    assert [kind for kind, _ in answers] == ["response"] * 2, answers
    assert count_created_parts(world) == [3, 2, 1]


def test_the_queues_function_names_what_failed(make_loopback_world):
    world = make_loopback_world()
    world.pagerduty.trigger_incident(world.service, "Down", world.rita, "P1")
    [event] = parse_delivery(world.pagerduty.outbox.pending.pop().body)
    [(_, message)] = encode_in_parts(event)
    records = [make_record("1", message), make_record("2", "no event")]
    world.jira_server.choose_fault = lambda call: HttpFault(429, headers={"Retry-After": "600"})
    with run_function(world, "jpi.handlers.events.handler") as invoke:
        failures = [{"itemIdentifier": record["messageId"]} for record in records]
        assert invoke({"Records": records}) == ("response", {"batchItemFailures": failures}), "2 waits for 1"
        world.jira_server.choose_fault = lambda call: None
        assert invoke({"Records": records}) == ("response", {"batchItemFailures": []})
    assert len(world.list_issues()) == 1
