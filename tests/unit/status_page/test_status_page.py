"""The status page: who may see it, what it shows, and what its button does. tests/browser tests its looks."""

import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from jpi import app as edge
from jpi.diagnostics import probes
from jpi.domain.link import Link, LinkSummary, StatusState
from jpi.errors import AwsOutage, ServiceUnavailable, SettingsError
from jpi.status_page import auth, queries, routes
from jpi.status_page.health import HealthFacts, QueueDepth, assess_health
from jpi.store.sessions import SESSION_SECONDS
from sandbox.bench.measurement import record_aws_requests
from sandbox.simulated_service import HttpFault
from tests.world_actions import edit_issue, make_fault_on_call, run_poll, run_second_look

PASSWORD = "seen by the team"
SECRETS = ("pagerduty-key-of-jpi", "jira-token-of-the-bot", PASSWORD)


@pytest.fixture(autouse=True)
def _hash_quickly(monkeypatch):
    monkeypatch.setattr(auth, "SCRYPT_COST", {"n": 2, "r": 1, "p": 1})


@pytest.fixture
def world(make_world):
    return make_world(STATUS_PASSWORD=PASSWORD)


@pytest.fixture
def stranger(world):
    return edge.app.test_client()


def sign_in(client):
    assert client.post("/status/sign-in", data={"password": PASSWORD}).status_code == 303
    return client


@pytest.fixture
def team(world):
    return sign_in(edge.app.test_client())


def token_of(client):
    return re.search(r'name="token" value="([^"]+)"', client.get("/status").text)[1]


def press_sync(client, incident_id, **fields):
    data = {"token": token_of(client), **fields}
    answer = client.post(f"/status/incidents/{incident_id}/again", data=data, follow_redirects=True)
    assert answer.status_code == 200
    return answer


def trigger_incident(world, title="Down", priority="P1"):
    incident = world.pagerduty.trigger_incident(world.service, title, world.rita, priority)
    world.run_until_idle()
    return incident


def test_without_a_password_there_is_no_page(make_world):
    make_world()
    client = edge.app.test_client()
    missing = client.get("/nowhere")
    for path in ("/status", "/status.json", "/status/sign-in", "/status/incidents/Q1", "/status/static/status.css"):
        answer = client.get(path)
        assert (answer.status_code, answer.data) == (404, missing.data)
        assert [*answer.headers.keys()] == [*missing.headers.keys()], "no header reveals the page"
    assert client.post("/status/sign-in", data={"password": ""}).status_code == 404
    for method, path in (("POST", "/status"), ("PUT", "/status.json"), ("GET", "/status/sign-out"),
                         ("GET", "/status/incidents/Q1/again")):
        answer = client.open(path, method=method)
        assert (answer.status_code, answer.data, "Allow" in answer.headers) == (404, missing.data, False)


@pytest.mark.parametrize("error", [SettingsError("JIRA_API_TOKEN is missing"), RuntimeError("a mistake")])
def test_a_jpi_that_cannot_start_answers_without_internals(error):
    def fail_to_build():
        raise error

    answer = edge.create_app(fail_to_build).test_client().get("/status")
    assert (answer.status_code, list(answer.get_json()), "X-Request-Id" in answer.headers) == (500, ["error"], True)
    assert str(error) not in answer.text


def test_strangers_see_nothing_and_change_nothing(world, stranger):
    incident = trigger_incident(world)
    before = world.jpi.links.get(incident.id)
    for path in ("/status", f"/status/incidents/{incident.id}"):
        answer = stranger.get(path)
        assert (answer.status_code, answer.location) == (303, "/status/sign-in")
        assert incident.id not in answer.text.replace(path, "")
    for data in ({}, {"token": ""}, {"token": "guess"}):
        assert stranger.post(f"/status/incidents/{incident.id}/again", data=data).location == "/status/sign-in"
    answer = stranger.get("/status.json")
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, 'Basic realm="jpi"')
    assert list(answer.get_json()) == ["error"]
    assert world.jpi.links.get(incident.id) == before


@pytest.mark.parametrize("cookie", ["", "guess", "ImFiYyI.aRfQ.sig", "e30.e30.e30"])
def test_a_forged_cookie_opens_nothing(world, stranger, cookie):
    stranger.set_cookie("jpi-status", cookie)
    assert stranger.get("/status").status_code == 303
    assert stranger.get("/status.json").status_code == 401


