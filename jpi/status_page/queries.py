"""What the status page shows, read from the tables and the queue: a bounded number of reads, whatever there is."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from heapq import merge
from itertools import islice

from jpi import wiring
from jpi.domain.link_summary import LINK_STATES, LinkListItem, to_list_item
from jpi.errors import AwsOutage, JpiError, RetryableError
from jpi.metrics import APPLIED_RESULT, MANUAL_SOURCE, QUARTER_HOUR_SECONDS, classify_outcome
from jpi.status_page import probes
from jpi.status_page.chart import compute_lag
from jpi.status_page.health import HealthFacts, QueueDepth

POLL_ERROR_CACHE_KEY = "poll failed"
QUARTERS_PER_HOUR = 4
PAGE_SIZE = 50
# A text is looked for in so many incidents a page, a hundred a read.
MAX_SEARCHED, READ_BATCH_SIZE = 1_000, 100
MAX_FAILING_COUNTED = 100

Quarters = Mapping[float, Mapping[str, int]]


@dataclass(frozen=True)
class Page:
    """A part of the list; `older`: the place where the next one begins, empty at the end; `looked`: at how many."""

    rows: Sequence[LinkListItem] = ()
    next_place: str = ""
    searched_count: int = 0


def record_poll_failure(app: wiring.App, error: Exception) -> None:
    """Keep why a poll failed."""
    app.cache.save(POLL_ERROR_CACHE_KEY, {"at": app.clock(), "reason": str(error) or type(error).__name__})


def read_health_facts(app: wiring.App) -> tuple[HealthFacts, Quarters]:
    """The facts that the verdict goes by, and the figures of the last day."""
    now = app.clock()
    quarters = app.metric_store.read_last_day()
    polled, why = _read_poll_state(app)
    watched = probes.load_probe_results(app)
    queue, queue_silent = _read_queue_depth(app)
    return HealthFacts(now=now, is_deployed=not app.settings.is_offline,
                       poll_interval_seconds=app.settings.poll_interval_seconds, last_poll_at=polled, poll_error=why,
                       lag_percentiles=summarise_last_hour(quarters, now),
                       queue_wait_percentiles=summarise_last_hour(quarters, now, "wait"), queue=queue,
                       queue_error=queue_silent, probe_results=watched["found"], probed_at=watched["at"],
                       failing_count=len(app.links.list_by_state(["failing"], "", MAX_FAILING_COUNTED))), quarters


def summarise_last_hour(quarters: Quarters, now: float, metric_name: str = "lag") -> dict[str, float | None]:
    """The lag (or whatever else was counted by how long it took) in seconds, p50 and p95, of the last hour, to the
    quarter.
    """
    counts: dict[str, int] = {}
    for start, there in quarters.items():
        if start > now - (QUARTERS_PER_HOUR + 1) * QUARTER_HOUR_SECONDS:
            for name, count in there.items():
                counts[name] = counts.get(name, 0) + count
    return {"p50": compute_lag(counts, 0.5, metric_name), "p95": compute_lag(counts, 0.95, metric_name)}


def get_last_poll_time(app: wiring.App) -> float | None:
    """When the last poll succeeded, in epoch seconds; None before the first."""
    position = app.cursor.load()
    return position.last_polled_at.timestamp() if position and position.last_polled_at else None


def _read_poll_state(app: wiring.App) -> tuple[float | None, str]:
    succeeded, failed = get_last_poll_time(app), app.cache.get_stored(POLL_ERROR_CACHE_KEY)
    return succeeded, failed["reason"] if failed and failed["at"] > (succeeded or 0.0) else ""


def _read_queue_depth(app: wiring.App) -> tuple[QueueDepth | None, str]:
    """How full the queues are, or why nobody knows: all else is shown without."""
    try:
        return QueueDepth(*app.queue.count_messages(), app.queue.count_dead_letters()) if app.queue else None, ""
    except AwsOutage as error:
        return None, str(error)


def find_incidents(app: wiring.App, state: str, text: str, before: str) -> Page:
    """The newest incidents in a state (empty: in any) that have this text in their title, id, issue or trouble."""
    states = [state] if state in LINK_STATES else list(LINK_STATES)
    if not text:
        rows = app.links.list_by_state(states, before, PAGE_SIZE)
        return Page(rows, rows[-1].position if len(rows) == PAGE_SIZE else "", len(rows))
    if exact := _find_by_id_or_key(app, text.strip()):
        return Page([exact], searched_count=1)
    return _search_incidents(app, states, text.casefold().strip(), before)


def _search_incidents(app: wiring.App, states: Sequence[str], text: str, before: str) -> Page:
    looked, rows = 0, list[LinkListItem]()
    for one in islice(_iterate_incidents(app, states, before), MAX_SEARCHED):
        looked, before = looked + 1, one.position
        if text in " ".join((one.card.title, one.incident_id, one.card.issue, one.card.trouble)).casefold():
            rows.append(one)
        if len(rows) == PAGE_SIZE:
            return Page(rows, before, looked)
    return Page(rows, before if looked == MAX_SEARCHED else "", looked)


def _iterate_incidents(app: wiring.App, states: Sequence[str], before: str) -> Iterator[LinkListItem]:
    """All that are listed, from a place on, read as they are asked for."""
    return merge(*(_iterate_state(app, one, before) for one in states), key=lambda one: one.position, reverse=True)


def _iterate_state(app: wiring.App, state: str, before: str) -> Iterator[LinkListItem]:
    while rows := app.links.list_by_state([state], before, READ_BATCH_SIZE):
        yield from rows
        before = rows[-1].position
        if len(rows) < READ_BATCH_SIZE:
            return


def _find_by_id_or_key(app: wiring.App, text: str) -> LinkListItem | None:
    """The link of this incident id or issue key, however old it is."""
    incident = text.upper() if text.isalnum() else app.links.find_incident_id(text.upper()) if "-" in text else None
    link = app.links.get(incident) if incident else None
    return to_list_item(link) if link and link.version else None


def resync_incident(app: wiring.App, incident_id: str, request_id: str) -> str:
    """Have both sides of an incident made equal by their present state; what came of it, in words."""
    try:
        if not app.sync_service.resume_ended_link(incident_id):
            return "Its issue is gone, or jpi cannot see it."
        said = []
        for event in app.reconciler.read_incident_events(incident_id):
            # Under an id of its own: SQS takes each only once in five minutes.
            asked = replace(event, id=f"{event.id}:{request_id}", source=MANUAL_SOURCE, request=request_id)
            said += app.event_sink([asked])
    except RetryableError as error:
        return f"Not now: {error}"
    except JpiError as error:
        return f"That did not work: {error}"
    failed = [one for one in said if isinstance(one, Exception)]
    if failed:
        return f"That did not work: {failed[0]}"
    if app.queue:
        return "It waits in the queue and is applied in a moment."
    changed = any(classify_outcome(str(one)) == APPLIED_RESULT for one in said)
    return f"{'Done' if changed else 'There was nothing to do'}: its history says {'what' if changed else 'why'}."
