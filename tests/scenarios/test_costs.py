"""What an event may cost in API calls; `make bench` reports the seconds."""

import pytest

from sandbox.bench import __main__ as bench
from sandbox.bench import change_costs as bench_changes
from sandbox.bench.measurement import record_aws_requests

# (scene, process) -> most calls.
LIMITS = {
    ("P1 (3 questions, 2 stakeholders, 1 manager)", "fresh"): 6,
    ("P1 (3 questions, 2 stakeholders, 1 manager)", "warm"): 4,
    ("done on Jira", "fresh"): 2,
    ("done on Jira", "warm"): 1,
    ("resolved on PagerDuty", "fresh"): 3,
    ("resolved on PagerDuty", "warm"): 2,
    ("poll of 14 entries, one raises an incident", "fresh"): 9,
    ("poll of 14 entries, one raises an incident", "warm"): 9,
}


# change -> most (reads, writes) in a warm process: one write each, and a read where the webhook does not say enough.
CHANGES = {
    **dict.fromkeys(bench_changes.CHANGES, (1, 1)),
    # The person's issue, the links there are; the assignee, the new link, the old one away.
    "PagerDuty: assignee, and the manager's link": (2, 3),
    # The same, and the incident's assignees, all but one of whom stay.
    "Jira: assignee, and the manager's link": (3, 3),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_costs_one_write_and_a_read_at_most(world, change):
    reads, writes = bench_changes.measure_change(world, change)
    assert reads <= CHANGES[change][0]
    assert 1 <= writes <= CHANGES[change][1]


def test_a_poll_over_200_open_incidents_costs_six_calls_and_no_write(make_world):
    # How many issues hang on theirs makes no difference to a poll, only to this test.
    world = make_world(queued=True, QUESTION_PROJECT_KEY="", TIMELINE_PROJECT_KEY="", PERSON_PROJECT_KEY="")
    reads, writes = bench_changes.measure_poll(world, 200)
    assert (reads <= 6, writes) == (True, 0)
    assert len(world.list_issues()) == 200


@pytest.mark.parametrize(("scene", "process"), LIMITS)
def test_calls_stay_within_their_limit(world, scene, process):
    cost = bench.measure_scene(world, scene, warm=process == "warm")
    assert 0 < cost.calls <= LIMITS[scene, process]
    assert {name for name, _ in LIMITS} == set(bench.SCENES)


def test_a_poll_costs_a_call_a_page_and_one_bulk_create_per_50_entries(world):
    incidents = [world.pagerduty.trigger_incident(world.service, f"Outage {number}", world.rita, "P1")
                 for number in range(2)]
    world.run_until_idle()
    for number in range(120):
        world.pagerduty.add_note(incidents[number % 2], f"Note {number}", world.rita)
    world.run_until_idle()
    world.jpi.poller.run()
    entries = sum(len(one.log) for one in incidents)
    calls = [f"{call.method} {call.path}" for call in world.list_jpi_calls()]
    assert calls.count("GET /log_entries") == -(-entries // 100)
    bulk = [call for call in world.jira_server.calls
            if call.path.endswith("/issue/bulk") and "Timeline" in str(call.body)]
    assert [len(call.body["issueUpdates"]) for call in bulk] == [50, 14, 50, 14]


def test_an_issue_that_is_nobodys_costs_no_call(world):
    key = world.make_person_issue("Somebody Else")
    world.forget_calls()
    world.move_issue(world.jira.issues[key], "done")
    world.run_until_idle()
    assert world.list_jpi_calls() == []


def test_finding_the_incident_of_an_issue_is_a_key_query(make_loopback_world):
    world = make_loopback_world()
    world.pagerduty.trigger_incident(world.service, "Down", world.rita, "P1")
    world.run_until_idle()
    with record_aws_requests() as requests:
        assert world.jpi.links.find_incident_id("INCIDENT-1")
    assert requests.operations == ["Query"]
