"""List the dead letters, bring them back to the queue, or reconcile one incident.

Examples:
  python -m jpi.tools.replay                        what is in the dead-letter queue, and why
  python -m jpi.tools.replay --event 01DEN49O5ZAU   one event's message
  python -m jpi.tools.replay --of Q1R2DLCB21K7NP    one incident's messages
  python -m jpi.tools.replay --all --dry-run        what replaying everything would do
  python -m jpi.tools.replay --incident Q1R2DLCB21K7NP   make both services agree on it, by their present state
"""

import argparse
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from jpi import event_codec, wiring
from jpi.domain.events import Event, IssueEvent
from jpi.domain.link import Failure
from jpi.errors import JpiError, PermanentError
from jpi.queue import DeadLetter, EventQueue
from jpi.status_page.health import format_age

ROW_FORMAT = "{:<14}  {:<36}  {:<26}  {:>8}  {}"
UNKNOWN_REASON = "unknown: the function crashed or ran out of time"
UNREADABLE = "(unreadable)"


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


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0 where everything asked for was done, 1 where something was not, said on stderr."""
    chosen = _parse_arguments(arguments)
    try:
        there = wiring.get_app()
        there.budget.start(600.0)
        if chosen.incident:
            return _resync_incident(there, chosen.incident, chosen.dry_run)
        if there.queue is None:
            raise PermanentError("EVENTS_QUEUE is not set: events are applied in process, and none are parked.")
        if chosen.all or chosen.of or chosen.event:
            return _replay_chosen(there, there.queue, chosen)
        return _list_dead_letters(there, there.queue)
    except JpiError as error:
        print(error, file=sys.stderr)
        return 1


def _parse_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m jpi.tools.replay", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--all", action="store_true", help="replay every parked event")
    what.add_argument("--of", metavar="INCIDENT", help="replay one incident's parked events")
    what.add_argument("--event", metavar="ID", help="replay one parked event, of the first ten of its incident")
    what.add_argument("--incident", metavar="ID", help="re-synchronise one incident from both services' present state")
    parser.add_argument("--dry-run", action="store_true", help="say what would happen, and do nothing")
    return parser.parse_args(arguments)


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


def _replay_chosen(app: wiring.App, queue: EventQueue, options: argparse.Namespace) -> int:
    """Replay the chosen dead letters until none is left: SQS shows at most ten messages of an incident at a time."""
    count, unreplayed, has_more = 0, dict[str, DeadLetter](), True
    try:
        while has_more:
            entries = _read_entries(app, queue.receive_dead_letters())
            unreplayed |= {entry.dead_letter.message_id: entry.dead_letter for entry in entries}
            chosen_entries = [entry for entry in entries if _is_chosen(entry, options)]
            for entry in chosen_entries:
                _replay_entry(app, queue, entry, options.dry_run)
                if not options.dry_run:
                    del unreplayed[entry.dead_letter.message_id]
            count += len(chosen_entries)
            has_more = bool(chosen_entries) and not options.dry_run
    finally:
        queue.release_dead_letters(unreplayed.values())
    print(f"{count} {'would be replayed' if options.dry_run else 'replayed'}.")
    return 0 if count or options.all else 1


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


def _is_chosen(entry: DeadLetterEntry, options: argparse.Namespace) -> bool:
    return bool(options.all or entry.dead_letter.incident_id == options.of or entry.event_id == options.event)


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


def _resync_incident(app: wiring.App, incident_id: str, dry_run: bool) -> int:
    if not dry_run and not app.sync_service.resume_ended_link(incident_id):
        print("Its issue does not exist, or jpi may not see it.")
        return 0
    for event in app.reconciler.read_incident_events(incident_id):
        side = "Jira" if isinstance(event, IssueEvent) else "PagerDuty"
        result = app.sync_service.describe_plan(event) if dry_run else app.sync_service.apply(event)
        print(f"{side}'s state: {'would do: ' if dry_run else ''}{result}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