def test_a_session_never_lasts_longer(world, team):
    team.post("/status/incidents/NOBODYS/again", data={"token": token_of(team)})
    world.clock.advance(SESSION_SECONDS - 1)
    assert team.get("/status").status_code == 200
    world.clock.advance(1)
    assert team.get("/status").status_code == 303


def test_pages_are_not_cached_or_framed_and_load_nothing_from_elsewhere(team):
    for path in ("/status", "/status.json", "/status/static/status.js"):
        with team.get(path) as answer:
            headers = answer.headers
        assert headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'self'; script-src 'self'")
        assert (headers["Cache-Control"], headers["X-Frame-Options"]) == ("no-store", "DENY")


def test_a_deleted_issue_is_said_and_a_button_makes_a_new_one(world, team):
    incident = trigger_incident(world)
    page = f"/status/incidents/{incident.id}"
    assert "Make a new issue" not in team.get(page).text
    [issue] = world.list_issues()
    world.jim.request("DELETE", f"/rest/api/3/issue/{issue.key}")
    world.run_until_idle()
    run_second_look(world)
    assert f"{issue.key}</a> gone" in team.get(page).text
    assert "Make a new issue" in team.get(page).text
    press_sync(team, incident.id, new_issue="1")
    [new_issue] = world.list_issues()
    assert f"{new_issue.key}</a> to do" in team.get(page).text
    assert "has an issue that is not gone" in press_sync(team, incident.id, new_issue="1").text


def test_wrong_passwords_are_slowed_down(world, stranger):
    def post_wrong_password():
        return stranger.post("/status/sign-in", data={"password": "guess"})

    assert [post_wrong_password().status_code for _ in range(4)] == [403] * 4
    answer = post_wrong_password()
    assert (answer.status_code, int(answer.headers["Retry-After"])) == (429, 2)
    assert "please wait" in answer.text
    assert stranger.post("/status/sign-in", data={"password": PASSWORD}).status_code == 429, "the right one waits too"
    waits = []
    for _ in range(12):
        world.clock.advance(int(post_wrong_password().headers.get("Retry-After", 0)) + 1)
        assert post_wrong_password().status_code == 403
        waits.append(int(post_wrong_password().headers["Retry-After"]))
    assert waits[:3] == [4, 8, 16]
    assert waits[-1] == 900
    assert stranger.get("/status.json", auth=("any", "guess")).status_code == 429
    elsewhere = {"REMOTE_ADDR": "203.0.113.9"}
    assert stranger.post("/status/sign-in", data={"password": PASSWORD}, environ_base=elsewhere).status_code == 303
    world.clock.advance(901)
    assert stranger.post("/status/sign-in", data={"password": PASSWORD}).status_code == 303
    assert [post_wrong_password().status_code for _ in range(4)] == [403] * 4, "a success resets the attempts"


def sign_in_from(client, numbers, password="guess"):
    return [client.post("/status/sign-in", data={"password": password},
                        environ_base={"REMOTE_ADDR": f"203.0.113.{number}"}).status_code for number in numbers]


def test_after_failures_of_others_an_address_has_one_attempt(world, stranger):
    assert sign_in_from(stranger, [1, 1, 2, 2, 3]) == [403] * 5
    assert sign_in_from(stranger, [1, 2, 3]) == [429] * 3
    assert sign_in_from(stranger, [4]) == [403]
    world.clock.advance(2 * 3600 + 600)
    assert sign_in_from(stranger, [1, 2, 3]) == [403] * 3, "failures are forgotten"


def test_a_success_resets_no_attempts_of_other_addresses(world, stranger):
    assert sign_in_from(stranger, [1, 2, 3, 200]) == [403] * 4
    assert sign_in_from(edge.app.test_client(), [201], PASSWORD) == [303]
    assert sign_in_from(stranger, [1, 200]) == [429] * 2
    world.clock.advance(2 * 3600 + 600)
    assert sign_in_from(edge.app.test_client(), [200], PASSWORD) == [303]
    assert sign_in_from(stranger, [200] * 4) == [403] * 4


def test_a_button_needs_the_csrf_token_of_its_session(world, team):
    incident = trigger_incident(world)
    for data in ({}, {"token": ""}, {"token": "guess"}):
        answer = team.post(f"/status/incidents/{incident.id}/again", data=data)
        assert (answer.status_code, "press the button again" in answer.text) == (403, True)
    other = sign_in(edge.app.test_client())
    assert team.post(f"/status/incidents/{incident.id}/again", data={"token": token_of(other)}).status_code == 403
    assert team.post("/status/sign-out").status_code == 403
    assert team.post("/status/sign-out", data={"token": token_of(team)}).status_code == 303
    assert team.get("/status").status_code == 303


