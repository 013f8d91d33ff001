"""The sandbox's page without a browser: routes, refusals, what it shows, what the switches do."""

import re

import pytest

from jpi.jira.adf import to_adf_document
from sandbox.live_sandbox import LiveSandbox
from sandbox.page.actions import ACTIONS, read_error_messages
from sandbox.page.page_state import read_page_state
from sandbox.page.switches import SWITCHES
from sandbox.simulated_service import HttpFault, RecordedCall
from sandbox.site_setup import make_issue
from tests.world_actions import run_poll

SCRIPT = {"Accept": "application/json"}


@pytest.fixture
def still(queued):
    """Return the page of a world in which nothing happens by itself: (world, its test client)."""
    live_sandbox = LiveSandbox(queued, interval_seconds=3600)
    yield queued, live_sandbox.page.app.test_client()
    live_sandbox.stop()


def trigger_incident(client, world, **form):
    fields = {"title": "Down", "priority": world.pagerduty.priorities["P1"].id, **form}
    return client.post("/pagerduty/trigger", data=fields, headers=SCRIPT)


def test_the_page_has_a_strict_policy_and_nothing_inline(still):
    _, client = still
    answer = client.get("/")
    assert answer.status_code == 200
    assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    assert not re.search(r"<script(?! src)|<style|\sstyle=|\son[a-z]+=|javascript:|https?://", answer.text)
    for path in re.findall(r'(?:src|href)="(/static/[^"]+)"', answer.text):
        with client.get(path) as file:
            assert (file.status_code, file.headers["X-Content-Type-Options"]) == (200, "nosniff")


@pytest.mark.parametrize("headers", [{"Host": "evil.example"}, {"Origin": "https://evil.example"}, {"Origin": "null"}])
def test_another_site_gets_nothing_done(still, headers):
    world, client = still
    assert client.post("/pagerduty/trigger", data={"title": "Down"}, headers=headers).status_code == 403
    assert world.pagerduty.incidents == {}


@pytest.mark.parametrize("path", ["/pagerduty/nothing", "/elsewhere/trigger", "/switch/nothing", "/jira/trigger",
                                  "/jira/comment/..%2F..%2Fuser"])
def test_what_there_is_not_is_404(still, path):
    assert still[1].post(path).status_code == 404


def test_without_the_script_the_answer_leads_back_to_where_it_was_done(still):
    world, client = still
    answer = client.post("/pagerduty/trigger", data={"title": "Down"}, headers={"Accept": "text/html,*/*;q=0.8"})
    assert (answer.status_code, answer.location) == (303, "/#pagerduty-new")
    [incident] = world.pagerduty.incidents.values()
    answer = client.post(f"/pagerduty/status/{incident.id}", data={"status": "resolved"}, headers={"Accept": "*/*"})
    assert answer.location == f"/#{incident.id}"
    assert incident.status == "resolved"


def test_every_action_is_done_by_its_person_over_the_api(still):
    world, client = still
    trigger_incident(client, world, details="Nobody can pay.")
    world.run_until_idle()
    [incident], [issue] = world.pagerduty.incidents.values(), world.list_issues()
    assert (incident.details, incident.log[0].agent["summary"]) == ("Nobody can pay.", "Rita Responder")
    p2, oscar = world.pagerduty.priorities["P2"], world.oscar
    done = {
        ("pagerduty", "status"): ({"status": "acknowledged"}, lambda: incident.status == "acknowledged"),
        ("pagerduty", "note"): ({"text": "Hm"}, lambda: [one.content for one in incident.notes] == ["Hm"]),
        ("pagerduty", "title"): ({"title": "Up"}, lambda: incident.title == "Up"),
        ("pagerduty", "priority"): ({"priority": p2.id}, lambda: incident.priority == p2),
        ("pagerduty", "assignee"): ({"assignee": oscar.id}, lambda: incident.assignees == [oscar]),
        ("jira", "status"): ({"status": "done"}, lambda: issue.category == "done"),
        ("jira", "comment"): ({"text": "a\n\nb"}, lambda: issue.comments[-1].text == "a\n\nb"),
        ("jira", "summary"): ({"summary": "Sum"}, lambda: issue.summary == "Sum"),
        ("jira", "priority"): ({"priority": "Low"}, lambda: issue.priority == "Low"),
        ("jira", "assignee"): ({"assignee": world.jim_id}, lambda: issue.assignee == world.jim_id),
        ("jira", "delete"): ({}, lambda: issue.deleted),
    }
    assert done.keys() | {("pagerduty", "trigger")} == ACTIONS.keys()
    for (side, name), (form, happened) in done.items():
        target = incident.id if side == "pagerduty" else issue.key
        answer = client.post(f"/{side}/{name}/{target}", data=form, headers=SCRIPT)
        assert (answer.json["ok"], happened()) == (True, True), (side, name, answer.json["parts"][side])
    everybody = {call.token for call in [*world.jira_server.calls, *world.pagerduty_server.calls]}
    assert everybody - {call.token for call in world.list_jpi_calls()} == {world.rita.key, "jim-token-at-jira"}


