"""The command `jpi replay`."""

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

import click

from jpi import event_codec, wiring
from jpi.domain.events import Event, IssueEvent
from jpi.domain.link import Failure, Link
from jpi.domain.link_summary import has_lost
from jpi.domain.model import Side
from jpi.errors import JpiError, PermanentError
from jpi.queue import DeadLetter, EventQueue
from jpi.status_page.health import format_age
from jpi.tools.command_runner import require_at_most_one, run_command

READ_BATCH_SIZE = 100
CALL_BUDGET_SECONDS = 600.0
ROW_FORMAT = "{:<14}  {:<36}  {:<26}  {:>8}  {}"
UNKNOWN_REASON = "unknown: the function crashed or ran out of time"
UNREADABLE = "(unreadable)"


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


@dataclass(frozen=True)
class DeadLetterEntry:
    """A dead letter with its event; `event` is None if the message cannot be read."""

    dead_letter: DeadLetter
    event: Event | None
    reason: str

    @property
    def event_id(self) -> str:
        """Return the id that the service gave the event."""
        return self.event.id if self.event else UNREADABLE

    def format_row(self, now: float) -> str:
        """Format the dead letter as a row of the list."""
        kind = type(self.event).__name__ if self.event else UNREADABLE
        happened = self.event.at.timestamp() if self.event else self.dead_letter.dead_lettered_at
        return ROW_FORMAT.format(self.dead_letter.incident_id, self.event_id, kind, format_age(now - happened),
                                 self.reason)


@click.command("replay")
@click.option("--all", "replay_all", is_flag=True, help="Replay all dead letters.")
@click.option("--of", metavar="INCIDENT", help="Replay one incident's dead letters.")
@click.option("--event", metavar="ID", help="Replay one event's dead letter, if among the first ten of its incident.")
@click.option("--incident", "--issue", metavar="ID", help="Reconcile one incident from both services' present state; "
              "an issue's key stands for its incident, which is opened if a rule wants it.")
@click.option("--new-issue", is_flag=True, help="With --incident, if its issue is gone: create a new one.")
@click.option("--ended-since", metavar="TIME", callback=parse_since,
              help="Resume the links that ended since then.")
@click.option("--dry-run", is_flag=True, help="Print what would happen, and change nothing.")
def replay_events(replay_all: bool, of: str | None, event: str | None, incident: str | None,
                  new_issue: bool, ended_since: datetime | None, dry_run: bool) -> int:
    """List or replay dead letters, or reconcile an incident.

    \b
    Examples:
      jpi replay                             list the dead letters
      jpi replay --event 01DEN49O5ZAU        replay one event
      jpi replay --of Q1R2DLCB21K7NP         replay one incident's events
      jpi replay --all --dry-run             show what replaying everything would do
      jpi replay --incident Q1R2DLCB21K7NP   make both services agree on one incident
      jpi replay --incident Q1R2DLCB21K7NP --new-issue   the same after its issue was deleted: create a new one
      jpi replay --issue INCIDENT-42         the same by its issue, or open the incident that the issue waits for
      jpi replay --ended-since 2026-11-27T08:00   resume all links that ended, as after a wrong token
    """
    require_at_most_one(all=replay_all, of=of, event=event, incident=incident, ended_since=ended_since)
    app = wiring.get_app()
    app.budget.start(CALL_BUDGET_SECONDS)
    if new_issue and not incident:
        raise click.UsageError("--new-issue needs --incident.")
    if incident:
        incident_id = app.links.find_incident_id(incident) or incident
        if new_issue and not dry_run:
            app.sync_service.start_link_anew(incident_id)
        return _resync_incident(app, incident_id, dry_run)
    if ended_since:
        return _resume_ended_links(app, list_ended_since(app, ended_since), dry_run)
    if app.queue is None:
        raise PermanentError("EVENTS_QUEUE is not set: jpi applies events in process, and there are no dead letters. "
                             f"For the deployed stage: jpi --env {app.settings.stage} replay")
    if not (replay_all or of or event):
        return _list_dead_letters(app, app.queue)
    count = _replay_matching(app, app.queue, dry_run, lambda entry: (
        replay_all or entry.dead_letter.incident_id == of or entry.event_id == event))
    print(f"{count} {'would be replayed' if dry_run else 'replayed'}.")
    return 0 if count or replay_all else 1