def test_the_button_syncs_both_sides(world, team):
    incident = trigger_incident(world)
    issue = world.find_issue(incident)
    with world.lose_webhooks():
        world.move_issue(issue, "done")
        world.run_until_idle()
    page = press_sync(team, incident.id).text
    assert "Synced: the history says what changed." in page
    assert world.read_statuses() == {"Down": ("resolved", "done")}
    assert "sync by hand" in page
    world.run_until_idle()
    run_poll(world)
    assert "No change needed: the history says why." in press_sync(team, incident.id).text


def test_the_result_of_a_button_is_shown_once_and_cannot_be_forged(world, team):
    page, other_page = (f"/status/incidents/{trigger_incident(world, title).id}" for title in ("Down", "Slow"))
    assert "Call 555" not in team.get(f"{page}?said=Call+555&message=Call+555").text
    assert team.post(f"{page}/again", data={"token": token_of(team)}).location == page
    assert 'role="status"' in team.get(page).text
    assert 'role="status"' not in team.get(page).text
    team.post(f"{page}/again", data={"token": token_of(team)})
    assert 'role="status"' not in team.get(other_page).text, "it is about another incident"


def test_a_sync_by_hand_does_not_count_in_the_lag(world, team):
    incident = trigger_incident(world)
    issue = world.find_issue(incident)
    with world.lose_webhooks():
        world.move_issue(issue, "done")
        world.run_until_idle()
    world.clock.advance(2 * 86_400)
    press_sync(sign_in(team), incident.id)
    assert world.read_statuses() == {"Down": ("resolved", "done")}
    assert team.get("/status.json").get_json()["figures"]["lag_s"]["p95"] is None


def test_with_a_queue_the_button_queues_the_sync(make_world):
    world = make_world(queued=True, STATUS_PASSWORD=PASSWORD)
    client = sign_in(edge.app.test_client())
    incident = trigger_incident(world)
    with world.lose_webhooks():
        world.move_issue(world.find_issue(incident), "done")
        world.run_until_idle()
    for _ in range(2):
        assert "The sync is in the queue" in press_sync(client, incident.id).text
    waiting = world.event_source.count_visible()
    assert waiting == 4, "SQS must not drop the second one as a duplicate"
    world.run_until_idle()
    assert world.read_statuses() == {"Down": ("resolved", "done")}


def raise_outage(*arguments, **named):
    raise AwsOutage("AWS is down")


def test_the_page_works_while_the_queue_cannot_be_read(make_world, monkeypatch):
    world = make_world(queued=True, STATUS_PASSWORD=PASSWORD)
    client = sign_in(edge.app.test_client())
    trigger_incident(world)
    monkeypatch.setattr("jpi.queue.EventQueue.count_messages", raise_outage)
    answer = client.get("/status")
    assert (answer.status_code, "Down" in answer.text, "not known" in answer.text) == (200, True, True)
    assert "The queue cannot be read: AWS is down" in answer.text


def test_the_page_says_that_tables_cannot_be_read(world, team, stranger, monkeypatch):
    monkeypatch.setattr(world.jpi.links, "list_by_state", raise_outage)
    monkeypatch.setattr("jpi.store.sign_in_attempts.SignInAttempts.claim_attempt", raise_outage)
    answer = team.get("/status")
    assert (answer.status_code, "cannot read its tables" in answer.text) == (503, True)
    assert world.environ["STAGE"] in answer.text
    assert team.get("/status.json").get_json() == {"error": routes.OUTAGE_MESSAGE}
    answer = stranger.post("/status/sign-in", data={"password": "any"})
    assert (answer.status_code, "cannot read its tables" in answer.text) == (503, True)
    assert "AWS is down" not in answer.text
    assert world.environ["STAGE"] not in answer.text
    assert 'class="stage"' not in answer.text


def test_the_button_says_why_a_sync_failed(world, team):
    incident = trigger_incident(world)
    for fault, message in ((HttpFault(500), "Try again later:"), (HttpFault(403), "The sync failed:")):
        world.pagerduty_server.choose_fault = lambda call, fault=fault: fault
        assert message in press_sync(team, incident.id).text
    world.pagerduty_server.choose_fault = lambda call: None
    assert team.post("/status/incidents/NOBODYS/again", data={"token": token_of(team)}).status_code == 404
    assert "knows no such incident" in team.get("/status/incidents/NOBODYS").text


