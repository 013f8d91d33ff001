"""Shows the events that could not be applied, brings them back to the queue, or re-synchronises one incident.

Examples:
  python -m jpi.tools.replay                        what is in the dead-letter queue, and why
  python -m jpi.tools.replay --event 01DEN49O5ZAU   one event's message
  python -m jpi.tools.replay --of Q1R2DLCB21K7NP    one incident's messages
  python -m jpi.tools.replay --all --dry-run        what replaying everything would do
  python -m jpi.tools.replay --incident Q1R2DLCB21K7NP   make both services agree on it, by their present state
"""

import argparse
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from jpi import event_codec, wiring
from jpi.domain.events import Event, IssueEvent
from jpi.errors import JpiError, Permanent
from jpi.queue import Parked, Queue
from jpi.status_page.health import age

ROW = "{:<14}  {:<36}  {:<26}  {:>8}  {}"
UNKNOWN = "not known: the function died, or ran out of time"
UNREADABLE = "(unreadable)"


@dataclass(frozen=True)
class Shown:
    """A parked message, and what it is about; `event` is None where it cannot be read."""

    parked: Parked
    event: Event | None
    reason: str

    @property
    def event_id(self) -> str:
        """The id that the service gave the event."""
        return self.event.id if self.event else UNREADABLE

    def row(self, now: float) -> str:
        """A line of the list."""
        kind = type(self.event).__name__ if self.event else UNREADABLE
        happened = self.event.at.timestamp() if self.event else self.parked.sent
        return ROW.format(self.parked.incident_id, self.event_id, kind, age(now - happened), self.reason)


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0 where everything asked for was done, 1 where something was not, said on stderr."""
    chosen = _arguments(arguments)
    try:
        there = wiring.jpi()
        there.budget.start(600.0)
        if chosen.incident:
            return _resync(there, chosen.incident, chosen.dry_run)
        if there.queue is None:
            raise Permanent("EVENTS_QUEUE is not set: events are applied in process, and none are parked.")
        if chosen.all or chosen.of or chosen.event:
            return _replay(there, there.queue, chosen)
        return _list(there, there.queue)
    except JpiError as error:
        print(error, file=sys.stderr)
        return 1


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m jpi.tools.replay", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--all", action="store_true", help="replay every parked event")
    what.add_argument("--of", metavar="INCIDENT", help="replay one incident's parked events")
    what.add_argument("--event", metavar="ID", help="replay one parked event, of the first ten of its incident")
    what.add_argument("--incident", metavar="ID", help="re-synchronise one incident from both services' present state")
    parser.add_argument("--dry-run", action="store_true", help="say what would happen, and do nothing")
    return parser.parse_args(arguments)


def _list(there: wiring.Jpi, queue: Queue) -> int:
    parked = queue.parked()
    try:
        if parked:
            print(ROW.format("incident", "event", "type", "age", "reason"))
        for one in _shown(there, parked):
            print(one.row(there.clock()))
        print(f"{len(parked)} events are parked." if len(parked) != 1 else "1 event is parked.")
    finally:
        queue.release(parked)
    return 0


def _replay(there: wiring.Jpi, queue: Queue, chosen: argparse.Namespace) -> int:
    """Every parked message that was chosen, until there is none more: SQS shows ten of an incident at a time."""
    done, left, more = 0, dict[str, Parked](), True
    try:
        while more:
            shown = _shown(there, queue.parked())
            left |= {one.parked.id: one.parked for one in shown}
            wanted = [one for one in shown if _wanted(one, chosen)]
            for one in wanted:
                _one(there, queue, one, chosen.dry_run)
                if not chosen.dry_run:
                    del left[one.parked.id]
            done += len(wanted)
            more = bool(wanted) and not chosen.dry_run
    finally:
        queue.release(left.values())
    print(f"{done} {'would be replayed' if chosen.dry_run else 'replayed'}.")
    return 0 if done or chosen.all else 1


def _one(there: wiring.Jpi, queue: Queue, one: Shown, dry_run: bool) -> None:
    if not dry_run:
        queue.replay(one.parked, str(there.clock()))
    print(f"{one.parked.incident_id}  {one.event_id}  {_would(there, one) if dry_run else 'back in the queue'}")


def _would(there: wiring.Jpi, one: Shown) -> str:
    try:
        return there.engine.plan(one.event) if one.event else "nothing: it cannot be read"
    except JpiError as error:
        return f"fail: {error}"


def _wanted(one: Shown, chosen: argparse.Namespace) -> bool:
    return bool(chosen.all or one.parked.incident_id == chosen.of or one.event_id == chosen.event)


def _shown(there: wiring.Jpi, parked: Iterable[Parked]) -> list[Shown]:
    """With the reasons that the links remember."""
    found = list(parked)
    links = there.links.get_all([one.incident_id for one in found])
    return [_with_reason(one, links[one.incident_id].failed) for one in found]


def _with_reason(parked: Parked, failed: object) -> Shown:
    try:
        event = event_codec.event(parked.body)
    except Permanent as error:
        return Shown(parked, None, str(error))
    known = failed.get(event.id) if isinstance(failed, dict) else None
    return Shown(parked, event, known["reason"] if known else UNKNOWN)


def _resync(there: wiring.Jpi, incident_id: str, dry_run: bool) -> int:
    if not dry_run and not there.engine.take_up(incident_id):
        print("Its issue is gone, or jpi cannot see it.")
        return 0
    for event in there.reconcile.everything(incident_id):
        side = "Jira" if isinstance(event, IssueEvent) else "PagerDuty"
        done = there.engine.plan(event) if dry_run else there.engine.apply(event)
        print(f"{side}'s state: {'would do: ' if dry_run else ''}{done}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
