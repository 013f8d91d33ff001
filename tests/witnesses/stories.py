"""Stories in which jpi makes every kind of call that it can make."""

import json
import textwrap
from typing import Any

from jpi import wiring
from jpi.handlers import log_entries
from jpi.jira.adf import to_adf_document
from jpi.jira.admin import JiraAdmin
from jpi.tools import check_sync, doctor, jira_configuration, webhook_configuration
from sandbox.clock import Clock
from sandbox.jira.custom_fields import add_request_types
from sandbox.jira.model import Transition, Workflow
from sandbox.jira.server import JiraServer
from sandbox.jira.state import JiraState
from sandbox.wsgi_transport import WsgiAdapter
from tests.world_actions import edit_issue, run_poll

ADMIN = ("admin@example.com", "token-of-the-administrator")
SYNC_FILE = """
    [status.fields]
    resolution = "Done"
    [[open]]
    when = {projects = "INCIDENT", priorities = "High"}
    service = "Checkout"
    urgency = "high"
    [[rules]]
    create = {request_type = "Report a system problem"}
"""


def write_comment(world: Any, issue: Any, text: str) -> str:
    """Comment as Jim; return the comment's path."""
    path = f"/rest/api/3/issue/{issue.key}/comment"
    return f"{path}/{world.jim.request('POST', path, {'body': to_adf_document(text)})['id']}"


def play_main_job(world: Any) -> None:
    """Create issues with questions and timelines, merge, resolve; the second time on poorer create screens."""
    merged = world.pagerduty.trigger_incident(world.service, "Payments are slow", world.rita, "P1")
    world.run_until_idle()
    last = world.pagerduty.trigger_incident(world.service, "Checkout is down", world.rita, "P1", "Nobody can pay.")
    world.run_until_idle()
    log_entries.handler({}, None)
    world.move_issue(world.find_issue(last), "indeterminate")
    world.run_until_idle()
    world.pagerduty.merge_incidents(merged, last, world.rita)
    world.run_until_idle()
    world.jira.off_screen |= {("INCIDENT", "issuelinks"), ("QUESTION", "issuelinks"), ("INCIDENT", "labels")}
    world.jpi = world.start_jpi()
    world.pagerduty.trigger_incident(world.service, "Search is slow", world.rita, "P1", {"host": "db1"})
    world.run_until_idle()
    run_poll(world)


def play_two_sides(world: Any, incident: Any, issue: Any) -> None:
    """Change everything on both sides, with lost webhooks, edits and deletions."""
    comment = write_comment(world, issue, "Traffic is back.")
    note = world.pagerduty.add_note(incident, "Rolled back.", world.rita)
    world.run_until_idle()
    world.clock.advance(5)
    world.jim.request("PUT", comment, {"body": to_adf_document("Traffic is gone.")})
    note.content = "Rolled forward."
    gone = world.pagerduty.add_note(incident, "Hm.", world.rita)
    world.run_until_idle()
    incident.notes.remove(gone)
    with world.lose_webhooks():
        world.pagerduty.add_note(incident, "Done.", world.rita)
        for number in range(3):
            write_comment(world, issue, f"Step {number}.")
    run_poll(world)
    world.jim.request("DELETE", comment)
    edit_issue(world, issue, summary="Slow", priority={"name": "High"}, assignee={"accountId": world.rita_id})
    world.run_until_idle()
    world.pagerduty.reassign_incident(incident, [world.jim_on_pagerduty], world.rita)
    world.pagerduty.resolve_incident(incident, world.rita)
    world.run_until_idle()
    world.clock.advance(5)
    world.move_issue(issue, "indeterminate")
    world.jim.request("POST", "/rest/api/3/issue", {"fields": {
        "project": {"key": "INCIDENT"}, "issuetype": {"name": "Incident"}, "summary": "Customers call",
        "priority": {"name": "High"}}})
    world.run_until_idle()
    run_poll(world)


def play_unlinked_change(world: Any, incident: Any, issue: Any) -> None:
    """Let jpi look for an issue and an incident that are hidden, until the link ends."""
    world.jira.hidden_keys.add(issue.key)
    for _ in range(4):
        run_poll(world)
    world.jira.hidden_keys.clear()


