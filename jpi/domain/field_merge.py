"""The three-way merge of the fields that have a value on either side: title, priority and assignee. Pure.

`Link.fields` keeps of each what either side was last seen with or set to, and when that was changed (`at`).
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from jpi.domain.actions import Assignee, EditIncident, EditIssue
from jpi.domain.events import Event
from jpi.domain.link import Link
from jpi.domain.model import Side
from jpi.domain.policy import Policy, Winner
from jpi.domain.text_limits import to_summary

# Of whom an incident is assigned to: to be carried over by the next event that shows it.
ASSIGNEE_NOT_SYNCED = ""
# More than are ever under way: an echo of ours that comes late must not be taken for somebody's change.
MAX_OWN_WRITES = 30


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
        is_hidden = event.observed_at < get_last_write_at(link, side, name)
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


def record_own_write(action: EditIssue | EditIncident, link: Link) -> Link:
    """The link once these values are on that side; when that was, `seen` tells already."""
    side = Side.JIRA if isinstance(action, EditIssue) else Side.PAGERDUTY
    fields = dict(link.fields)
    for name, value in action.values.items():
        ours = [*_get_own_writes(link, side, name), (value, get_last_write_at(link, side, name))][-MAX_OWN_WRITES:]
        was = [*_get_replaced_values(link, side, name), get_known_value(link, side, name)][-MAX_OWN_WRITES:]
        fields[name] = {**fields.get(name, {}), side: value, "at": action.changed_at, f"{side}, by us": ours,
                        f"{side}, before": was}
    return replace(link, fields=fields)


def observe_snapshot(event: Event, link: Link, except_fields: Collection[str] = ()) -> Link:
    """The link that knows what the event shows of its side, but for what we have set there since, and those fields."""
    side, at = event.side, event.at.timestamp()
    news = {name: value for name, value in get_snapshot_fields(event).items() if name not in except_fields
            and event.observed_at >= get_last_write_at(link, side, name)
            and get_known_value(link, side, name) != value}
    return replace(link, fields={**link.fields, **{
        name: {**link.fields.get(name, {}), side: value, "at": at} for name, value in news.items()}})


def get_snapshot_fields(event: Event) -> Mapping[str, str]:
    """Return the fields that the snapshot shows, without empty ones, which are never carried over."""
    if event.snapshot is None:
        return {}
    title, priority, assignee = event.snapshot.title, event.snapshot.priority, event.snapshot.assignee
    values = {"title": title, "priority": priority, "assignee": assignee and assignee.id}
    return {name: value for name, value in values.items() if value}


def get_known_value(link: Link, side: Side, name: str) -> str | None:
    """What a side was last seen with or set to."""
    value: str | None = link.fields.get(name, {}).get(side)
    return value


def get_last_write_at(link: Link, side: Side, name: str) -> float:
    """When we last set a field on a side, in epoch seconds of our own clock."""
    return link.watermarks.get(build_own_write_key(side, name), 0.0)


def build_own_write_key(side: Side, name: str) -> str:
    """Where `Link.seen` keeps that."""
    return f"{side}: {name}"


def _has_changed(name: str, value: str, event: Event, link: Link) -> bool:
    """Return True if the side had another value; where that is not known, if the event itself reports a change."""
    known_value = get_known_value(link, event.side, name)
    return name in event.changed if known_value is None else value != known_value


def _hides_human_edit(name: str, value: str, event: Event, link: Link) -> bool:
    """Return True if the event carries a person's edit that our later write replaced, not an echo of that write."""
    at = event.at.timestamp()
    if any(value == own_value and at >= since for own_value, since in _get_own_writes(link, event.side, name)):
        return False
    return name in event.changed or _has_unseen_edit(name, value, event, link)


def _has_precedence(name: str, event: Event, link: Link, winner: Winner) -> bool:
    """Return True if the edit beats our write: the newer one does, unless the team declared a winner."""
    is_newer = event.at.timestamp() > link.fields.get(name, {}).get("at", 0.0)
    return is_newer if winner == "newer" else winner == event.side


def _has_unseen_edit(name: str, value: str, event: Event, link: Link) -> bool:
    """Return True if a read from before our write shows a value that we did not know when we wrote."""
    replaced_values = _get_replaced_values(link, event.side, name)
    own_values = [own_value for own_value, _ in _get_own_writes(link, event.side, name)]
    if event.read_at is None or not replaced_values or None in replaced_values:
        return False
    return value not in [*replaced_values, *own_values]


def _get_replaced_values(link: Link, side: Side, name: str) -> list[str | None]:
    found: list[str | None] = link.fields.get(name, {}).get(f"{side}, before", [])
    return found


def _get_own_writes(link: Link, side: Side, name: str) -> list[tuple[str, float]]:
    found: list[tuple[str, float]] = link.fields.get(name, {}).get(f"{side}, by us", [])
    return found


def _translate_value(name: str, event: Event, value: str, link: Link, policy: Policy) -> str | Assignee | None:
    """Return what the other side is to be set to; None where it has that, or nothing stands for the value there."""
    if name == "assignee":
        return _to_assignee(value, event)
    other_value = get_known_value(link, event.side.other, name)
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
