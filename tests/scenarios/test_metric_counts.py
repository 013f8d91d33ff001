"""Figures added up by quarters of an hour, what is drawn of them, and the verdict that goes by them."""

import threading
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jpi.diagnostics.poll_state import is_poll_late
from jpi.diagnostics.probes import ProbeResult
from jpi.errors import AwsOutage
from jpi.metrics import (
    BIN_EDGES_SECONDS,
    QUARTER_HOUR_SECONDS,
    MetricCounters,
    estimate_percentile,
    name_duration_count,
)
from jpi.status_page.chart import BAR_COUNT, BAR_STEP, CHART_HEIGHT, build_chart, compute_lag, count_events
from jpi.status_page.health import HealthFacts, Percentiles, QueueDepth, assess_health
from jpi.status_page.queries import summarise_last_hour
from tests.world_actions import run_poll

NOW = 1_795_143_600.0


def total(world):
    """Of all quarters together: one may end while a test goes on."""
    return dict(sum(map(Counter, world.jpi.metric_store.read_last_day().values()), Counter()))


def test_what_jpi_did_is_added_up(world):
    incident = world.pagerduty.trigger_incident(world.service, "Down", world.rita, "P1")
    world.run_until_idle()
    run_poll(world)
    world.pagerduty.resolve_incident(incident, world.rita)
    world.run_until_idle()
    counts = total(world)
    assert counts["events", "webhook", "IncidentTriggered", "applied"] == 1
    assert counts["events", "webhook", "IncidentResolved", "applied"] == 1
    assert counts["events", "poll", "IncidentLogged", "applied"] == 1
    assert counts["api", "jira", "calls"] == len([call for call in world.list_jpi_calls() if call.service == "jira"])
    assert count_events(counts)["applied"] == 3
    assert 0 < compute_lag(counts, 0.5) <= 3
    assert "expires_at" not in counts


def test_quarters_are_kept_apart_and_the_day_before_is_left_out(world):
    rows = world.jpi.metric_store
    for _ in range(3):
        rows.add({("events", "poll", "IncidentLogged", "applied"): 2})
        world.clock.advance(QUARTER_HOUR_SECONDS)
    found = rows.read_last_day()
    assert sorted(found.values(), key=str) == [{("events", "poll", "IncidentLogged", "applied"): 2}] * 3
    assert all(start % QUARTER_HOUR_SECONDS == 0 for start in found)
    world.clock.advance(86_400)
    assert rows.read_last_day() == {}


def test_several_at_once_lose_nothing(world):
    def add():
        for _ in range(10):
            world.jpi.metric_store.add({("a", "b"): 1})

    workers = [threading.Thread(target=add) for _ in range(4)]
    for one in workers:
        one.start()
    for one in workers:
        one.join()
    counts = total(world)
    assert counts == {("a", "b"): 40}


def test_figures_that_cannot_be_stored_stop_nothing(world, monkeypatch, caplog):
    def fails(counts):
        raise AwsOutage("DynamoDB is down")

    monkeypatch.setattr(world.jpi.metric_store, "add", fails)
    world.pagerduty.trigger_incident(world.service, "Down", world.rita, "P1")
    world.run_until_idle()
    assert len(world.list_issues()) == 1
    assert "metric counts were not saved" in caplog.text


def test_with_a_queue_a_delivery_stores_nothing_of_them(queued):
    queued.pagerduty.trigger_incident(queued.service, "Down", queued.rita, "P1")
    queued.pagerduty.outbox.deliver_due()
    assert queued.jpi.metric_store.read_last_day() == {}
    queued.apply_batch()
    counts = total(queued)
    assert sum(count for name, count in counts.items() if name[0] == "wait") == 1


