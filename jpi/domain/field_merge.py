"""The three-way merge of the fields that have a value on either side: title, priority and assignee. Pure.

`Link.fields` keeps of each what either side was last seen with or set to, and when that was changed (`at`).
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from jpi.domain.actions import Assignee, EditIncident, EditIssue
from jpi.domain.events import Event, IssueEvent
from jpi.domain.link import Link
from jpi.domain.model import Incident, Issue, Side
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
    side, other = get_side(event), get_side(event).other
    values: dict[Side, dict[str, str | Assignee]] = {Side.JIRA: {}, Side.PAGERDUTY: {}}
    conflicts: dict[str, Side] = {}
    for name, value in get_snapshot_fields(event).items():
        rule = policy.field_policy(name)
        if rule.direction == "off" or not _has_changed(name, value, event, link):
            continue
        is_hidden = _get_observed_at(event) < get_last_write_at(link, side, name)
        if is_hidden and _hides_human_edit(name, event, link):
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
            values[side][name] = _to_assignee(event, value) if name == "assignee" else value
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
    side, at = get_side(event), event.at.timestamp()
    news = {name: value for name, value in get_snapshot_fields(event).items() if name not in except_fields
            and _get_observed_at(event) >= get_last_write_at(link, side, name)
            and get_known_value(link, side, name) != value}
    return replace(link, fields={**link.fields, **{
        name: {**link.fields.get(name, {}), side: value, "at": at} for name, value in news.items()}})


def get_snapshot_fields(event: Event) -> Mapping[str, str]:
    """What the event says of the fields. An empty one is never carried over, so it says nothing."""
    if isinstance(event, IssueEvent):
        snapshot: Issue | Incident = event.issue
        assignee = event.issue.assignee
    else:
        snapshot = event.incident
        assignee = next(iter(event.incident.assignees), None)
    said = {"title": snapshot.title, "priority": snapshot.priority, "assignee": assignee and assignee.id}
    return {name: value for name, value in said.items() if value}


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


def get_side(event: Event) -> Side:
    """The side that an event tells of."""
    return Side.JIRA if isinstance(event, IssueEvent) else Side.PAGERDUTY


def _get_observed_at(event: Event) -> float:
    """Of when the state is that it shows: a read's is that of when it was read, by our own clock."""
    read_at = getattr(event, "read_at", None)
    return float((read_at or event.at).timestamp())


def _has_changed(name: str, value: str, event: Event, link: Link) -> bool:
    """Whether it is another value than that side had; where that is not known, only if the event says so itself."""
    before = get_known_value(link, get_side(event), name)
    return name in event.changed if before is None else value != before


def _hides_human_edit(name: str, event: Event, link: Link) -> bool:
    """Whether somebody's change is shown that our own write has hidden since, and no late echo of ours."""
    at, value, here = event.at.timestamp(), get_snapshot_fields(event)[name], get_side(event)
    if _get_observed_at(event) >= get_last_write_at(link, here, name):
        return False
    if any(value == ours and at >= since for ours, since in _get_own_writes(link, here, name)):
        return False
    return name in event.changed or _has_unseen_edit(name, event, link)


def _has_precedence(name: str, event: Event, link: Link, winner: Winner) -> bool:
    """Whether such a change beats the one that we wrote: the newer does, unless a side was declared the winner."""
    newer = event.at.timestamp() > link.fields.get(name, {}).get("at", 0.0)
    return newer if winner == "newer" else winner == get_side(event)


def _has_unseen_edit(name: str, event: Event, link: Link) -> bool:
    """Whether a read from before our write shows what we had not known then: somebody's change that it wrote over."""
    was = _get_replaced_values(link, get_side(event), name)
    ours = [value for value, _ in _get_own_writes(link, get_side(event), name)]
    if getattr(event, "read_at", None) is None or not was or None in was:
        return False
    return get_snapshot_fields(event)[name] not in [*was, *ours]


def _get_replaced_values(link: Link, side: Side, name: str) -> list[str | None]:
    found: list[str | None] = link.fields.get(name, {}).get(f"{side}, before", [])
    return found


def _get_own_writes(link: Link, side: Side, name: str) -> list[tuple[str, float]]:
    found: list[tuple[str, float]] = link.fields.get(name, {}).get(f"{side}, by us", [])
    return found


def _to_assignee(event: Event, value: str) -> Assignee:
    people = (event.issue.assignee,) if isinstance(event, IssueEvent) else event.incident.assignees
    return Assignee(get_side(event), value, next((one.name for one in people if one and one.id == value), ""))


def _translate_value(name: str, event: Event, value: str, link: Link, policy: Policy) -> str | Assignee | None:
    """What the other side is to be set to; None where it has that, or nothing stands for the value there."""
    here = get_side(event)
    if name == "assignee":
        return _to_assignee(event, value)
    if here is Side.PAGERDUTY:
        there = get_known_value(link, Side.JIRA, name)
        if name == "title":
            return to_summary(value) if to_summary(value) != there else None
        return None if there and policy.is_same_priority(value, there) else policy.to_jira_priority(value)
    there = get_known_value(link, Side.PAGERDUTY, name)
    if name == "title":
        return None if there is not None and to_summary(there) == value else value
    return None if policy.is_same_priority(there, value) else policy.to_pagerduty_priority(value)
