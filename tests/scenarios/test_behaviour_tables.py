"""Both tables of "What happens on what", row by row: before, event, after; and the echo, which costs no further call.

Shared design: each row by every way that tells of it, and by a person whose own account jpi writes as.
"""

import pytest

from jpi.handlers import log_entries
from tests.world_actions import edit_issue, is_idle_after_polls, run_poll

LENT = {"PAGERDUTY_USER_EMAIL": "rita@example.com", "JIRA_USER_EMAIL": "jim@example.com",
        "JIRA_API_TOKEN": "jim-token-at-jira"}
BEFORE = {"incident": "triggered", "issue": "To Do", "titles": ("Down", "Down"), "priorities": ("P1", "Highest"),
          "assignees": ("Oscar Oncall", "Oscar Oncall"), "manager": ["Oscar Oncall"], "notes": [], "comments": []}
OPEN, TAKEN, OVER = (dict(zip(("incident", "issue"), ends, strict=True)) for ends in (
    ("triggered", "To Do"), ("acknowledged", "In Progress"), ("resolved", "Done")))
# Acknowledging through the API makes it ours on PagerDuty, and only there.
RITAS = {"assignees": ("Rita Responder", "Rita Responder")}


def merge(world, incident):
    other = world.pagerduty.trigger_incident(world.service, "Payments", world.rita, "P5")
    world.pagerduty.merge_incidents(incident, other, world.rita)


def delegate(world, incident):
    world.pagerduty.delegate_incident(incident, world.pagerduty.add_service("Shop", on_call=world.rita), world.rita)


def comment(world, issue):
    body = {"type": "doc", "version": 1, "content": [
        {"type": "paragraph", "content": [{"type": "text", "text": "It is back."}]}]}
    world.jim.request("POST", f"/rest/api/3/issue/{issue.key}/comment", {"body": body})


def resolve(world, incident):
    world.pagerduty.resolve_incident(incident, world.rita)


def acknowledge(world, incident):
    world.pagerduty.acknowledge_incident(incident, world.rita)


# row: (what was done before, event, what differs after, who tells of it)
ON_PAGERDUTY = {
    "acknowledged": (None, acknowledge, TAKEN, "V3 V2 poll"),
    "unacknowledged": (acknowledge, lambda world, one: world.pagerduty.unacknowledge_incident(one), OPEN, "V3 V2 poll"),
    "resolved": (None, resolve, OVER, "V3 V2 poll"),
    "merged": (None, merge, {**OVER, "comments": ["merged on PagerDuty"]}, "V3 V2 poll"),
    "reopened": (resolve, lambda world, one: world.pagerduty.reopen_incident(one, world.rita), OPEN, "V3 poll"),
    "annotated": (None, lambda world, one: world.pagerduty.add_note(one, "Rolled back.", world.rita),
                  {"notes": ["Rolled back."], "comments": ["Rolled back."]}, "V3 V2 poll"),
    "resolved with a note": (
        None, lambda world, one: world.pagerduty.resolve_incident(one, world.rita, note="Rolled back."),
        {**OVER, "notes": ["Resolution Note: Rolled back."], "comments": ["Resolution Note: Rolled back."]},
        "V3 V2 poll"),
    "retitled": (None, lambda world, one: world.pagerduty.set_title(one, "Slow"), {"titles": ("Slow", "Slow")}, "poll"),
    "priority": (None, lambda world, one: world.pagerduty.set_priority(one, "P2", world.rita),
                 {"priorities": ("P2", "High")}, "V3 poll"),
    "priority cleared": (None, lambda world, one: world.pagerduty.set_priority(one, None, world.rita),
                         {"priorities": (None, "Highest")}, "V3 poll"),
    "reassigned": (None, lambda world, one: world.pagerduty.reassign_incident(one, [world.rita], world.rita),
                   {**RITAS, "manager": ["Rita Responder"]}, "V3 V2 poll"),
    "escalated": (None, lambda world, one: world.pagerduty.escalate_incident(one, world.rita, world.rita),
                  {**RITAS, "manager": ["Rita Responder"]}, "V3 V2 poll"),
    "delegated": (None, delegate, {**RITAS, "manager": ["Rita Responder"]}, "V3 V2 poll"),
}
ON_JIRA = {
    "done": (None, lambda world, issue: world.move_issue(issue, "done"), OVER, "V3 poll"),
    "in progress": (None, lambda world, issue: world.move_issue(issue, "indeterminate"), TAKEN, "V3 poll"),
    "out of done": (resolve, lambda world, issue: world.move_issue(issue, "new"), OPEN, "V3 poll"),
    "out of done, into progress": (
        resolve,
        lambda world, issue: world.move_issue(issue, "indeterminate"),
        TAKEN,
        "V3 poll",
    ),
    "priority": (
        None,
        lambda world, issue: edit_issue(world, issue, priority={"name": "Low"}),
        {"priorities": ("P4", "Low")},
        "V3 poll",
    ),
    "summary": (
        None,
        lambda world, issue: edit_issue(world, issue, summary="Slow"),
        {"titles": ("Slow", "Slow")},
        "V3 poll",
    ),
    "assignee": (
        None,
        lambda world, issue: edit_issue(world, issue, assignee={"accountId": world.rita_id}),
        {**RITAS, "manager": ["Rita Responder"]},
        "V3 poll",
    ),
    "comment": (None, comment, {"notes": ["[Jira] Jim Jira: It is back."], "comments": ["It is back."]}, "V3 poll"),
    # The link ends at the second look, minutes later: test_deletions.py.
    "deleted": (
        None,
        lambda world, issue: world.jim.request("DELETE", f"/rest/api/3/issue/{issue.key}"),
        {"incident": "triggered", "issue": None},
        "",
    ),
}
ROWS = [*(("pagerduty", name) for name in ON_PAGERDUTY), *(("jira", name) for name in ON_JIRA)]
TOLD = [(*row, way) for row in ROWS for way in (ON_PAGERDUTY if row[0] == "pagerduty" else ON_JIRA)[row[1]][3].split()]