def test_an_incident_is_shown_with_both_sides_and_its_history(world, team):
    incident = trigger_incident(world)
    issue = world.find_issue(incident)
    world.pagerduty.acknowledge_incident(incident, world.rita)
    world.run_until_idle()
    page = team.get("/status").text
    assert f'href="/status/incidents/{incident.id}"' in page
    assert f'href="{world.jira_url}/browse/{issue.key}"' in page
    assert f'href="{incident.html_url}"' in page
    assert re.search(r"acknowledged.*in progress.*by: incident acknowledged", page, re.DOTALL)
    history = team.get(f"/status/incidents/{incident.id}").text
    assert re.search(r"incident acknowledged.*Moved the issue to In Progress.*incident triggered.*Made the issue",
                     history, re.DOTALL), "the newest first"


def test_status_json_has_the_same_content(world, stranger):
    incident = trigger_incident(world)
    run_poll(world)
    status = stranger.get("/status.json", auth=("any name", PASSWORD)).get_json()
    assert (status["health"]["level"], status["health"]["reasons"]) == ("green", [])
    [row] = status["incidents"]
    assert (row["incident"], row["state"], row["pagerduty"], row["jira"]) == (incident.id, "open", "triggered", "to do")
    assert status["events"]["events/webhook/IncidentTriggered/applied"] == 1
    assert status["events"]["api/jira/calls"] > 4
    assert status["figures"]["lag_s"]["p95"] > 0
    details = stranger.get(f"/status.json?incident={incident.id}", auth=("any name", PASSWORD)).get_json()
    assert details["history"][-1]["steps"][0]["what"] == "Made the issue INCIDENT-1."
    assert stranger.get("/status.json?incident=NOBODYS", auth=("any name", PASSWORD)).status_code == 404


def test_the_page_shows_the_counts_of_calls_and_events(world, team):
    world.jira_server.choose_fault = make_fault_on_call("POST", "/search/jql", 429, times=1, **{"Retry-After": "1"})
    trigger_incident(world)
    run_poll(world)
    page = team.get("/status").text
    limited = r"Jira</th><td data-name=\"Calls\">\d+</td><td data-name=\"Errors\">0</td><td data-name=\"[^\"]+\">1</td>"
    assert re.search(limited, page), "calls, errors, 429s and retries by service"
    assert re.search(r"incident triggered</th><td[^>]+>webhook</td><td[^>]+>applied</td><td[^>]+>1</td>", page)


def test_the_page_shows_the_wait_in_the_queue(make_world):
    world = make_world(queued=True, STATUS_PASSWORD=PASSWORD)
    client = sign_in(edge.app.test_client())
    trigger_incident(world)
    assert re.search(r"0 waiting, 0 in progress; wait in the last hour: p95 \d", client.get("/status").text)
    assert client.get("/status.json").get_json()["figures"]["wait_s"]["p95"] > 0


@pytest.mark.parametrize("given", ["Basic \xff\xfe", "Basic !", "Basic", "Bearer abc", "Basic gICA"])
def test_an_unreadable_password_is_refused(world, stranger, given):
    answer = stranger.get("/status.json", headers={"Authorization": given})
    assert (answer.status_code, list(answer.get_json())) == (401, ["error"])


def test_the_list_is_filtered_by_state_and_text(world, team):
    down = trigger_incident(world, "Checkout is down")
    world.clock.advance(5)
    trigger_incident(world, "Search is slow", "P3")
    world.clock.advance(5)
    done = trigger_incident(world, "Login fails")
    world.pagerduty.resolve_incident(done, world.rita)
    world.run_until_idle()

    def list_titles(query):
        return re.findall(r"<bdi>([^<]+)</bdi></a>", team.get(f"/status?{query}").text)

    assert list_titles("") == ["Login fails", "Search is slow", "Checkout is down"], "the newest first"
    assert list_titles("state=open") == ["Checkout is down"]
    assert list_titles("state=none") == ["Search is slow"]
    assert list_titles("state=resolved") == ["Login fails"]
    assert list_titles("state=failing") == []
    assert list_titles("state=invented") == list_titles("")
    assert list_titles("text=IS+") == ["Search is slow", "Checkout is down"]
    assert list_titles("text=IS+&state=open") == ["Checkout is down"]
    assert list_titles(f"text={down.id.lower()}") == list_titles("text=incident-1") == ["Checkout is down"]
    assert list_titles("text=nothing+like+it") == []


