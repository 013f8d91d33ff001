"""Many at once: the same event, different events, several workers; in process and with the queue."""

import subprocess
import sys
import threading
from contextlib import suppress

import pytest

from jpi import wiring
from jpi.errors import JpiError
from jpi.handlers import events, log_entries
from sandbox.aws.event_source import LambdaContext, to_lambda_record
from sandbox.scenario import ScenarioRun, play_scenario
from tests.world_actions import QUESTIONS, count_created_parts


@pytest.fixture
def processes():
    """`processes(world, work, ...)`: runs each with a jpi of its own, all at once, as processes would."""
    mine = threading.local()

    def run(world, *works):
        barrier = threading.Barrier(len(works))

        def start(work):
            mine.jpi = world.start_jpi()
            barrier.wait()
            with suppress(JpiError):
                work(mine.jpi)

        workers = [threading.Thread(target=start, args=(work,)) for work in works]
        wiring.use_app(lambda: getattr(mine, "jpi", world.jpi))
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()

    return run


def receive_batch(world):
    """Return the queue's messages as one batch; SQS would deliver a message twice only after its visibility."""
    return {"Records": [to_lambda_record(message) for message in world.event_source.receive_batch()]}


def assert_complete_in_the_end(world, title="Down"):
    """Check, after everybody has retried: one issue, three questions, every entry of the timeline."""
    run = ScenarioRun(world)
    run.run_until_idle()
    run.run_poll()
    run.run_poll()
    [incident] = [incident for incident in world.pagerduty.incidents.values() if incident.title == title]
    assert count_created_parts(world) == [QUESTIONS, 2, 1]
    assert len(world.list_issues("QUESTION")) == QUESTIONS
    assert (len(world.list_linked_summaries(world.list_issues()[0],
                                            "Timeline")) == len(world.list_issues("TIMELINE")) == len(incident.log))


def trigger_without_webhook(world, priority="P1"):
    with world.lose_webhooks():
        return world.pagerduty.trigger_incident(world.service, "Down", world.rita, priority)


@pytest.mark.parametrize("attempt", range(3))
def test_the_same_event_five_times_at_once_in_process(arena_of, processes, attempt):
    world = arena_of()
    world.pagerduty.trigger_incident(world.service, "Down", world.rita, "P1")
    [delivery] = world.pagerduty.outbox.pending
    run = ScenarioRun(world)
    processes(world, *[lambda jpi: run.post_delivery(delivery)] * 5)
    assert len(world.list_issues()) == 1
    assert_complete_in_the_end(world)


@pytest.mark.parametrize("attempt", range(3))
def test_the_same_message_brought_to_five_workers_at_once(arena_of, processes, attempt):
    world = arena_of(queued=True)
    world.pagerduty.trigger_incident(world.service, "Down", world.rita, "P1")
    world.pagerduty.outbox.deliver_due()
    batch = receive_batch(world)
    processes(world, *[lambda jpi: events.handler(batch, LambdaContext(world.clock))] * 5)
    assert len(world.list_issues()) == 1
    assert_complete_in_the_end(world)


@pytest.mark.parametrize("queued", [True, False], ids=["queue", "in process"])
@pytest.mark.parametrize("attempt", range(3))
def test_a_trigger_a_priority_change_and_a_poll_at_once(arena_of, processes, queued, attempt):
    world = arena_of(queued=queued)
    incident = world.pagerduty.trigger_incident(world.service, "Down", world.rita, "P2")
    world.pagerduty.set_priority(incident, "P1", world.rita)
    first, second = world.pagerduty.outbox.pending
    world.pagerduty.outbox.pending.clear()
    run = ScenarioRun(world)
    works = [lambda jpi: run.post_delivery(first), lambda jpi: run.post_delivery(second),
             lambda jpi: log_entries.handler({}, None)]
    if queued:
        # Two workers, neither of whom waits for the other's messages of the same incident.
        works += [lambda jpi: world.event_source.process_batch()] * 2
    processes(world, *works)
    world.pagerduty.outbox.pending += [first, second]
    assert_complete_in_the_end(world)


def test_a_redriven_message_beside_a_live_one(arena_of, processes):
    world = arena_of(queued=True)
    incident = world.pagerduty.trigger_incident(world.service, "Down", world.rita, "P1")
    world.pagerduty.acknowledge_incident(incident, world.rita)
    world.pagerduty.outbox.deliver_due()
    batch = receive_batch(world)
    old, new = ({"Records": [one]} for one in batch["Records"])
    processes(world, lambda jpi: events.handler(new, LambdaContext(world.clock)),
              lambda jpi: events.handler(old, LambdaContext(world.clock)))
    assert_complete_in_the_end(world)
    assert world.read_statuses() == {"Down": ("acknowledged", "indeterminate")}


WORKER_CODE = """
import sys
from jpi.handlers.log_entries import handler
handler({}, None)
"""


def test_two_processes_that_poll_at_once(loopback_arena_of):
    world = loopback_arena_of()
    trigger_without_webhook(world)
    started = [subprocess.Popen([sys.executable, "-c", WORKER_CODE], env=world.environ, stdout=subprocess.DEVNULL,
                                stderr=subprocess.DEVNULL) for _ in range(2)]
    for process in started:
        process.wait()
    assert len(world.list_issues()) == 1
    world.clock.advance(200)
    assert_complete_in_the_end(world)


@pytest.mark.parametrize("queued", [True, False], ids=["queue", "in process"])
def test_the_scenario_with_two_workers_at_every_turn(arena_of, processes, monkeypatch, queued):
    """Check that two workers may do each delivery, each batch and each poll at once."""
    world = arena_of(queued=queued)
    run = ScenarioRun(world)
    once, poll = run.post_delivery, log_entries.handler
    for outbox in (world.pagerduty.outbox, world.jira.outbox):
        def post_twice(delivery, timeout):
            answers = []
            processes(world, *[lambda jpi: answers.append(once(delivery, timeout))] * 2)
            return max(answers)

        outbox.post = post_twice
    if queued:
        def handle_twice(batch, context):
            answers = []
            processes(world, *[lambda jpi: answers.append(events.handler(batch, context))] * 2)
            return answers[0]

        world.event_source._handler = handle_twice
    monkeypatch.setattr("jpi.handlers.log_entries.handler", lambda event, context: processes(
        world, *[lambda jpi: poll(event, context)] * 2))
    expected = play_scenario(run)
    monkeypatch.undo()
    assert expected["created"]["INCIDENT"] == 2
    assert expected["created"]["QUESTION"] == 6
    assert expected["created"]["TIMELINE"] == sum(len(incident.log) for incident in run.incidents)
