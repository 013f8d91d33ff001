"""Figures added up by quarters of an hour, what is drawn of them, and the verdict that goes by them."""

import threading
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jpi.errors import Outage
from jpi.metrics import EDGES, QUARTER_SECONDS, Figures, percentile
from jpi.status_page.chart import BARS, HEIGHT, STEP, chart, events, lag
from jpi.status_page.health import Facts, Queued, late, verdict
from jpi.status_page.queries import last_hour
from tests.acting import poll

NOW = 1_795_143_600.0


def total(world):
    """Of all quarters together: one may end while a test goes on."""
    return dict(sum(map(Counter, world.jpi.figure_rows.of_last_day().values()), Counter()))


def test_what_jpi_did_is_added_up(world):
    incident = world.pagerduty.trigger(world.service, "Down", world.rita, "P1")
    world.settle()
    poll(world)
    world.pagerduty.resolve(incident, world.rita)
    world.settle()
    counts = total(world)
    assert counts["events/webhook/IncidentTriggered/applied"] == 1
    assert counts["events/webhook/IncidentResolved/applied"] == 1
    assert counts["events/poll/IncidentLogged/applied"] == 1
    assert counts["api/jira/calls"] == len([call for call in world.calls() if call.service == "jira"])
    assert events(counts)["applied"] == 3
    assert 0 < lag(counts, 0.5) <= 3
    assert "expires_at" not in counts


def test_quarters_are_kept_apart_and_the_day_before_is_left_out(world):
    rows = world.jpi.figure_rows
    for _ in range(3):
        rows.add({"events/poll/IncidentLogged/applied": 2})
        world.clock.advance(QUARTER_SECONDS)
    found = rows.of_last_day()
    assert sorted(found.values(), key=str) == [{"events/poll/IncidentLogged/applied": 2}] * 3
    assert all(start % QUARTER_SECONDS == 0 for start in found)
    world.clock.advance(86_400)
    assert rows.of_last_day() == {}


def test_several_at_once_lose_nothing(world):
    def add():
        for _ in range(10):
            world.jpi.figure_rows.add({"a/b": 1})

    workers = [threading.Thread(target=add) for _ in range(4)]
    for one in workers:
        one.start()
    for one in workers:
        one.join()
    counts = total(world)
    assert counts == {"a/b": 40}


def test_figures_that_cannot_be_stored_stop_nothing(world, monkeypatch, caplog):
    def fails(counts):
        raise Outage("DynamoDB is down")

    monkeypatch.setattr(world.jpi.figure_rows, "add", fails)
    world.pagerduty.trigger(world.service, "Down", world.rita, "P1")
    world.settle()
    assert len(world.issues()) == 1
    assert "figures were not added up" in caplog.text


def test_with_a_queue_a_delivery_stores_nothing_of_them(queued):
    queued.pagerduty.trigger(queued.service, "Down", queued.rita, "P1")
    queued.pagerduty.outbox.pump()
    assert queued.jpi.figure_rows.of_last_day() == {}
    queued.work()
    counts = total(queued)
    assert sum(count for name, count in counts.items() if name.startswith("wait/")) == 1