def _list_dead_letters(app: wiring.App, queue: EventQueue) -> int:
    parked = queue.receive_dead_letters()
    try:
        if parked:
            print(ROW_FORMAT.format("incident", "event", "type", "age", "reason"))
        for entry in _read_entries(app, parked):
            print(entry.format_row(app.clock()))
        print(f"{len(parked)} events are parked." if len(parked) != 1 else "1 event is parked.")
    finally:
        queue.release_dead_letters(parked)
    return 0


def _replay_matching(app: wiring.App, queue: EventQueue, dry_run: bool,
                     matches: Callable[[DeadLetterEntry], bool]) -> int:
    """Replay the matching dead letters until none is left: SQS shows at most ten messages of an incident at a time."""
    count, unreplayed, has_more = 0, dict[str, DeadLetter](), True
    try:
        while has_more:
            entries = _read_entries(app, queue.receive_dead_letters())
            unreplayed |= {entry.dead_letter.message_id: entry.dead_letter for entry in entries}
            matching_entries = list(filter(matches, entries))
            for entry in matching_entries:
                _replay_entry(app, queue, entry, dry_run)
                if not dry_run:
                    del unreplayed[entry.dead_letter.message_id]
            count += len(matching_entries)
            has_more = bool(matching_entries) and not dry_run
    finally:
        queue.release_dead_letters(unreplayed.values())
    return count


def _replay_entry(app: wiring.App, queue: EventQueue, entry: DeadLetterEntry, dry_run: bool) -> None:
    if not dry_run:
        queue.requeue_dead_letter(entry.dead_letter, str(app.clock()))
    result = _describe_plan(app, entry) if dry_run else "back in the queue"
    print(f"{entry.dead_letter.incident_id}  {entry.event_id}  {result}")


def _describe_plan(app: wiring.App, entry: DeadLetterEntry) -> str:
    try:
        return app.sync_service.describe_plan(entry.event) if entry.event else "nothing: the message cannot be read"
    except JpiError as error:
        return f"fail: {error}"


def _read_entries(app: wiring.App, dead_letters: Iterable[DeadLetter]) -> list[DeadLetterEntry]:
    """Parse the dead letters, with the reasons that their links keep."""
    letters = list(dead_letters)
    links = app.links.get_all([letter.incident_id for letter in letters])
    return [_parse_entry(letter, links[letter.incident_id].failures) for letter in letters]


def _parse_entry(dead_letter: DeadLetter, failures: Mapping[str, Failure]) -> DeadLetterEntry:
    try:
        event = event_codec.decode_event(dead_letter.body)
    except PermanentError as error:
        return DeadLetterEntry(dead_letter, None, str(error))
    failure = failures.get(event.id)
    return DeadLetterEntry(dead_letter, event, failure.reason if failure else UNKNOWN_REASON)


def _resume_ended_links(app: wiring.App, incident_ids: Sequence[str], dry_run: bool) -> int:
    """Resume the links whose issue and incident are there; return 1 if one failed."""
    exit_code = 0
    print(f"{len(incident_ids)} {'link' if len(incident_ids) == 1 else 'links'} had ended since then.")
    for incident_id in incident_ids:
        print(incident_id)
        try:
            if not dry_run:
                app.budget.start(CALL_BUDGET_SECONDS)
                _resync_incident(app, incident_id, dry_run)
        except JpiError as error:
            print(f"failed: {error}")
            exit_code = 1
    return exit_code


def _name_gone_sides(app: wiring.App, incident_id: str) -> str:
    link = app.links.get(incident_id)
    names = {Side.JIRA: f"Its issue {link.issue_key}", Side.PAGERDUTY: f"The incident {incident_id}"}
    return " or ".join(names[side] for side in Side if has_lost(link, side)) or "Its issue or its incident"


def _resync_incident(app: wiring.App, incident_id: str, dry_run: bool) -> int:
    if not dry_run and not app.sync_service.resume_ended_link(incident_id):
        print(f"{_name_gone_sides(app, incident_id)} does not exist, or jpi may not see it. If the issue was deleted, "
              f"`jpi replay --incident {incident_id} --new-issue` creates a new one.")
        return 1
    for event in app.reconciler.read_incident_events(incident_id):
        side = "Jira" if isinstance(event, IssueEvent) else "PagerDuty"
        result = app.sync_service.describe_plan(event) if dry_run else str(app.sync_service.apply(event))
        print(f"{side}'s state: {'would do: ' if dry_run else ''}{result}")
    return 0


main = partial(run_command, replay_events)

if __name__ == "__main__":
    sys.exit(main())