@given(st.lists(st.floats(0.01, 50_000), min_size=1, max_size=60), st.sampled_from([0.5, 0.95, 1.0]))
def test_a_percentile_is_right_to_its_bin(values, share):
    figures = MetricCounters()
    for value in values:
        figures.add(name_duration_count("lag", value))
    bins = {int(place): count for (_, place), count in figures.drain_counts().items()}
    at = sorted(values)[max(0, -(-int(share * len(values) * 1000) // 1000) - 1)]
    found = estimate_percentile(bins, share)
    edges = [0.0, *BIN_EDGES_SECONDS, 2 * BIN_EDGES_SECONDS[-1]]
    place = next(number for number, high in enumerate(edges) if found <= high)
    assert edges[max(0, place - 2)] <= min(at, edges[-1])
    assert found <= edges[-1]
    assert figures.drain_counts() == {}


def test_of_nothing_there_is_no_percentile():
    assert estimate_percentile({}, 0.5) is None
    assert summarise_last_hour({}, NOW) == Percentiles()


def test_the_last_hour_forgets_what_was_before():
    quarter = NOW // QUARTER_HOUR_SECONDS * QUARTER_HOUR_SECONDS
    slow, quick = {("lag", "14"): 5}, {("lag", "1"): 5}
    assert summarise_last_hour({quarter: quick, quarter - 2 * 3600: slow}, NOW).p95 < 2
    assert summarise_last_hour({quarter: slow, quarter - 2 * 3600: quick}, NOW).p95 > 3600


COUNT_NAMES = [("events", "webhook", "IssueUpdated", "applied"), ("events", "poll", "IssueUpdated", "failed"),
               ("events", "webhook", "IssueUpdated", "ignored"), ("lag", "0"), ("lag", "15"), ("api", "jira", "calls")]


@given(st.dictionaries(st.integers(0, 120), st.dictionaries(st.sampled_from(COUNT_NAMES), st.integers(1, 10_000)),
                       max_size=40))
def test_whatever_the_day_was_the_drawing_holds_it(day):
    quarters = {NOW - QUARTER_HOUR_SECONDS * back: counts for back, counts in day.items()}
    drawn = build_chart(quarters, NOW)
    assert all(0 <= bar.x < BAR_COUNT * BAR_STEP and bar.y >= -0.2 and bar.y + bar.height <= CHART_HEIGHT + 0.2
               for bar in drawn.bars)
    assert all(0 <= y <= CHART_HEIGHT for _, y in drawn.lag_points)
    shown = [counts for back, counts in day.items() if back < BAR_COUNT]
    assert sum(drawn.totals.values()) == sum(sum(count_events(counts).values()) for counts in shown)


WELL = HealthFacts(NOW, is_deployed=True, command="jpi --env prod", poll_interval_seconds=60, last_poll_at=NOW - 30,
                   lag=Percentiles(1.0, 3.0), queue=QueueDepth(0, 0, 0),
                   probe_results=[ProbeResult("Jira token", ok=True)])


@pytest.mark.parametrize(("changes", "level", "said"), [
    ({}, "green", ""),
    ({"last_poll_at": NOW - 181}, "red", "No poll has succeeded for 3 min; the log of log_entries says why"),
    ({"last_poll_at": NOW - 181, "poll_error": "PagerDuty is down"}, "red", "for 3 min: PagerDuty is down"),
    ({"last_poll_at": None}, "red", "since jpi was deployed"),
    ({"last_poll_at": None, "is_deployed": False}, "green", ""),
    ({"last_poll_at": NOW - 181, "poll_interval_seconds": 3600}, "green", ""),
    ({"poll_error": "429"}, "amber", "The last poll failed: 429"),
    ({"queue": QueueDepth(0, 0, 1)}, "red", "1 event failed for half a day"),
    ({"queue": QueueDepth(101, 0, 0)}, "amber", "101 events wait"),
    ({"queue": None}, "green", ""),
    ({"probe_results": [ProbeResult("Jira token", ok=False, message="renew it")]}, "red", "Jira token: renew it"),
    ({"probe_results": [ProbeResult("Jira webhook", ok=False, message="is off")]}, "amber", "Jira webhook: is off"),
    ({"probe_results": [ProbeResult("Jira webhook", ok=True, message="not checked")]}, "green", ""),
    ({"lag": Percentiles(1.0, 121.0)}, "amber", "took 2 min or longer"),
    ({"lag": Percentiles(1.0, 400.0)}, "red", "took 6 min or longer"),
    ({"lag": Percentiles(1.0, 400.0), "poll_interval_seconds": 3600}, "green", ""),
    ({"failing_count": 2}, "amber", "2 incidents not in step"),
])
def test_the_verdict_goes_by_the_worst(changes, level, said):
    found, reasons = assess_health(HealthFacts(**{**vars(WELL), **changes}))
    assert (found, said in " ".join(text for _, text in reasons)) == (level, True)
    worse = assess_health(HealthFacts(**{**vars(WELL), "failing_count": 1, **changes, "queue": QueueDepth(0, 0, 3)}))
    assert (worse[0], worse[1][0][0]) == ("red", "red"), "the worst stands first"


def test_health_and_the_page_call_the_poll_late_at_the_same_time():
    assert not is_poll_late(NOW - 180, NOW, 60, is_deployed=True)
    assert is_poll_late(NOW - 180.1, NOW, 60, is_deployed=True)
    for seconds, level in ((180, "green"), (180.1, "red")):
        assert assess_health(replace(WELL, last_poll_at=NOW - seconds))[0] == level