@pytest.fixture
def linked_before(make_world):
    """`linked_before(act, **settings)`: a P1 with its issue, after that was done to the incident, all told."""
    def make(act, **changes):
        world = make_world(**changes)
        incident = world.pagerduty.trigger_incident(world.service, "Down", world.rita, "P1")
        world.run_until_idle()
        run_poll(world)
        if act:
            act(world, incident)
            world.run_until_idle()
        for _ in range(2):
            run_poll(world)
        world.clock.advance(5)
        world.forget_calls()
        return world, incident

    return make


def row(side, name):
    return (ON_PAGERDUTY if side == "pagerduty" else ON_JIRA)[name]


def shown(world, incident):
    """What people see on both sides."""
    issue = world.find_issue(incident)
    if issue is None:
        return {"incident": incident.status, "issue": None}
    names = incident.assignees[0].name, world.jira.users[issue.assignee].name
    return {"incident": incident.status, "issue": issue.status, "titles": (incident.title, issue.summary),
            "priorities": (incident.priority and incident.priority.name, issue.priority), "assignees": names,
            "manager": world.list_linked_summaries(issue, "Incident Manager"),
            "notes": [note.content.partition("\n")[0] for note in incident.notes],
            "comments": ["merged on PagerDuty" if "merged on PagerDuty" in one.text else one.text.rpartition("\n")[2]
                         for one in issue.comments]}


def wanted(after):
    return after if after.get("issue", "") is None else {**BEFORE, **after}


def happens(world, act, one, way):
    """It happens, and what tells of it arrives: that way, and not yet what tells of our own writes."""
    if way == "V2":
        world.use_v2_webhooks()
    if way == "poll":
        with world.lose_webhooks():
            act(world, one)
        world.clock.advance(60)
        log_entries.handler({}, None)
        return
    act(world, one)
    for outbox in [one for one in (world.pagerduty.outbox, world.jira.outbox) if one.pending]:
        outbox.deliver_due()


def echoed(world):
    """The calls that are made when what we did is told of."""
    world.forget_calls()
    world.run_until_idle()
    return [str(call) for call in world.list_jpi_calls()]


@pytest.mark.parametrize(("side", "name", "way"), TOLD)
def test_a_row(linked_before, side, name, way):
    before, act, after, _ = row(side, name)
    world, incident = linked_before(before)
    happens(world, act, incident if side == "pagerduty" else world.find_issue(incident), way)
    assert shown(world, incident) == wanted(after)
    assert echoed(world) == []
    assert is_idle_after_polls(world)
    assert shown(world, incident) == wanted(after)
    issue = world.find_issue(incident)
    assert issue is None or len(world.list_linked_summaries(issue, "Timeline")) == len(incident.log)


@pytest.mark.parametrize(("side", "name"), ROWS)
def test_a_row_by_whoever_lends_jpi_their_account(linked_before, side, name):
    before, act, after, _ = row(side, name)
    world, incident = linked_before(before, **LENT)
    act(world, incident if side == "pagerduty" else world.find_issue(incident))
    world.run_until_idle()
    for _ in range(2):
        run_poll(world)
    assert shown(world, incident) == wanted(after)
    assert is_idle_after_polls(world)


def trigger(priority):
    return lambda world, _: world.pagerduty.trigger_incident(world.service, "Down", world.rita, priority)


def set_to_p1(world, incident):
    world.pagerduty.set_priority(incident, "P1", world.rita)


CREATING = {"triggered": (None, trigger("P1"), "V3 V2 poll"), "raised": (trigger("P2"), set_to_p1, "V3 poll"),
            "set from none": (trigger(None), set_to_p1, "V3 poll")}


@pytest.mark.parametrize(("name", "way"), [(name, way) for name, one in CREATING.items() for way in one[2].split()])
def test_a_row_that_makes_the_issue(linked_before, name, way):
    before, act, _ = CREATING[name]
    world, _ = linked_before(None)
    there = before(world, None) if before else None
    world.run_until_idle()
    world.forget_calls()
    happens(world, act, there, way)
    incident = [*world.pagerduty.incidents.values()][-1]
    assert shown(world, incident) == BEFORE
    assert len(world.list_linked_summaries(world.find_issue(incident), "Question")) == 3
    assert echoed(world) == []
    run_poll(world)
    assert len(world.list_linked_summaries(world.find_issue(incident), "Timeline")) == len(incident.log)
    assert is_idle_after_polls(world)


@pytest.mark.parametrize("way", ["V3", "V2", "poll"])
def test_an_incident_of_another_priority_is_remembered_and_makes_none(linked_before, way):
    world, _ = linked_before(None)
    happens(world, trigger("P2"), None, way)
    incident = [*world.pagerduty.incidents.values()][-1]
    assert world.find_issue(incident) is None
    assert world.jpi.links.get(incident.id).fields["priority"].pagerduty.value == "P2"
    assert [str(call) for call in world.list_jpi_calls() if call.method == "PUT" or call.path.endswith("/issue")] == []
