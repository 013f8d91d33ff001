"""Reads what the status page shows from the tables and the queue, in a bounded number of reads."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from heapq import merge
from itertools import islice

from jpi import wiring
from jpi.diagnostics import outages, poll_state, probes
from jpi.domain.actions import Outcome, Result
from jpi.domain.events import MANUAL_SOURCE
from jpi.domain.link import Link
from jpi.domain.link_summary import LINK_STATES, LinkListItem, to_list_item
from jpi.errors import AwsOutage, JpiError, RetryableError
from jpi.metrics import QUARTER_HOUR_SECONDS, CountName
from jpi.status_page.chart import compute_lag
from jpi.status_page.health import HealthFacts, Percentiles, QueueDepth

QUARTERS_PER_HOUR = 4
PAGE_SIZE = 50
# A search looks at this many incidents for one page, a hundred a read.
MAX_SEARCHED, READ_BATCH_SIZE = 1_000, 100
MAX_FAILING_COUNTED = 100

Quarters = Mapping[float, Mapping[CountName, int]]


@dataclass(frozen=True)
class Page:
    """One page of the list. `next_place`: where the next page begins, empty at the end."""

    rows: Sequence[LinkListItem] = ()
    next_place: str = ""
    searched_count: int = 0


def read_health_facts(app: wiring.App) -> tuple[HealthFacts, Quarters]:
    """Read the facts about jpi's health, and the counts of the last day."""
    now = app.clock()
    quarters = app.metric_store.read_last_day()
    last_poll_at = poll_state.load_last_poll_time(app)
    queue, queue_error = _read_queue_depth(app)
    probe_report = probes.load_probe_report(app)
    return HealthFacts(now=now, is_deployed=not app.settings.is_offline, command=app.settings.command,
                       poll_interval_seconds=app.settings.poll_interval_seconds, last_poll_at=last_poll_at,
                       poll_error=poll_state.load_poll_error(app, last_poll_at), lag=summarise_last_hour(quarters, now),
                       queue_wait=summarise_last_hour(quarters, now, "wait"), queue=queue, queue_error=queue_error,
                       probe_results=probe_report.results, probed_at=probe_report.at,
                       outages=outages.load_outages(app),
                       failing_count=len(app.links.list_by_state(["failing"], "", MAX_FAILING_COUNTED))), quarters


def summarise_last_hour(quarters: Quarters, now: float, metric_name: str = "lag") -> Percentiles:
    """Compute the percentiles of the lag, or of another duration, over the last hour, to the quarter of an hour."""
    counts: Counter[CountName] = Counter()
    for start, quarter in quarters.items():
        if start > now - (QUARTERS_PER_HOUR + 1) * QUARTER_HOUR_SECONDS:
            counts.update(quarter)
    return Percentiles(compute_lag(counts, 0.5, metric_name), compute_lag(counts, 0.95, metric_name))


def _read_queue_depth(app: wiring.App) -> tuple[QueueDepth | None, str]:
    """Read how full the queues are, or return why that failed: the page shows the rest without it."""
    try:
        return QueueDepth(*app.queue.count_messages(), app.queue.count_dead_letters()) if app.queue else None, ""
    except AwsOutage as error:
        return None, str(error)


def find_incidents(app: wiring.App, state: str, text: str, before: str) -> Page:
    """Find the newest incidents in a state (empty: any) with this text in their title, id, issue key or trouble."""
    states = [state] if state in LINK_STATES else list(LINK_STATES)
    if not text:
        rows = app.links.list_by_state(states, before, PAGE_SIZE)
        return Page(rows, rows[-1].position if len(rows) == PAGE_SIZE else "", len(rows))
    if exact := _find_by_id_or_key(app, text.strip()):
        return Page([exact], searched_count=1)
    return _search_incidents(app, states, text.casefold().strip(), before)


def _search_incidents(app: wiring.App, states: Sequence[str], text: str, before: str) -> Page:
    searched_count, rows = 0, list[LinkListItem]()
    for item in islice(_iterate_incidents(app, states, before), MAX_SEARCHED):
        searched_count, before = searched_count + 1, item.position
        if text in " ".join((item.card.title, item.incident_id, item.card.issue, item.card.trouble)).casefold():
            rows.append(item)
        if len(rows) == PAGE_SIZE:
            return Page(rows, before, searched_count)
    return Page(rows, before if searched_count == MAX_SEARCHED else "", searched_count)


def _iterate_incidents(app: wiring.App, states: Sequence[str], before: str) -> Iterator[LinkListItem]:
    """Iterate over the listed incidents from a place on, newest first, reading them on demand."""
    return merge(*(_iterate_state(app, state, before) for state in states), key=lambda item: item.position,
                 reverse=True)


def _iterate_state(app: wiring.App, state: str, before: str) -> Iterator[LinkListItem]:
    while rows := app.links.list_by_state([state], before, READ_BATCH_SIZE):
        yield from rows
        before = rows[-1].position
        if len(rows) < READ_BATCH_SIZE:
            return


def find_link(app: wiring.App, name: str) -> Link | None:
    """Return the link of an incident's id or an issue's key, however old it is; None where there is none.

    An issue whose incident is not opened yet has a link under its own key.
    """
    incident_id = app.links.find_incident_id(name.upper()) if "-" in name else None
    link = app.links.get(incident_id or name.upper())
    return link if link.version and not (link.is_opening and link.ended) else None


def _find_by_id_or_key(app: wiring.App, text: str) -> LinkListItem | None:
    link = find_link(app, text) if text.replace("-", "").replace("_", "").isalnum() else None
    return to_list_item(link) if link else None


def resync_incident(app: wiring.App, incident_id: str, request_id: str, *, is_new_issue: bool = False) -> str:
    """Sync an incident by the present state of both sides, with a new issue if asked; return the result in words."""
    try:
        if is_new_issue:
            app.sync_service.start_link_anew(incident_id)
        if not app.sync_service.resume_ended_link(incident_id):
            return "The issue was deleted, or jpi cannot see it."
        outcomes = list[Outcome | Exception]()
        for event in app.reconciler.read_incident_events(incident_id):
            # A new id, since SQS drops an id that it got in the last five minutes.
            manual_event = replace(event, id=f"{event.id}:{request_id}", source=MANUAL_SOURCE, request=request_id)
            outcomes += app.event_sink.take([manual_event])
    except RetryableError as error:
        return f"Try again later: {error}"
    except JpiError as error:
        return f"The sync failed: {error}"
    return _describe_outcomes(outcomes, is_queued=bool(app.queue))


def _describe_outcomes(outcomes: Sequence[Outcome | Exception], *, is_queued: bool) -> str:
    errors = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
    if errors:
        return f"The sync failed: {errors[0]}"
    if is_queued:
        return "The sync is in the queue and runs in a moment."
    if any(isinstance(outcome, Outcome) and outcome.result is Result.APPLIED for outcome in outcomes):
        return "Synced: the history says what changed."
    return "No change needed: the history says why."
