"""The simulated PagerDuty read: lists, single things, the log."""

from datetime import timedelta

import pytest

from tests.sandbox.pagerduty_client import list_entry_types, make_creation_body, open_pagerduty


@pytest.fixture
def account():
    with open_pagerduty() as client:
        yield client


def test_a_bad_key_is_refused(account):
    assert account.expect_refusal("GET", "/users", key="wrong") == (401, 2006)


def test_users_services_priorities_abilities(account):
    assert [one["name"] for one in account.expect_ok("GET", "/priorities")["priorities"]] == [
        "P1",
        "P2",
        "P3",
        "P4",
        "P5",
    ]
    assert account.expect_ok("GET", "/abilities")["abilities"]
    assert [one["id"] for one in account.expect_ok("GET", "/users", query="OSCAR@")["users"]] == [account.oscar.id]
    assert account.expect_ok("GET", f"/users/{account.rita.id}")["user"]["email"] == "rita@x.com"
    assert account.expect_ok("GET", "/users/me", key=account.rita.key)["user"]["id"] == account.rita.id
    assert account.expect_refusal("GET", "/users/me")[0] == 400
    assert [one["name"] for one in account.expect_ok("GET", "/services", query="earc")["services"]] == ["Search"]
    assert account.expect_ok("GET", "/services", name="Sear")["services"] == []
    assert account.expect_ok("GET", f"/services/{account.other.id}")["service"]["name"] == "Search"
    assert account.expect_refusal("GET", "/services/PNONE00") == (404, 2100)


def test_without_priorities(account):
    account.state.priorities_enabled = False
    assert account.expect_refusal("GET", "/priorities")[0] == 402
    assert account.expect_refusal("POST", "/incidents", make_creation_body(account, priority="P1")) == (400, 2001)
    assert account.trigger_incident(priority="P1").priority is None


@pytest.mark.parametrize(("query", "expected"), [
    ({}, "new old-ish"), ({"date_range": "all"}, "ancient new old-ish"), ({"statuses[]": "resolved"}, "old-ish"),
    ({"statuses[]": ["resolved", "triggered"]}, "new old-ish"), ({"urgencies[]": "low"}, "new"),
    ({"sort_by": "incident_number:desc"}, "new old-ish"), ({"limit": 1}, "old-ish"), ({"limit": 1, "offset": 1}, "new"),
])
def test_incidents_are_filtered(account, query, expected):
    account.trigger_incident("ancient")
    account.clock.advance(timedelta(days=40).total_seconds())
    account.state.resolve_incident(account.trigger_incident("old-ish"), account.rita)
    account.trigger_incident("new", urgency="low")
    incidents = account.expect_ok("GET", "/incidents", **query)["incidents"]
    assert sorted(one["title"] for one in incidents) == sorted(expected.split())


def test_incidents_by_service_key_and_time(account):
    one = account.trigger_incident()
    account.state.trigger_incident(account.other, "Slow", None)
    later = (account.clock.now() + timedelta(hours=1)).isoformat()
    for query in ({"service_ids[]": account.service.id}, {"incident_key": one.key}):
        assert [found["id"] for found in account.expect_ok("GET", "/incidents", **query)["incidents"]] == [one.id]
    assert account.expect_ok("GET", "/incidents", since=later)["incidents"] == []
    for query in ({"statuses[]": "open"}, {"sort_by": "title"}, {"sort_by": "urgency,urgency,urgency"}, {"since": "x"},
                  {"limit": "x"}):
        assert account.expect_refusal("GET", "/incidents", **query) == (400, 2001)


def test_an_incident_by_id_number_and_include(account):
    incident = account.trigger_incident(details="Nobody can pay.", priority="P1")
    assert account.expect_ok("GET", f"/incidents/{incident.number}")["incident"]["id"] == incident.id
    plain = account.expect_ok("GET", f"/incidents/{incident.id}")["incident"]
    assert "body" not in plain
    assert (plain["priority"]["type"], plain["service"]["type"]) == ("priority_reference", "service_reference")
    assert plain["first_trigger_log_entry"]["type"] == "trigger_log_entry_reference"
    includes = ["body", "first_trigger_log_entries", "priorities", "services", "assignees"]
    full_incident = account.expect_ok("GET", f"/incidents/{incident.id}", **{"include[]": includes})["incident"]
    assert full_incident["body"]["details"] == "Nobody can pay."
    assert full_incident["first_trigger_log_entry"]["channel"]["details"] == "Nobody can pay."
    assert (full_incident["priority"]["name"], full_incident["service"]["name"]) == ("P1", "Checkout")
    assert full_incident["assignments"][0]["assignee"]["email"] == "oscar@x.com"
    assert account.expect_refusal("GET", "/incidents/QNONE000000000")[0] == 404


