"""The three-way merge of the fields that have a value on either side: title, priority and assignee. Pure."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from jpi.domain.actions import Assignee, EditIncident, EditIssue
from jpi.domain.events import Event
from jpi.domain.link import Link
from jpi.domain.model import Side
from jpi.domain.policy import Policy, Winner
from jpi.domain.synced_field import FieldName, Replica
from jpi.domain.text_limits import to_summary

# Of whom an incident is assigned to: to be carried over by the next event that shows it.
ASSIGNEE_NOT_SYNCED = ""


@dataclass(frozen=True)
class FieldMerge:
    """The edits that make both sides equal; `conflicts`: by field that both sides changed, the side that stays."""

    edits: tuple[EditIssue | EditIncident, ...] = ()
    conflicts: Mapping[str, Side] = field(default_factory=dict)


def merge_fields(event: Event, link: Link, policy: Policy) -> FieldMerge:
    """Carry changed fields over; restore a person's edit that our own write had hidden."""
    side, other = event.side, event.side.other
    values: dict[Side, dict[str, str | Assignee]] = {Side.JIRA: {}, Side.PAGERDUTY: {}}
    conflicts: dict[str, Side] = {}
    for name, value in get_snapshot_fields(event).items():
        rule = policy.field_policy(name)
        if rule.direction == "off" or not _has_changed(name, value, event, link):
            continue
        is_hidden = event.observed_at < link.fields[name].on(side).last_write_at
        if is_hidden and _hides_human_edit(name, value, event, link):
            is_winner = _has_precedence(name, event, link, rule.winner)
            conflicts |= {name: side if is_winner else other} if rule.direction == "both" else {}
        else:
            is_winner = not is_hidden
        if not is_winner:
            continue
        translated = _translate_value(name, event, value, link, policy)
        if rule.is_synced_to(other) and translated is not None:
            values[other][name] = translated
        if is_hidden and rule.is_synced_to(side):
            values[side][name] = _to_assignee(value, event) if name == "assignee" else value
    at = event.at.timestamp()
    edits = (EditIssue(values[Side.JIRA], at), EditIncident(values[Side.PAGERDUTY], at))
    return FieldMerge(tuple(edit for edit in edits if edit.values), conflicts)


def record_own_write(action: EditIssue | EditIncident, link: Link, at: float) -> Link:
    """Return the link once jpi has set these values on that side, at this time of our own clock."""
    side = Side.JIRA if isinstance(action, EditIssue) else Side.PAGERDUTY
    for name, value in action.values.items():
        text = value.id if isinstance(value, Assignee) else value
        link = link.with_own_write(FieldName(name), side, text, at, action.changed_at)
    return link


def observe_snapshot(event: Event, link: Link, except_fields: Collection[FieldName] = ()) -> Link:
    """Return the link with the values that the event shows, but for what jpi has set since, and for those fields."""
    for name, value in get_snapshot_fields(event).items():
        replica = link.fields[name].on(event.side)
        is_newer = event.observed_at >= replica.last_write_at
        if name not in except_fields and is_newer and replica.value != value:
            link = link.with_value(name, event.side, value, event.at.timestamp())
    return link


def get_snapshot_fields(event: Event) -> Mapping[FieldName, str]:
    """Return the fields that the snapshot shows, without empty ones, which are never carried over."""
    if event.snapshot is None:
        return {}
    title, priority, assignee = event.snapshot.title, event.snapshot.priority, event.snapshot.assignee
    values = {FieldName.TITLE: title, FieldName.PRIORITY: priority, FieldName.ASSIGNEE: assignee and assignee.id}
    return {name: value for name, value in values.items() if value}


def _has_changed(name: FieldName, value: str, event: Event, link: Link) -> bool:
    """Return True if the side had another value; where that is not known, if the event itself reports a change."""
    known_value = link.fields[name].on(event.side).value
    return name in event.changed if known_value is None else value != known_value


def _hides_human_edit(name: FieldName, value: str, event: Event, link: Link) -> bool:
    """Return True if the event carries a person's edit that our later write replaced, not an echo of that write."""
    replica = link.fields[name].on(event.side)
    if replica.is_echo(value, event.at.timestamp()):
        return False
    return name in event.changed or _has_unseen_edit(value, event, replica)


def _has_precedence(name: FieldName, event: Event, link: Link, winner: Winner) -> bool:
    """Return True if the edit beats our write: the newer one does, unless the team declared a winner."""
    is_newer = event.at.timestamp() > link.fields[name].changed_at
    return is_newer if winner == "newer" else winner == event.side


def _has_unseen_edit(value: str, event: Event, replica: Replica) -> bool:
    """Return True if a read from before our write shows a value that we did not know when we wrote."""
    replaced_values = {write.replaced for write in replica.own_writes}
    if event.read_at is None or not replaced_values or None in replaced_values:
        return False
    return value not in replaced_values | {write.value for write in replica.own_writes}


def _translate_value(name: FieldName, event: Event, value: str, link: Link, policy: Policy) -> str | Assignee | None:
    """Return what the other side is to be set to; None where it has that, or nothing stands for the value there."""
    if name == "assignee":
        return _to_assignee(value, event)
    other_value = link.fields[name].on(event.side.other).value
    if event.side is Side.PAGERDUTY:
        if name == "title":
            return to_summary(value) if to_summary(value) != other_value else None
        is_same = other_value and policy.is_same_priority(value, other_value)
        return None if is_same else policy.to_jira_priority(value)
    if name == "title":
        return None if other_value is not None and to_summary(other_value) == value else value
    return None if policy.is_same_priority(other_value, value) else policy.to_pagerduty_priority(value)


def _to_assignee(person_id: str, event: Event) -> Assignee:
    person = event.snapshot and event.snapshot.assignee
    return Assignee(event.side, person_id, person.name if person else "")
