"""The three-way merge of the fields that have a value on either side: title and priority. Pure.

`Link.fields` keeps of each what either side was last seen with or set to, and when that was changed (`at`).
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

from jpi.sync.actions import Action, EditIncident, EditIssue
from jpi.sync.events import Event, IssueUpdated
from jpi.sync.link import Link
from jpi.sync.policy import Policy
from jpi.sync.text import summary

Side = Literal["pagerduty", "jira"]
FIELDS = ("title", "priority")
# More than are ever under way: an echo of ours that comes late must not be taken for somebody's change.
REMEMBERED = 8


def merge(event: Event, link: Link, policy: Policy) -> list[Action]:
    """The writes that carry over what `event` shows as changed; back to its own side too where ours hid the change."""
    here = side_of(event)
    there: dict[str, str] = {}
    back: dict[str, str] = {}
    for name, value in shown(event).items():
        if not _moved(name, value, event, link):
            continue
        hidden = _when(event) < wrote(link, here, name)
        if hidden and not _wins(name, event, link):
            continue
        if (wanted := _counterpart(name, here, value, link, policy)) is not None:
            there[name] = wanted
        if hidden:
            back[name] = value
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
        fields[name] = {**fields.get(name, {}), side: value, "at": action.at, f"{side}, by us": ours}
    return replace(link, fields=fields)


def noticed(event: Event, link: Link) -> Link:
    """The link that knows what the event shows of its side, but for what we have set there since."""
    side, at = side_of(event), event.at.timestamp()
    news = {name: value for name, value in shown(event).items()
            if _when(event) >= wrote(link, side, name) and known(link, side, name) != value}
    return replace(link, fields={**link.fields, **{
        name: {**link.fields.get(name, {}), side: value, "at": at} for name, value in news.items()}})


def shown(event: Event) -> Mapping[str, str]:
    """What the event says of the fields. An empty one is never carried over, so it says nothing."""
    snapshot = event.issue if isinstance(event, IssueUpdated) else event.incident
    return {name: value for name in FIELDS if (value := getattr(snapshot, name))}


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
    return "jira" if isinstance(event, IssueUpdated) else "pagerduty"


def _when(event: Event) -> float:
    """Of when the state is that it shows: a read's is that of when it was read, by our own clock."""
    read_at = getattr(event, "read_at", None)
    return float((read_at or event.at).timestamp())


def _moved(name: str, value: str, event: Event, link: Link) -> bool:
    """Whether it is another value than that side had; where that is not known, only if the event says so itself."""
    before = known(link, side_of(event), name)
    return name in event.changed if before is None else value != before


def _wins(name: str, event: Event, link: Link) -> bool:
    """Whether a change that our write has hidden was made after the one that we wrote, and is no late echo of ours."""
    at, value = event.at.timestamp(), shown(event)[name]
    echo = any(value == ours and at >= since for ours, since in _by_us(link, side_of(event), name))
    return name in event.changed and not echo and at > link.fields.get(name, {}).get("at", 0.0)


def _by_us(link: Link, side: Side, name: str) -> list[tuple[str, float]]:
    found: list[tuple[str, float]] = link.fields.get(name, {}).get(f"{side}, by us", [])
    return found


def _counterpart(name: str, here: Side, value: str, link: Link, policy: Policy) -> str | None:
    """What the other side is to be set to; None where it has that, or nothing stands for the value there."""
    if here == "pagerduty":
        there = known(link, "jira", name)
        if name == "title":
            return summary(value) if summary(value) != there else None
        return None if there and policy.means(value, there) else policy.on_jira(value)
    there = known(link, "pagerduty", name)
    if name == "title":
        return None if there is not None and summary(there) == value else value
    return None if policy.means(there, value) else policy.priority_of(value)