@pytest.mark.parametrize(("path", "form", "words"), [
    ("/pagerduty/trigger", {"title": " "}, "PagerDuty refused it (400): Invalid Input Provided Title cannot be empty."),
    ("/jira/summary/{key}", {"summary": "x" * 300}, "summary: Summary must be less than 255 characters"),
    ("/jira/status/{key}", {"status": "nowhere"}, "Jira refused it (400): Missing"),
    ("/jira/comment/NOWHERE-1", {"text": "x"}, "Jira refused it (404): Issue does not exist"),
])
def test_a_refusal_is_said_in_the_services_words_where_it_was_met(still, path, form, words):
    world, client = still
    trigger_incident(client, world)
    world.run_until_idle()
    answer = client.post(path.format(key="INCIDENT-1"), data=form, headers=SCRIPT).json
    message = "".join(re.findall(r'<p class="message bad" role="status">(.*)</p>', "".join(answer["parts"].values())))
    assert answer["ok"] is False
    assert words in message


def test_no_answer_at_all_is_said_too(still):
    world, client = still
    world.pagerduty_server.choose_fault = lambda call: HttpFault()
    assert "PagerDuty did not answer." in trigger_incident(client, world).json["parts"]["pagerduty"]


def test_an_error_that_is_no_json_is_shown_as_it_is():
    assert read_error_messages("<html>Bad gateway</html>") == "<html>Bad gateway</html>"
    assert read_error_messages("{}") == "{}"


def test_texts_from_outside_are_escaped_and_kept_apart(still):
    world, client = still
    trigger_incident(client, world, title="<script>x</script> \u202e", details="y" * 10_000)
    world.run_until_idle()
    text = client.get("/").text
    assert "<script>x" not in text
    assert text.count('<bdi dir="auto">&lt;script&gt;x&lt;/script&gt; \u202e</bdi>') >= 2
    assert "all 10,000 characters" in text
    assert "y" * 10_000 in text


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda world, incident, issue: None, "agree"),
        (
            lambda world, incident, issue: world.pagerduty.acknowledge_incident(incident, world.rita),
            "PagerDuty: acknowledged, Jira: To Do",
        ),
        (lambda world, incident, issue: world.move_issue(issue, "done"), "PagerDuty: triggered, Jira: Done"),
        (lambda world, incident, issue: world.pagerduty.set_title(incident, "Other"), "titles differ"),
        (
            lambda world, incident, issue: world.pagerduty.set_priority(incident, "P2", world.rita),
            "PagerDuty: P2, Jira: Highest",
        ),
        (
            lambda world, incident, issue: world.pagerduty.add_note(incident, "Hm", world.rita),
            "a note is missing in Jira",
        ),
        (
            lambda world, incident, issue: world.jim.request(
                "POST", f"/rest/api/3/issue/{issue.key}/comment", {"body": to_adf_document("Hm")}
            ),
            "a comment is missing in PagerDuty",
        ),
        (
            lambda world, incident, issue: world.jim.request("DELETE", f"/rest/api/3/issue/{issue.key}"),
            "INCIDENT-1 was deleted: no longer in step",
        ),
    ],
)
def test_what_differs_is_named_until_it_is_carried_over(still, change, words):
    world, client = still
    trigger_incident(client, world)
    assert read_page_state(world).incidents[0].pair.words == "no issue yet"
    world.run_until_idle()
    run_poll(world)
    [incident], [issue] = world.pagerduty.incidents.values(), world.list_issues()
    change(world, incident, issue)
    assert read_page_state(world).incidents[0].pair.words == words
    assert read_page_state(world).is_settled is (words == "agree" or issue.deleted)
    # A deletion is believed at the second look, two minutes after the first.
    for _ in range(4):
        world.run_until_idle()
        run_poll(world)
        world.clock.advance(60)
    world.run_until_idle()
    assert read_page_state(world).is_settled


