"""The three-way merge of the fields that have a value on either side: title, priority and assignee. Pure.

`Link.fields` keeps of each what either side was last seen with or set to, and when that was changed (`at`).
"""

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Literal

from jpi.domain.actions import Action, Assignee, EditIncident, EditIssue
from jpi.domain.events import Event, IssueEvent
from jpi.domain.link import Link
from jpi.domain.model import Incident, Issue
from jpi.domain.policy import Policy, Winner
from jpi.domain.text_limits import summary

Side = Literal["pagerduty", "jira"]
OTHER: Mapping[Side, Side] = {"jira": "pagerduty", "pagerduty": "jira"}
# Of whom an incident is assigned to: to be carried over by the next event that shows it.
NOBODY_YET = ""
# More than are ever under way: an echo of ours that comes late must not be taken for somebody's change.
REMEMBERED = 30


def merge(event: Event, link: Link, policy: Policy) -> list[Action]:
    """The writes that carry over what `event` shows as changed; back to its own side too where ours hid the change."""
    here = side_of(event)
    there: dict[str, str | Assignee] = {}
    back: dict[str, str | Assignee] = {}
    for name, value in shown(event).items():
        how = policy.how(name)
        if how.direction == "off" or not moved(name, value, event, link):
            continue
        hidden = _when(event) < wrote(link, here, name)
        if hidden and not (overwritten(name, event, link) and wins(name, event, link, how.winner)):
            continue
        if how.reaches(OTHER[here]) and (wanted := _counterpart(name, event, value, link, policy)) is not None:
            there[name] = wanted
        if hidden and how.reaches(here):
            back[name] = _assignee(event, value) if name == "assignee" else value
    at = event.at.timestamp()
    on_jira = EditIssue(there if here == "pagerduty" else back, at)
    on_pagerduty = EditIncident(there if here == "jira" else back, at)
    return [one for one in (on_jira, on_pagerduty) if one.values]


def written(action: EditIssue | EditIncident, link: Link) -> Link:
    """The link once these values are on that side; when that was, `seen` tells already."""
    side: Side = "jira" if isinstance(action, EditIssue) else "pagerduty"
    fields = dict(link.fields)
    for name, value in action.values.items():
        ours = [*_by_us(link, side, name), (value, wrote(link, side, name))][-REMEMBERED:]
        was = [*_before_us(link, side, name), known(link, side, name)][-REMEMBERED:]
        fields[name] = {**fields.get(name, {}), side: value, "at": action.at, f"{side}, by us": ours,
                        f"{side}, before": was}
    return replace(link, fields=fields)


def noticed(event: Event, link: Link, but: Collection[str] = ()) -> Link:
    """The link that knows what the event shows of its side, but for what we have set there since, and those fields."""
    side, at = side_of(event), event.at.timestamp()
    news = {name: value for name, value in shown(event).items()
            if name not in but and _when(event) >= wrote(link, side, name) and known(link, side, name) != value}
    return replace(link, fields={**link.fields, **{
        name: {**link.fields.get(name, {}), side: value, "at": at} for name, value in news.items()}})


def shown(event: Event) -> Mapping[str, str]:
    """What the event says of the fields. An empty one is never carried over, so it says nothing."""
    if isinstance(event, IssueEvent):
        snapshot: Issue | Incident = event.issue
        assignee = event.issue.assignee
    else:
        snapshot = event.incident
        assignee = next(iter(event.incident.assignees), None)
    said = {"title": snapshot.title, "priority": snapshot.priority, "assignee": assignee and assignee.id}
    return {name: value for name, value in said.items() if value}


def known(link: Link, side: Side, name: str) -> str | None:
    """What a side was last seen with or set to."""
    value: str | None = link.fields.get(name, {}).get(side)
    return value


def wrote(link: Link, side: Side, name: str) -> float:
    """When we last set a field on a side, in epoch seconds of our own clock."""
    return link.seen.get(set_by_us(side, name), 0.0)


def set_by_us(side: Side, name: str) -> str:
    """Where `Link.seen` keeps that."""
    return f"{side}: {name}"


def side_of(event: Event) -> Side:
    """The side that an event tells of."""
    return "jira" if isinstance(event, IssueEvent) else "pagerduty"


def _when(event: Event) -> float:
    """Of when the state is that it shows: a read's is that of when it was read, by our own clock."""
    read_at = getattr(event, "read_at", None)
    return float((read_at or event.at).timestamp())


def moved(name: str, value: str, event: Event, link: Link) -> bool:
    """Whether it is another value than that side had; where that is not known, only if the event says so itself."""
    before = known(link, side_of(event), name)
    return name in event.changed if before is None else value != before


def overwritten(name: str, event: Event, link: Link) -> bool:
    """Whether somebody's change is shown that our own write has hidden since, and no late echo of ours."""
    at, value, here = event.at.timestamp(), shown(event)[name], side_of(event)
    if _when(event) >= wrote(link, here, name):
        return False
    if any(value == ours and at >= since for ours, since in _by_us(link, here, name)):
        return False
    return name in event.changed or _changed_unseen(name, event, link)


def wins(name: str, event: Event, link: Link, winner: Winner) -> bool:
    """Whether such a change beats the one that we wrote: the newer does, unless a side was declared the winner."""
    newer = event.at.timestamp() > link.fields.get(name, {}).get("at", 0.0)
    return newer if winner == "newer" else winner == side_of(event)


def _changed_unseen(name: str, event: Event, link: Link) -> bool:
    """Whether a read from before our write shows what we had not known then: somebody's change that it wrote over."""
    was = _before_us(link, side_of(event), name)
    ours = [value for value, _ in _by_us(link, side_of(event), name)]
    if getattr(event, "read_at", None) is None or not was or None in was:
        return False
    return shown(event)[name] not in [*was, *ours]


def _before_us(link: Link, side: Side, name: str) -> list[str | None]:
    found: list[str | None] = link.fields.get(name, {}).get(f"{side}, before", [])
    return found


def _by_us(link: Link, side: Side, name: str) -> list[tuple[str, float]]:
    found: list[tuple[str, float]] = link.fields.get(name, {}).get(f"{side}, by us", [])
    return found


def _assignee(event: Event, value: str) -> Assignee:
    people = (event.issue.assignee,) if isinstance(event, IssueEvent) else event.incident.assignees
    return Assignee(side_of(event), value, next((one.name for one in people if one and one.id == value), ""))


def _counterpart(name: str, event: Event, value: str, link: Link, policy: Policy) -> str | Assignee | None:
    """What the other side is to be set to; None where it has that, or nothing stands for the value there."""
    here = side_of(event)
    if name == "assignee":
        return _assignee(event, value)
    if here == "pagerduty":
        there = known(link, "jira", name)
        if name == "title":
            return summary(value) if summary(value) != there else None
        return None if there and policy.means(value, there) else policy.on_jira(value)
    there = known(link, "pagerduty", name)
    if name == "title":
        return None if there is not None and summary(there) == value else value
    return None if policy.means(there, value) else policy.priority_of(value)
