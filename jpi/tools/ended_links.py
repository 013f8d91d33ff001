"""Finds the links that ended, so that `jpi replay --ended-since` resumes them."""

from collections.abc import Iterator
from datetime import UTC, datetime

import click

from jpi import wiring
from jpi.domain.link import Link

READ_BATCH_SIZE = 100


def parse_since(context: click.Context, parameter: click.Parameter, value: str | None) -> datetime | None:
    """Return an ISO time, in UTC if it names no zone; raise a usage error for anything else."""
    if value is None:
        return None
    try:
        since = datetime.fromisoformat(value)
    except ValueError:
        raise click.BadParameter(f"{value} is not an ISO time, like 2026-11-27T08:00") from None
    return since if since.tzinfo else since.replace(tzinfo=UTC)


def list_ended_since(app: wiring.App, since: datetime) -> list[str]:
    """Return the incidents whose link ended at this time or later."""
    ended = app.links.get_all(list(_iterate_ended_ids(app)))
    return [incident_id for incident_id, link in ended.items()
            if link.ended and _get_ended_at(link) >= since.timestamp()]


def _get_ended_at(link: Link) -> float:
    """Return when the link ended; a row of an earlier version tells by its newest history only."""
    return max([look.at for look in link.missing_since.values()] or [entry.at for entry in link.history[-1:]] or [0.0])


def _iterate_ended_ids(app: wiring.App) -> Iterator[str]:
    before = ""
    while items := app.links.list_by_state(["ended"], before, READ_BATCH_SIZE):
        yield from (item.incident_id for item in items)
        before = items[-1].position