def test_an_acknowledgement_that_jira_takes_back_leaves_nothing_to_do(still):
    world, client = still
    trigger_incident(client, world)
    world.run_until_idle()
    [incident], [issue] = world.pagerduty.incidents.values(), world.list_issues()
    world.pagerduty.acknowledge_incident(incident, world.rita)
    world.run_until_idle()
    world.clock.advance(1)
    world.move_issue(issue, "new")
    world.run_until_idle()
    assert (incident.status, issue.status, read_page_state(world).is_settled) == ("acknowledged", "To Do", True)


def test_an_issue_of_nobodys_and_an_incident_that_needs_none(still):
    world, client = still
    trigger_incident(client, world, priority="")
    make_issue(world.jim, "INCIDENT", "By hand")
    state = read_page_state(world)
    assert (state.incidents[0].pair.words, state.issues[0].pair.words, state.is_settled) == (
        "needs no issue", "no incident", True)


def test_failures_wait_as_jpi_asks_while_it_is_broken_and_not_after(still):
    world, client = still
    client.post("/switch/jira-down", headers=SCRIPT)
    trigger_incident(client, world)
    world.run_until_idle()
    assert read_page_state(world).waiting == 1
    world.clock.advance(2)
    assert world.apply_batch() == 0
    answer = client.post("/switch/jira-down", headers=SCRIPT).json
    assert "Jira is up again. The queue and the poll retry everything at once" in answer["parts"]["breaking"]
    world.clock.advance(3)
    world.run_until_idle()
    assert (len(world.list_issues()), read_page_state(world).waiting) == (1, 0)


def test_a_dead_token_ends_nothing_and_what_happened_meanwhile_is_made_good(still):
    world, client = still
    trigger_incident(client, world)
    world.run_until_idle()
    [incident] = world.pagerduty.incidents.values()
    client.post("/switch/token-dead", headers=SCRIPT)
    world.pagerduty.acknowledge_incident(incident, world.rita)
    for _ in range(3):
        run_poll(world)
    assert not world.jpi.links.get(incident.id).ended
    assert world.get_category(world.find_issue(incident)) == "new"
    client.post("/switch/token-dead", headers=SCRIPT)
    for _ in range(5):
        run_poll(world)
    assert world.get_category(world.find_issue(incident)) == "indeterminate"


@pytest.mark.parametrize("name", SWITCHES)
def test_every_switch_turns_both_ways(still, name):
    world, client = still
    for checked in ("true", "false"):
        parts = client.post(f"/switch/{name}", headers=SCRIPT).json["parts"]
        assert f'action="/switch/{name}"><button role="switch" aria-checked="{checked}"' in parts["breaking"]
    headers = {"Authorization": "Token token=pagerduty-key-of-jpi"}
    call = RecordedCall("jira", "POST", "/rest/api/3/issue", "", headers, b"")
    assert (world.jira_server.choose_fault(call), world.jira_server.latency_seconds,
            world.jira.outbox.is_losing) == (None, 0.0, False)


def test_only_jpis_calls_are_limited_and_only_its_writes_lose_their_answers(still):
    world, client = still
    client.post("/switch/limited", headers=SCRIPT)
    client.post("/switch/answers-lost", headers=SCRIPT)
    assert trigger_incident(client, world).json["ok"] is True
    client.post("/switch/limited", headers=SCRIPT)
    kinds = [("GET", "/issue/1"), ("POST", "/rest/api/3/search/jql"), ("POST", "/rest/api/3/issue")]
    headers = {"Authorization": "Token token=pagerduty-key-of-jpi"}
    calls = [RecordedCall("jira", *kind, "", headers, b"") for kind in kinds]
    assert [world.jira_server.choose_fault(call) for call in calls] == [None, None, HttpFault(is_after_effect=True)]


def test_poll_now_wakes_the_schedule(running):
    client = running.page.app.test_client()
    assert client.post("/poll", headers=SCRIPT).json["ok"] is True
    seen = 0
    while sum(line.kind == "poll" for _, line in running.page.feed.list_lines_after()) < 2:
        running.page.feed.wait_for_lines(seen)
        seen = running.page.feed.list_lines_after()[-1][0]


def test_a_poll_that_fails_is_said_and_the_next_one_comes(running):
    feed = running.page.feed
    client = running.page.app.test_client()
    client.post("/switch/pagerduty-down", headers=SCRIPT)
    client.post("/poll", headers=SCRIPT)
    while not any(line.head == "The poll failed" for _, line in feed.list_lines_after()):
        feed.wait_for_lines(feed.list_lines_after()[-1][0])
    count = sum(line.kind == "poll" for _, line in feed.list_lines_after())
    client.post("/switch/pagerduty-down", headers=SCRIPT)
    while sum(line.kind == "poll" for _, line in feed.list_lines_after()) == count:
        feed.wait_for_lines(feed.list_lines_after()[-1][0])