def trigger_failing(world, title):
    world.jira_server.choose_fault = lambda call: HttpFault(403) if call.path.endswith("/issue") else None
    incident = trigger_incident(world, title)
    world.jira_server.choose_fault = lambda call: None
    return incident


def test_failures_are_explained_in_words(world, team):
    incident = trigger_failing(world, "Checkout is down")
    page = team.get("/status").text
    assert "Worth a look" in page
    assert "1 incident not in step" in page
    assert "was refused with 403" in page
    assert "not applied" in page
    page = team.get(f"/status/incidents/{incident.id}").text
    assert "What to do:" in page
    assert "grant it the permission" in page
    world.clock.advance(600)
    world.pagerduty_server.choose_fault = lambda call: HttpFault(401)
    with pytest.raises(Exception, match="401"):
        run_poll(world)
    page = team.get("/status").text
    assert "No poll has succeeded" not in page, "offline there is no schedule"
    assert "The last poll failed" in page


def test_a_late_poll_is_red(world, team):
    run_poll(world)
    assert "All is well" in team.get("/status").text
    world.pagerduty_server.choose_fault = lambda call: HttpFault(500)
    for _ in range(4):
        with pytest.raises(ServiceUnavailable):
            run_poll(world)
    page = team.get("/status").text
    assert "Something is wrong" in page
    assert re.search(r"No poll has succeeded for \d min: .*failed with 500", page)


def test_a_service_that_is_down_is_said_first_and_nothing_calms(world, team):
    run_poll(world)
    assert "ok (0 s ago)" in team.get("/status").text
    world.jira_server.choose_fault = lambda call: HttpFault(503)
    run_poll(world)
    since = datetime.fromtimestamp(world.clock(), UTC)
    run_poll(world)
    health = team.get("/status.json").get_json()["health"]
    assert health["reasons"][0]["text"].startswith(f"Jira is down since {since:%H:%M} UTC, for 1 min: Jira ")
    assert health["reasons"][0]["text"].endswith("failed with 503. jpi retries by itself")
    assert "before the service went down" in team.get("/status").text
    world.jira_server.choose_fault = lambda call: None
    run_poll(world)
    assert "is down" not in team.get("/status").text


def test_a_site_that_has_moved_is_said_first(world, team):
    run_poll(world)
    world.jira_server.choose_fault = lambda call: HttpFault(301, headers={"Location": "https://elsewhere.example/"})
    run_poll(world)
    reason = team.get("/status.json").get_json()["health"]["reasons"][0]
    assert (reason["level"], "JIRA_SERVER_URL" in reason["text"] or "JIRA_API_URL" in reason["text"]) == ("red", True)


def test_dead_letters_are_told_with_the_command_that_shows_them():
    facts = HealthFacts(0.0, is_deployed=False, command="jpi --env qa", poll_interval_seconds=60,
                        queue=QueueDepth(0, 0, 2))
    level, [reason] = assess_health(facts)
    assert (level, reason.text.endswith("run jpi --env qa replay")) == ("red", True)


def test_tokens_and_webhooks_are_probed_once_an_hour(world, team):
    run_poll(world)
    assert world.jira_server.calls
    run_poll(world)
    world.jira.users[world.bot_id].token = "renewed"
    hook = next(iter(world.pagerduty.webhooks.subscriptions.values()))
    hook.active = False
    page = team.get("/status").text
    assert "All is well" in page
    world.clock.advance(3600)
    run_poll(world)
    page = team.get("/status").text
    assert "Jira token: the token is not valid" in page
    assert "PagerDuty webhook:" in page


def test_a_probe_without_an_answer_is_repeated_soon(world, team):
    world.jira_server.choose_fault = lambda call: HttpFault(503) if call.path.endswith("/myself") else None
    run_poll(world)
    assert "Jira token: " not in team.get("/status").text, "an outage is no problem of the token"
    assert "not checked: Jira GET /myself failed with 503; jpi asks again soon" in team.get("/status").text
    world.jira_server.choose_fault = lambda call: None
    world.clock.advance(300)
    run_poll(world)
    assert "not checked" not in team.get("/status").text
    world.jira.users[world.bot_id].token = "renewed"
    world.clock.advance(3600)
    run_poll(world)
    world.jira_server.choose_fault = lambda call: HttpFault(503) if call.path.endswith("/myself") else None
    world.clock.advance(3600)
    run_poll(world)
    assert "Jira token: the token is not valid" in team.get("/status").text, "the last answer stays"


