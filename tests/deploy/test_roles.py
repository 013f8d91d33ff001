"""Each function's role allows what that function is seen to do, table by table: moto itself asks for no rights."""

import json
import re

import pytest
from botocore.client import BaseClient

from jpi.app import app
from jpi.handlers import log_entries
from jpi.jira.adf import to_adf_document
from tests.world_actions import edit_issue

# IAM's names where they are not the operation's own: AWS, "Actions, resources, and condition keys for Amazon SQS".
ACTIONS = {"SendMessageBatch": "SendMessage", "ChangeMessageVisibilityBatch": "ChangeMessageVisibility",
           "DeleteMessageBatch": "DeleteMessage"}
TABLES = {"incidents": "IncidentsTable", "log-entries": "LogEntriesTable", "config": "ConfigTable"}
PASSWORD = "seen by the team"
INDEXED = re.compile(r"/index/(.+)")


@pytest.fixture(scope="module")
def allowed(checkout):
    """What each role allows, as {(action, logical name of the table or queue, index)}."""
    made = json.loads(checkout.sls("print", "--format", "json"))["resources"]["Resources"]
    return {name: set(pairs(made[f"{name}Role"])) for name in ("App", "LogEntries", "Events")}


def pairs(role):
    [policy] = role["Properties"]["Policies"]
    for statement in policy["PolicyDocument"]["Statement"]:
        for resource in statement["Resource"]:
            index = INDEXED.search(resource.get("Fn::Sub", ""))
            where = ("IncidentsTable", index[1]) if index else (resource.get("Fn::GetAtt", [""])[0], "")
            yield from ((action, *where) for action in statement["Action"])


@pytest.fixture
def seen(monkeypatch):
    """What was asked of AWS since it was last emptied, in the same form."""
    found, call = set(), BaseClient._make_api_call

    def noting(self, operation, arguments):
        service = self.meta.service_model.service_name
        action = f"{service}:{ACTIONS.get(operation, operation)}"
        if service == "sqs":
            name = str(arguments.get("QueueUrl", arguments.get("QueueName")))
            found.add((action, "DeadLetterQueue" if "-dead" in name else "EventsQueue", ""))
        for table in [arguments["TableName"]] if "TableName" in arguments else arguments.get("RequestItems", ()):
            found.add((action, TABLES[table.rpartition("-")[0]], arguments.get("IndexName", "")))
        return call(self, operation, arguments)

    monkeypatch.setattr(BaseClient, "_make_api_call", noting)
    return found


def look_at(incident_id):
    """Somebody signs in to the status page, looks an incident up, and has it made equal."""
    client = app.test_client()
    assert client.post("/status/sign-in", data={"password": PASSWORD}).status_code == 303
    page = client.get(f"/status?text={incident_id}").text
    token = re.search(r'name="token" value="([^"]+)"', page)[1]
    client.get("/status?text=of+no+incident")
    pressed = client.post(f"/status/incidents/{incident_id}/again", data={"token": token}, follow_redirects=True)
    assert "is in the queue" in pressed.text


def test_each_role_allows_what_its_function_does(make_loopback_world, seen, allowed):
    world = make_loopback_world(queued=True, STATUS_PASSWORD=PASSWORD)
    done = {"App": set(), "LogEntries": set(), "Events": set()}

    def during(name, act):
        seen.clear()
        act()
        done[name] |= seen

    def told():
        during("App", lambda: (world.pagerduty.outbox.deliver_due(), world.jira.outbox.deliver_due()))
        while world.event_source.count_visible():
            during("Events", world.apply_batch)

    incident = world.pagerduty.trigger_incident(world.service, "Down", world.rita, "P1")
    told()
    world.clock.advance(60)
    during("LogEntries", lambda: log_entries.handler({}, None))
    told()
    during("App", lambda: look_at(incident.id))
    told()
    issue = world.find_issue(incident)
    edit_issue(world, issue, summary="Down for good")
    world.pagerduty.add_note(incident, "Rolled back.", world.rita)
    world.jim.request("POST", f"/rest/api/3/issue/{issue.key}/comment", {"body": to_adf_document("Traffic is back.")})
    world.pagerduty.webhooks.send_ping(next(iter(world.pagerduty.webhooks.subscriptions.values())), world.clock.now())
    world.jira.pending_conflicts = 9
    world.pagerduty.resolve_incident(incident, world.rita)
    told()
    world.jira.pending_conflicts = 0
    world.clock.advance(60)
    told()
    during("LogEntries", lambda: log_entries.handler({}, None))
    assert issue.status == "Done"
    assert {name: sorted(asked - allowed[name]) for name, asked in done.items()} == {
        "App": [], "LogEntries": [], "Events": []}
    assert ("sqs:SendMessage", "EventsQueue", "") in done["App"]
    assert ("sqs:ChangeMessageVisibility", "EventsQueue", "") in done["Events"]
    assert ("dynamodb:PutItem", "ConfigTable", "") in done["App"], "PagerDuty's test is noted"
    assert ("dynamodb:Query", "IncidentsTable", "open-index") in done["LogEntries"]
    assert ("sqs:GetQueueAttributes", "DeadLetterQueue", "") in done["App"], "the status page tells of dead letters"