def play_rare_calls(world: Any, incident: Any, issue: Any) -> None:
    """Make the calls that take a rare state of a site: a workflow's screen, many comments, a scheme of one's own."""
    jira, pagerduty = world.jpi.jira, world.jpi.pagerduty
    world.jpi.budget.start(25.0)
    jira.has_changed_status(issue.key)
    jira.comments.find_by_text(issue.key, "Rolled back.")
    pagerduty.list_incident_log_entries(incident.id)
    pagerduty.new_incidents.has_service(world.service.id)
    ways = [Transition(str(number), name, name, optional=("resolution",))
            for number, name in enumerate(("To Do", "In Progress", "Done"), 1)]
    world.jira.workflows["INCIDENT"] = Workflow("To Do", tuple(ways))
    world.move_issue(issue, "indeterminate")
    world.run_until_idle()
    world.pagerduty.resolve_incident(incident, world.rita)
    world.run_until_idle()
    admin = JiraAdmin(jira.api)
    admin.get_scheme_of_project(admin.find_project("INCIDENT").id)
    types = admin.get_issue_types()
    admin.add_type_to_scheme(admin.find_or_add_scheme("Ours", types["Incident"]), types["Question"])


def run_tools(world: Any, monkeypatch: Any, tmp_path: Any) -> None:
    """Run the doctor, and make, mend, test and remove the webhooks."""
    for name, value in world.environ.items():
        monkeypatch.setenv(name, value)
    doctor.main(["--json"])
    check_sync.main(["--live"])
    world.jira.webhooks.clear()
    world.pagerduty.webhooks.subscriptions.clear()
    hooks = ["--url", world.app_url]
    webhook_configuration.main([*hooks, "--write-env", str(tmp_path / ".env")])
    [subscription], [jira_hook] = world.pagerduty.webhooks.subscriptions.values(), world.jira.webhooks.values()
    subscription.events.pop()
    jira_hook.events.pop()
    world.pagerduty.outbox.disabled_until[subscription.id] = world.clock() + 3600
    for arguments in ((), ("--ping",), ("--delete",)):
        webhook_configuration.main([*hooks, *arguments])


def set_up_bare_site(monkeypatch: Any, tmp_path: Any) -> None:
    """Set an empty site up, as `jira_configuration` does."""
    clock, url = Clock(), "http://jira.localhost"
    site = JiraState(clock)
    site.add_user(*ADMIN, "Ada Admin")
    adapter = WsgiAdapter({url: JiraServer(site)}, clock)
    values = {"JIRA_SERVER_URL": url, "JIRA_USER_EMAIL": ADMIN[0], "JIRA_API_TOKEN": ADMIN[1],
              "PAGERDUTY_API_TOKEN": "key-of-nobody-at-all", "PAGERDUTY_USER_EMAIL": "x@example.com",
              "PAGERDUTY_USER_NAME": "Rita Responder", "QUESTION_PROJECT_KEY": "QUESTION"}
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "questions.json").write_text(json.dumps([]))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(wiring, "make_infrastructure", lambda: wiring.Infrastructure(clock, clock.advance, adapter))
    assert [jira_configuration.main(["--step", step]) for step in ("1", "2", "1")] == [0, 0, 0]


def play_all(make_world: Any, monkeypatch: Any, tmp_path: Any) -> None:
    """Play all stories."""
    play_main_job(make_world())
    file = tmp_path / "sync.toml"
    file.write_text(textwrap.dedent(SYNC_FILE))
    world = make_world(SYNC_FILE=str(file))
    add_request_types(world.jira, "INCIDENT", "Report a system problem")
    world.jpi = world.start_jpi()
    incident = world.pagerduty.trigger_incident(world.service, "Checkout is down", world.rita, "P1")
    world.run_until_idle()
    run_poll(world)
    issue = world.find_issue(incident)
    play_two_sides(world, incident, issue)
    play_rare_calls(world, incident, issue)
    play_unlinked_change(world, incident, issue)
    run_tools(world, monkeypatch, tmp_path)
    world.jira.users[world.bot_id].token = "renewed"
    doctor.main([])
    set_up_bare_site(monkeypatch, tmp_path)