@given(st.lists(st.floats(0.01, 50_000), min_size=1, max_size=60), st.sampled_from([0.5, 0.95, 1.0]))
def test_a_percentile_is_right_to_its_bin(values, share):
    figures = Figures()
    for value in values:
        figures.took("lag", value)
    bins = {int(name.partition("/")[2]): count for name, count in figures.taken().items()}
    at = sorted(values)[max(0, -(-int(share * len(values) * 1000) // 1000) - 1)]
    found = percentile(bins, share)
    edges = [0.0, *EDGES, 2 * EDGES[-1]]
    place = next(number for number, high in enumerate(edges) if found <= high)
    assert edges[max(0, place - 2)] <= min(at, edges[-1])
    assert found <= edges[-1]
    assert figures.taken() == {}


def test_of_nothing_there_is_no_percentile():
    assert percentile({}, 0.5) is None
    assert last_hour({}, NOW) == {"p50": None, "p95": None}


def test_the_last_hour_forgets_what_was_before():
    quarter = NOW // QUARTER_SECONDS * QUARTER_SECONDS
    slow, quick = {"lag/14": 5}, {"lag/1": 5}
    assert last_hour({quarter: quick, quarter - 2 * 3600: slow}, NOW)["p95"] < 2
    assert last_hour({quarter: slow, quarter - 2 * 3600: quick}, NOW)["p95"] > 3600


@given(st.dictionaries(st.integers(0, 120), st.dictionaries(st.sampled_from(
    ["events/webhook/IssueUpdated/applied", "events/poll/IssueUpdated/failed", "events/webhook/IssueUpdated/ignored",
     "lag/0", "lag/15", "api/jira/calls"]), st.integers(1, 10_000)), max_size=40))
def test_whatever_the_day_was_the_drawing_holds_it(day):
    quarters = {NOW - QUARTER_SECONDS * back: counts for back, counts in day.items()}
    drawn = chart(quarters, NOW)
    assert all(0 <= bar.x < BARS * STEP and bar.y >= -0.2 and bar.y + bar.height <= HEIGHT + 0.2 for bar in drawn.bars)
    assert all(0 <= y <= HEIGHT for _, y in drawn.points)
    shown = [counts for back, counts in day.items() if back < BARS]
    assert sum(drawn.totals.values()) == sum(sum(events(counts).values()) for counts in shown)


WELL = Facts(NOW, deployed=True, interval=60, polled=NOW - 30, lag={"p50": 1.0, "p95": 3.0}, queue=Queued(0, 0, 0),
             watched=[{"check": "Jira token", "ok": True, "said": ""}], watched_at=NOW - 60)


@pytest.mark.parametrize(("changes", "level", "said"), [
    ({}, "green", ""),
    ({"polled": NOW - 181}, "red", "No poll has succeeded for 3 min; the log of log_entries says why"),
    ({"polled": NOW - 181, "poll_failed": "PagerDuty is down"}, "red", "for 3 min: PagerDuty is down"),
    ({"polled": None}, "red", "since jpi was deployed"),
    ({"polled": None, "deployed": False}, "green", ""),
    ({"polled": NOW - 181, "interval": 3600}, "green", ""),
    ({"poll_failed": "429"}, "amber", "The last poll failed: 429"),
    ({"queue": Queued(0, 0, 1)}, "red", "1 event could not be applied"),
    ({"queue": Queued(101, 0, 0)}, "amber", "101 events wait"),
    ({"queue": None}, "green", ""),
    ({"watched": [{"check": "Jira token", "ok": False, "said": "renew it"}]}, "red", "Jira token: renew it"),
    ({"watched": [{"check": "Jira webhook", "ok": False, "said": "is off"}]}, "amber", "Jira webhook: is off"),
    ({"watched": [{"check": "Jira webhook", "ok": True, "said": "not looked at"}]}, "green", ""),
    ({"lag": {"p50": 1.0, "p95": 121.0}}, "amber", "took 2 min or longer"),
    ({"lag": {"p50": 1.0, "p95": 400.0}}, "red", "took 6 min or longer"),
    ({"lag": {"p50": 1.0, "p95": 400.0}, "interval": 3600}, "green", ""),
    ({"failing": 2}, "amber", "2 incidents could not be kept in step"),
])
def test_the_verdict_goes_by_the_worst(changes, level, said):
    found, reasons = verdict(Facts(**{**vars(WELL), **changes}))
    assert (found, said in " ".join(text for _, text in reasons)) == (level, True)
    worse = verdict(Facts(**{**vars(WELL), "failing": 1, **changes, "queue": Queued(0, 0, 3)}))
    assert (worse[0], worse[1][0][0]) == ("red", "red"), "the worst stands first"


def test_health_and_the_page_call_the_poll_late_at_the_same_time():
    assert not late(Facts(**{**vars(WELL), "polled": NOW - 180}))
    assert late(Facts(**{**vars(WELL), "polled": NOW - 180.1}))