def test_the_log_is_paged_and_pinned(account):
    for number in range(15):
        account.trigger_incident(str(number))
    page = account.expect_ok("GET", "/log_entries", limit=40, total="True")
    assert (len(page["log_entries"]), page["more"], page["total"]) == (40, True, 45)
    assert len(account.expect_ok("GET", "/log_entries")["log_entries"]) == 25
    rest = account.expect_ok("GET", "/log_entries", limit=100, offset=40)
    assert (len(rest["log_entries"]), rest["more"], rest["total"]) == (5, False, None)
    assert account.expect_refusal("GET", "/log_entries", offset=9_950, limit=51) == (400, 2001)
    one = page["log_entries"][0]
    assert account.expect_ok("GET", f"/log_entries/{one['id']}")["log_entry"] == one
    assert account.expect_refusal("GET", "/log_entries/RNONE")[0] == 404


def test_times_are_whole_seconds_and_windows_include_their_ends(account):
    incident = account.trigger_incident()
    entries = account.expect_ok("GET", f"/incidents/{incident.id}/log_entries")["log_entries"]
    at = entries[0]["created_at"]
    assert len(at) == len("2026-11-23T00:00:00Z")
    assert len(account.expect_ok("GET", "/log_entries", since=at, until=entries[-1]["created_at"])["log_entries"]) >= 1
    later = (account.clock.now() + timedelta(seconds=2)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert account.expect_ok("GET", "/log_entries", since=later)["log_entries"] == []


@pytest.mark.parametrize("order", ["newest", "oldest", "shuffled"])
def test_the_order_of_the_log_is_a_knob(account, order):
    account.state.log_order = order
    for number in range(5):
        account.trigger_incident(str(number))
        account.clock.advance(5)
    times = [one["created_at"] for one in account.expect_ok("GET", "/log_entries")["log_entries"]]
    assert {"newest": times == sorted(times)[::-1], "oldest": times == sorted(times),
            "shuffled": times not in (sorted(times), sorted(times)[::-1])}[order]


def test_an_entry_holds_the_whole_incident_only_where_asked(account):
    account.state.acknowledge_incident(account.trigger_incident(priority="P1"), account.rita)
    assert account.expect_ok("GET", "/log_entries")["log_entries"][0]["incident"]["type"] == "incident_reference"
    includes = {"include[]": ["incidents", "services", "channels"]}
    for one in account.expect_ok("GET", "/log_entries", **includes)["log_entries"]:
        assert (one["incident"]["status"], one["incident"]["priority"]["summary"]) == ("acknowledged", "P1")
        assert one["service"]["name"] == "Checkout"


@pytest.mark.parametrize(("before", "after", "summary"), [
    (None, "P1", 'Priority set to "P1" by Rita.'), ("P3", "P1", 'Priority changed from "P3" to "P1" by Rita.'),
])
@pytest.mark.parametrize("channel", [True, False])
def test_a_priority_in_the_log(account, before, after, summary, channel):
    account.state.logs_new_priority = channel
    incident = account.trigger_incident(priority=before)
    account.state.set_priority(incident, after, account.rita)
    entry = incident.log[-1]
    assert (entry.type, entry.summary) == ("priority_change_log_entry", summary)
    assert ("new_priority" in entry.channel) == channel
    if channel:
        assert entry.channel["new_priority"]["name"] == "P1"


def test_what_people_do_is_logged(account):
    state, incident = account.state, account.trigger_incident()
    state.acknowledge_incident(incident, account.oscar)
    state.unacknowledge_incident(incident)
    state.escalate_incident(incident, account.rita, account.oscar)
    state.add_note(incident, "Hm", account.rita)
    state.resolve_incident(incident, account.rita, note="Rebooted")
    state.reopen_incident(incident, account.rita)
    assert list_entry_types(incident) == ["trigger", "assign", "notify", "acknowledge", "unacknowledge", "escalate",
                                          "annotate", "resolve", "annotate", "field_value_change", "assign"]
    assert [incident.log[index].channel.get("summary") for index in (6, 8)] == ["Hm", "Resolution Note: Rebooted"]


def test_monitoring_is_its_service(account):
    first = account.trigger_incident(by=None, details={"host": "db1"}).log[0]
    assert (first.agent["type"], first.channel["type"], first.channel["details"]) == (
        "service_reference", "api", {"host": "db1"})
