"""What the status page shows, read from the tables and the queue: a bounded number of reads, whatever there is."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from heapq import merge
from itertools import islice

from jpi import wiring
from jpi.domain.link_summary import STATES, Listed, listed
from jpi.errors import JpiError, Outage, Retryable
from jpi.metrics import APPLIED, BY_HAND, QUARTER_SECONDS, result_of
from jpi.status_page import probes
from jpi.status_page.chart import lag
from jpi.status_page.health import Facts, Queued

POLL_FAILED = "poll failed"
HOUR_QUARTERS = 4
PAGE = 50
# A text is looked for in so many incidents a page, a hundred a read.
SEARCHED, BATCH = 1_000, 100
COUNTED = 100

Quarters = Mapping[float, Mapping[str, int]]


@dataclass(frozen=True)
class Page:
    """A part of the list; `older`: the place where the next one begins, empty at the end; `looked`: at how many."""

    rows: Sequence[Listed] = ()
    older: str = ""
    looked: int = 0


def poll_failed(there: wiring.Jpi, error: Exception) -> None:
    """Keep why a poll failed."""
    there.cache.put(POLL_FAILED, {"at": there.clock(), "reason": str(error) or type(error).__name__})


def read(there: wiring.Jpi) -> tuple[Facts, Quarters]:
    """The facts that the verdict goes by, and the figures of the last day."""
    now = there.clock()
    quarters = there.figure_rows.of_last_day()
    polled, why = _poll(there)
    watched = probes.found(there)
    queue, queue_silent = _queue(there)
    return Facts(
        now=now, deployed=not there.settings.is_offline, interval=there.settings.poll_seconds, polled=polled,
        poll_failed=why, lag=last_hour(quarters, now), wait=last_hour(quarters, now, "wait"), queue=queue,
        queue_silent=queue_silent,
        watched=watched["found"], watched_at=watched["at"], failing=len(there.links.listed(["failing"], "", COUNTED)),
    ), quarters


def last_hour(quarters: Quarters, now: float, what: str = "lag") -> dict[str, float | None]:
    """The lag (or whatever else was counted by how long it took) in seconds, p50 and p95, of the last hour, to the
    quarter.
    """
    counts: dict[str, int] = {}
    for start, there in quarters.items():
        if start > now - (HOUR_QUARTERS + 1) * QUARTER_SECONDS:
            for name, count in there.items():
                counts[name] = counts.get(name, 0) + count
    return {"p50": lag(counts, 0.5, what), "p95": lag(counts, 0.95, what)}


def polled(there: wiring.Jpi) -> float | None:
    """When the last poll succeeded, in epoch seconds; None before the first."""
    position = there.cursor.load()
    return position.polled.timestamp() if position and position.polled else None


def _poll(there: wiring.Jpi) -> tuple[float | None, str]:
    succeeded, failed = polled(there), there.cache.look(POLL_FAILED)
    return succeeded, failed["reason"] if failed and failed["at"] > (succeeded or 0.0) else ""


def _queue(there: wiring.Jpi) -> tuple[Queued | None, str]:
    """How full the queues are, or why nobody knows: all else is shown without."""
    try:
        return Queued(*there.queue.waiting(), there.queue.parked_count()) if there.queue else None, ""
    except Outage as error:
        return None, str(error)


def find(there: wiring.Jpi, wanted: str, text: str, before: str) -> Page:
    """The newest incidents in a state (empty: in any) that have this text in their title, id, issue or trouble."""
    states = [wanted] if wanted in STATES else list(STATES)
    if not text:
        rows = there.links.listed(states, before, PAGE)
        return Page(rows, rows[-1].place if len(rows) == PAGE else "", len(rows))
    if exact := _exactly(there, text.strip()):
        return Page([exact], looked=1)
    return _searched(there, states, text.casefold().strip(), before)


def _searched(there: wiring.Jpi, states: Sequence[str], text: str, before: str) -> Page:
    looked, rows = 0, list[Listed]()
    for one in islice(_listed(there, states, before), SEARCHED):
        looked, before = looked + 1, one.place
        if text in " ".join((one.card.title, one.incident_id, one.card.issue, one.card.trouble)).casefold():
            rows.append(one)
        if len(rows) == PAGE:
            return Page(rows, before, looked)
    return Page(rows, before if looked == SEARCHED else "", looked)


def _listed(there: wiring.Jpi, states: Sequence[str], before: str) -> Iterator[Listed]:
    """All that are listed, from a place on, read as they are asked for."""
    return merge(*(_of_state(there, one, before) for one in states), key=lambda one: one.place, reverse=True)


def _of_state(there: wiring.Jpi, one: str, before: str) -> Iterator[Listed]:
    while rows := there.links.listed([one], before, BATCH):
        yield from rows
        before = rows[-1].place
        if len(rows) < BATCH:
            return


def _exactly(there: wiring.Jpi, text: str) -> Listed | None:
    """The link of this incident id or issue key, however old it is."""
    incident = text.upper() if text.isalnum() else there.links.incident_of(text.upper()) if "-" in text else None
    link = there.links.get(incident) if incident else None
    return listed(link) if link and link.version else None


def again(there: wiring.Jpi, incident_id: str, by: str) -> str:
    """Have both sides of an incident made equal by their present state; what came of it, in words."""
    try:
        if not there.engine.take_up(incident_id):
            return "Its issue is gone, or jpi cannot see it."
        said = []
        for event in there.reconcile.everything(incident_id):
            # Under an id of its own: SQS takes each only once in five minutes.
            asked = replace(event, id=f"{event.id}:{by}", source=BY_HAND, request=by)
            said += there.hand_over([asked])
    except Retryable as error:
        return f"Not now: {error}"
    except JpiError as error:
        return f"That did not work: {error}"
    failed = [one for one in said if isinstance(one, Exception)]
    if failed:
        return f"That did not work: {failed[0]}"
    if there.queue:
        return "It waits in the queue and is applied in a moment."
    changed = any(result_of(str(one)) == APPLIED for one in said)
    return f"{'Done' if changed else 'There was nothing to do'}: its history says {'what' if changed else 'why'}."