def test_the_page_names_a_dead_token_also_while_a_mistake_of_ours_fails_each_poll(world, team, monkeypatch):
    run_poll(world)

    def raise_mistake(*arguments):
        raise TypeError("a mistake")

    monkeypatch.setattr(world.jpi.poller, "run", raise_mistake)
    world.jira.users[world.bot_id].token = "renewed"
    world.clock.advance(3600)
    with pytest.raises(TypeError, match="a mistake"):
        run_poll(world)
    page = team.get("/status").text
    assert "Jira token: the token is not valid" in page


def test_probes_take_no_more_time_than_the_poll_has_left(world, team):
    world.jpi.budget.start(0.5)
    call_count = len(world.jira_server.calls)
    probes.run_probes_if_due(world.jpi)
    assert len(world.jira_server.calls) == call_count
    assert "Something is wrong" not in team.get("/status").text
    world.jpi.budget.start(100)
    probes.run_probes_if_due(world.jpi)
    world.clock.advance(301)
    probes.run_probes_if_due(world.jpi)
    assert world.jpi.budget.get_remaining_seconds() <= probes.CALL_BUDGET_SECONDS


HOSTILE = ["<script>alert(1)</script>", "\u202egnp.exe", "x" * 10_000, "{{ 7 * 7 }}", '" onmouseover="alert(1)']


@pytest.mark.parametrize("title", HOSTILE)
def test_hostile_titles_are_shown_as_text(world, team, title):
    incident = trigger_incident(world, title)
    world.pagerduty.add_note(incident, title, world.rita)
    edit_issue(world, world.find_issue(incident), summary=title[:200])
    world.run_until_idle()
    for page in (team.get("/status").text, team.get(f"/status/incidents/{incident.id}").text):
        assert "<script>" not in page
        assert 'onmouseover="' not in page
        assert "x" * 1_000 not in page
        for at in (found.start() for found in re.finditer("\u202e", page)):
            before = page[:at]
            isolated = before.rfind("<bdi>") > before.rfind("</bdi>") or before.endswith("<title>\u2068")
            assert isolated, "the mark may turn no text around it"


def test_only_web_addresses_are_linked(world, team):
    incident = trigger_incident(world)
    world.jpi.links.save(replace(world.jpi.links.get(incident.id),
                                 summary=LinkSummary(began=1.0, url="javascript:alert(1)")))
    assert "javascript:" not in team.get("/status").text
    assert "javascript:" not in team.get(f"/status/incidents/{incident.id}").text


def test_no_secret_is_on_any_page(world, team):
    incident = trigger_failing(world, "Down")
    for path in ("/status", f"/status/incidents/{incident.id}", "/status.json"):
        assert not [one for one in SECRETS if one in team.get(path).text]


def test_a_page_needs_a_bounded_number_of_reads(world, team):
    for number in range(250):
        world.jpi.links.save(Link(f"Q{number:03}", summary=LinkSummary(f"Incident {number}", began=float(number)),
                                  status=StatusState("triggered")))
    for path, most in (("/status", 10), ("/status?text=incident+17", 13), ("/status?state=none", 6)):
        with record_aws_requests() as requests:
            page = team.get(path).text
        assert len(requests.operations) <= most
        assert "Scan" not in requests.operations
        assert page.count('href="/status/incidents/') <= queries.PAGE_SIZE
    seen, place = [], ""
    for _ in range(5):
        page = team.get(f"/status?before={place}").text
        seen += re.findall(r"<bdi>Incident (\d+)</bdi>", page)
        place = (re.findall(r'before=([^"&]+)"', page) or [""])[-1]
    assert seen == [str(number) for number in reversed(range(250))]


def test_a_search_says_how_many_incidents_it_looked_at(world, team):
    for number in range(queries.MAX_SEARCHED + 10):
        world.jpi.links.save(Link(f"Q{number:04}", summary=LinkSummary(f"Incident {number}", began=float(number))))
    page = team.get("/status?text=incident+5.").text
    assert f"No matching incident among the newest {queries.MAX_SEARCHED}." in page
    assert "Look further back" in page
