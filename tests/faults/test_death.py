"""Kill a real worker process in the middle of a call, before or after its effect; the next one completes the work."""

import json
import os
import signal
import subprocess
import sys

import pytest

from sandbox.aws.event_source import to_lambda_record
from sandbox.scenario import ScenarioRun
from sandbox.simulated_service import HttpFault
from tests.world_actions import QUESTIONS, count_created_parts

APPLY_CODE = "import json, sys; from jpi.handlers import events; events.handler(json.load(sys.stdin), None)"
POLL_CODE = "from jpi.handlers import log_entries; log_entries.handler({}, None)"
# A fresh process's calls for a P1: 0 and 1 read the site's schema, 4 creates the issue, 5 its questions.
CALLS = range(6)
SAMPLE = [(4, False), (4, True), (5, True)]


def kill_worker_at(world, number, after):
    """Kill the worker, state["worker"], at the call of this number; return the state."""
    state = {"calls": 0, "killed": False}

    def kill_worker(call):
        if call.token not in (world.environ["JIRA_API_TOKEN"], world.environ["PAGERDUTY_API_TOKEN"]):
            return None
        state["calls"] += 1
        if state["calls"] <= number or state["killed"]:
            return None
        os.kill(state["worker"].pid, signal.SIGKILL)
        state["killed"] = True
        return HttpFault(0, is_after_effect=after)

    world.jira_server.choose_fault = world.pagerduty_server.choose_fault = kill_worker
    return state


def run_worker(world, state, code, given=None):
    """Run code in a process of its own until it ends or is killed."""
    state["worker"] = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL, env={**os.environ, **world.environ})
    with state["worker"] as process:
        process.stdin.write(json.dumps(given).encode())
        process.stdin.close()
    return process.returncode


def choose_cases(exhaustive):
    return [(number, after) for number in CALLS for after in (False, True)] if exhaustive else SAMPLE


def test_a_worker_killed_over_a_p1(loopback_arena_of, exhaustive, survived):
    failures = {}
    for number, after in choose_cases(exhaustive):
        world = loopback_arena_of(queued=True)
        incident = world.pagerduty.trigger_incident(world.service, "Down", world.rita, "P1")
        world.pagerduty.outbox.deliver_due()
        state = kill_worker_at(world, number, after)
        code = run_worker(
            world,
            state,
            APPLY_CODE,
            {"Records": [to_lambda_record(message) for message in world.event_source.receive_batch()]},
        )
        run = ScenarioRun(world)
        run.run_until_idle()
        run.run_poll()
        run.run_poll()
        timeline = len(world.list_issues("TIMELINE")) == len(incident.log)
        if (code, count_created_parts(world), len(world.list_issues("QUESTION")), timeline) != (
                -signal.SIGKILL, [QUESTIONS, 2, 1], QUESTIONS, True):
            failures[number, after] = (code, world.make_summary_rows(), timeline)
    survived(len(choose_cases(exhaustive)), failures)


@pytest.mark.parametrize("queued", [True, False], ids=["queue", "in process"])
def test_a_poll_killed_in_the_midst(loopback_arena_of, queued):
    world = loopback_arena_of(queued=queued)
    run = ScenarioRun(world)
    with world.lose_webhooks():
        incidents = [run.trigger_incident(f"Outage {number}", "P1") for number in range(2)]
    state = kill_worker_at(world, 1 if queued else 5, after=True)
    assert run_worker(world, state, POLL_CODE) == -signal.SIGKILL
    for _ in range(3):
        run.run_poll()
    assert len(world.list_issues("QUESTION")) == 2 * QUESTIONS
    assert sorted(issue.summary for issue in world.list_issues()) == ["Outage 0", "Outage 1"]
    assert len(world.list_issues("TIMELINE")) == sum(len(incident.log) for incident in incidents)
