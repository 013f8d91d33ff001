"""Moving an issue through its workflow, whatever that looks like."""

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from jpi.domain.model import Category
from jpi.domain.policy import Way
from jpi.errors import NoWay, Refused, Unavailable
from jpi.http_client import Calls
from jpi.jira.create_request import shaped

Json = dict[str, Any]
Outcome = Literal["moved", "there", "left"]

BAD_REQUEST = 400
CONFLICT = 409
# A workflow that takes more steps than this from "to do" to "done" is meant to be walked by people.
HOPS = 4
CONFLICTS = 3
ORDER = ("new", "indeterminate", "done")
NO_TRANSITION = "its workflow has no transition from here to a status of category '{}'"


class Workflow:
    """The transitions of one site's issues."""

    def __init__(self, call: Calls) -> None:
        self._call = call

    def bring(self, key: str, way: Way) -> Outcome:
        """Bring the issue to where `way` leads; "there": it was, "left": somebody has closed it, which is on its way.

        Step by step, through statuses that lie between, where no transition leads there at once. NoWay: none does.
        """
        visited: set[str] = set()
        conflicts = 0
        left_at: Category | None = None
        while len(visited) < HOPS:
            found = self._call("GET", f"/issue/{key}", {"fields": "status", "expand": "transitions"})
            status = found["fields"]["status"]
            now = way.category_of(status)
            if now == way.category:
                return "moved" if visited else "there"
            if now == "done" != way.agreed and not visited:
                return "left"
            try:
                taken = self._step(key, way, now, found.get("transitions", []), visited | {status["name"]})
            except Refused as refused:
                conflicts += 1
                if refused.status != CONFLICT or conflicts > CONFLICTS:
                    raise _again(refused) from refused
                continue
            except NoWay as stuck:
                raise NoWay(str(stuck), left_at) from stuck
            if way.category_of(taken) == way.category:
                return "moved"
            visited.add(status["name"])
            left_at = way.category_of(taken)
        raise NoWay(NO_TRANSITION.format(way.category), left_at)

    def _step(self, key: str, way: Way, now: str, transitions: list[Json], visited: set[str]) -> Json:
        """Take the best transition that lets the issue through; the status it leads to."""
        reason = NO_TRANSITION.format(way.category)
        for one in _leading(transitions, way, now, visited):
            body: Json = {"transition": {"id": one["id"]}}
            if fields := self._fields(key, one, way):
                body["fields"] = fields
            try:
                self._call("POST", f"/issue/{key}/transitions", body=body)
                return dict(one["to"])
            except Refused as refused:
                # A validator, or a field that the transition's screen demands; another one may be free of it.
                if refused.status != BAD_REQUEST:
                    raise
                reason = "; ".join([*refused.messages, *refused.fields.values()])
        raise NoWay(reason)

    def _fields(self, key: str, transition: Json, way: Way) -> Json:
        """What was chosen for the fields on the transition's screen; asked for only where both may be."""
        if not (way.fields and transition.get("hasScreen")):
            return {}
        asked = {"transitionId": transition["id"], "expand": "transitions.fields"}
        found = self._call("GET", f"/issue/{key}/transitions", asked)["transitions"]
        screen: Mapping[str, Json] = found[0].get("fields", {}) if found else {}
        chosen = {name.casefold(): value for name, value in way.fields.items()}
        return {field_id: shaped(chosen[name], one["schema"]) for field_id, one in screen.items()
                for name in (field_id.casefold(), one["name"].casefold()) if name in chosen}


def _again(refused: Refused) -> Exception:
    return Unavailable(str(refused)) if refused.status == CONFLICT else refused


def _leading(transitions: list[Json], way: Way, now: str, visited: set[str]) -> Iterator[Json]:
    """Those that lead there, the chosen status first; else those that lead on, as far as it goes."""
    there = [one for one in transitions if way.category_of(one["to"]) == way.category]
    if there:
        ordered = sorted(there, key=lambda one: way.rank(one["to"]["name"]))
        chosen = ordered[0]["to"]["name"]
        # "Won't Do" is no way out where the team wants "Closed", and that is refused.
        yield from (one for one in ordered if chosen not in way.statuses or one["to"]["name"] == chosen)
        return
    ends = sorted((ORDER.index(now), ORDER.index(way.category)))
    goal = ORDER.index(way.category)
    between = [one for one in transitions if one["to"]["name"] not in visited
               and ends[0] <= ORDER.index(way.category_of(one["to"])) <= ends[1]]
    yield from sorted(between, key=lambda one: abs(goal - ORDER.index(way.category_of(one["to"]))))
