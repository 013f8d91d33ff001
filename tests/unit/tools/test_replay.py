"""The tool for dead letters: it lists, replays and reconciles, or says what it would do."""

import pytest

from jpi.errors import AwsOutage
from jpi.tools import replay
from sandbox.aws import events_queue
from sandbox.simulated_service import HttpFault
from tests.world_actions import QUESTIONS, count_created_parts


@pytest.fixture
def parked(make_world, monkeypatch, capsys):
    """Give a world with two incidents' events in the dead-letter queue, the incidents, and a function: run the tool."""
    monkeypatch.setattr(events_queue, "RECEIVES", 3)
    queued = make_world(queued=True)
    incidents = [queued.pagerduty.trigger_incident(queued.service, title, queued.rita, "P1")
                 for title in ("Down", "Slow")]
    queued.pagerduty.acknowledge_incident(incidents[0], queued.rita)
    queued.jira_server.choose_fault = lambda call: HttpFault(503)
    queued.run_until_idle()
    while queued.event_source.count_waiting():
        queued.clock.advance(1000)
        queued.run_until_idle()
    queued.jira_server.choose_fault = lambda call: None
    queued.forget_calls()

    def run_tool(*arguments, code=0):
        capsys.readouterr()
        assert replay.main(arguments) == code
        return capsys.readouterr()

    return queued, incidents, run_tool


def drain_queue(world):
    for _ in range(4):
        world.run_until_idle()
        world.clock.advance(60)
    return world.read_statuses()


def test_the_list_says_what_is_parked_since_when_and_why(parked):
    world, (down, slow), tool = parked
    for _ in range(2):
        lines = tool().out.splitlines()
        assert lines[-1] == "3 events are parked."
        assert [line.split()[0] for line in lines] == ["incident", down.id, slow.id, down.id, "3"]
        assert "IncidentTriggered" in lines[1]
        assert "failed with 503" in lines[1]
    assert world.list_jpi_calls() == []


def test_everything_is_replayed_in_its_order(parked):
    world, _, tool = parked
    assert tool("--all").out.splitlines()[-1] == "3 replayed."
    assert drain_queue(world) == {"Down": ("acknowledged", "indeterminate"), "Slow": ("triggered", "new")}
    assert tool().out == "0 events are parked.\n"
    assert tool("--all").out == "0 replayed.\n"


def test_one_incident_is_replayed_and_the_rest_stays(parked):
    world, (_, slow), tool = parked
    assert tool("--of", slow.id).out.splitlines()[-1] == "1 replayed."
    assert drain_queue(world) == {"Down": ("acknowledged", None), "Slow": ("triggered", "new")}
    assert tool().out.splitlines()[-1] == "2 events are parked."


def test_one_event_is_replayed(parked):
    world, (down, _), tool = parked
    event = next(line.split()[1] for line in tool().out.splitlines() if "IncidentAcknowledged" in line)
    assert tool("--event", event).out.splitlines() == [f"{down.id}  {event}  back in the queue", "1 replayed."]
    assert drain_queue(world) == {"Down": ("acknowledged", "indeterminate"), "Slow": ("triggered", None)}


@pytest.mark.parametrize("arguments", [("--event", "nonsense"), ("--of", "Q404")])
def test_what_is_not_parked_cannot_be_replayed(parked, arguments):
    _, _, tool = parked
    assert tool(*arguments, code=1).out == "0 replayed.\n"
    assert tool().out.splitlines()[-1] == "3 events are parked."


def test_a_dry_run_says_what_would_happen_and_does_nothing(parked):
    world, (down, _), tool = parked
    lines = tool("--all", "--dry-run").out.splitlines()
    plans = [line.split("  ")[-1] for line in lines[:-1]]
    assert [plan.partition(",")[0] for plan in plans] == [
        f"create an issue in INCIDENT: Incident '{title}'" for title in ("Down", "Slow", "Down")]
    assert plans[2].endswith("; move the issue to a status of the category 'indeterminate'")
    assert lines[-1] == "3 would be replayed."
    steps = tool("--incident", down.id, "--dry-run").out.split("; ")
    assert steps[0].startswith("PagerDuty's state: would do: create an issue in INCIDENT: Incident 'Down', priority")
    assert steps[-1] == f"add to the timeline the missing ones of {len(down.log)} log entries\n"
    assert world.list_issues() == []
    assert world.event_source.count_waiting() == 0
    assert tool().out.splitlines()[-1] == "3 events are parked."


def test_more_than_sqs_shows_of_an_incident_at_a_time_is_replayed(queued, capsys):
    with queued.lose_webhooks():
        incident = queued.pagerduty.trigger_incident(queued.service, "Down", queued.rita, "P4")
    for number in range(23):
        queued.event_source._sqs.send_message(QueueUrl=queued.dead_letter_url, MessageBody="unreadable",
                                              MessageGroupId=incident.id, MessageDeduplicationId=str(number))
    assert replay.main([]) == 0
    assert "10 events are parked" in capsys.readouterr().out
    assert replay.main(["--all"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "23 replayed."
    assert queued.event_source.count_waiting() == 23


@pytest.mark.parametrize("queued_", [True, False])
def test_one_incident_is_synchronised_from_both_sides(make_world, capsys, queued_):
    world = make_world(queued=queued_)
    with world.lose_webhooks():
        incident = world.pagerduty.trigger_incident(world.service, "Down", world.rita, "P1")
    assert replay.main(["--incident", incident.id]) == 0
    assert count_created_parts(world) == [QUESTIONS, 2, 1]
    assert len(world.list_linked_summaries(world.list_issues()[0], "Timeline")) == len(incident.log)
    with world.lose_webhooks():
        world.move_issue(world.list_issues()[0], "done")
    assert replay.main(["--incident", incident.id]) == 0
    assert world.read_statuses() == {"Down": ("resolved", "done")}
    assert capsys.readouterr().out.splitlines()[-1] == "Jira's state: SetIncidentStatus"


def test_an_incident_that_is_nobodys_is_said(world, capsys):
    assert replay.main(["--incident", "Q404"]) == 1
    assert "404" in capsys.readouterr().err


def test_without_a_queue_there_is_nothing_to_replay(world, capsys):
    assert replay.main([]) == 1
    assert capsys.readouterr().err.startswith("EVENTS_QUEUE is not set")


def test_a_queue_without_a_dead_letter_queue_is_said(queued, capsys):
    queued.event_source._sqs.set_queue_attributes(QueueUrl=queued.event_source.url, Attributes={"RedrivePolicy": ""})
    assert replay.main([]) == 1
    assert "has no dead-letter queue" in capsys.readouterr().err


def test_when_the_queue_is_away_that_is_said(queued, capsys, monkeypatch):
    def raise_outage(self):
        raise AwsOutage("SQS is away")

    monkeypatch.setattr("jpi.queue.EventQueue.receive_dead_letters", raise_outage)
    assert replay.main([]) == 1
    assert capsys.readouterr().err == "SQS is away\n"


@pytest.mark.parametrize(("seconds", "age"), [(-1, "0 s"), (59, "59 s"), (61, "1 min"), (7300, "2 h"), (1e6, "11 d")])
def test_ages_are_told_in_the_largest_unit(seconds, age):
    assert replay.format_age(seconds) == age


def test_help_shows_examples(capsys):
    assert replay.main(["--help"]) == 0
    assert "--of Q1R2DLCB21K7NP" in capsys.readouterr().out
