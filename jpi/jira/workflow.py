"""Moving an issue through its workflow, whatever that looks like."""

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any, Literal

from jpi.domain.model import Category
from jpi.domain.policy import TransitionTarget
from jpi.errors import NoTransition, Refused, ServiceUnavailable
from jpi.http_client import ApiClient
from jpi.jira.create_request import to_api_value

Json = dict[str, Any]
TransitionOutcome = Literal["moved", "there", "left"]

# A workflow that takes more steps than this from "to do" to "done" is meant to be walked by people.
MAX_STEPS = 4
MAX_CONFLICTS = 3
CATEGORY_ORDER = ("new", "indeterminate", "done")
NO_TRANSITION_REASON = "its workflow has no transition from here to a status of category '{}'"


class Workflow:
    """The transitions of one site's issues."""

    def __init__(self, api: ApiClient) -> None:
        self._api = api

    def transition_issue(self, key: str, target: TransitionTarget) -> TransitionOutcome:
        """Bring the issue to where `way` leads; "there": it was, "left": somebody has closed it, which is on its way.

        Step by step, through statuses that lie between, where no transition leads there at once. NoWay: none does.
        """
        visited: set[str] = set()
        conflicts = 0
        left_at: Category | None = None
        while len(visited) < MAX_STEPS:
            found = self._api.request("GET", f"/issue/{key}", {"fields": "status", "expand": "transitions"})
            status = found["fields"]["status"]
            now = target.get_category(status)
            if now == target.category:
                return "moved" if visited else "there"
            if now == "done" != target.from_category and not visited:
                return "left"
            try:
                taken = self._take_step(key, target, now, found.get("transitions", []), visited | {status["name"]})
            except Refused as refused:
                conflicts += 1
                if refused.status != HTTPStatus.CONFLICT or conflicts > MAX_CONFLICTS:
                    raise _to_retryable(refused) from refused
                continue
            except NoTransition as stuck:
                raise NoTransition(str(stuck), left_at) from stuck
            if target.get_category(taken) == target.category:
                return "moved"
            visited.add(status["name"])
            left_at = target.get_category(taken)
        raise NoTransition(NO_TRANSITION_REASON.format(target.category), left_at)

    def _take_step(self, key: str, target: TransitionTarget, category: str, transitions: list[Json],
                   visited: set[str]) -> Json:
        """Take the best transition that lets the issue through; the status it leads to."""
        reason = NO_TRANSITION_REASON.format(target.category)
        for one in _order_transitions(transitions, target, category, visited):
            body: Json = {"transition": {"id": one["id"]}}
            if fields := self._build_fields(key, one, target):
                body["fields"] = fields
            try:
                self._api.request("POST", f"/issue/{key}/transitions", body=body)
                return dict(one["to"])
            except Refused as refused:
                # A validator, or a field that the transition's screen demands; another one may be free of it.
                if not refused.is_bad_request:
                    raise
                reason = "; ".join([*refused.messages, *refused.field_errors.values()])
        raise NoTransition(reason)

    def _build_fields(self, key: str, transition: Json, target: TransitionTarget) -> Json:
        """What was chosen for the fields on the transition's screen; asked for only where both may be."""
        if not (target.screen_fields and transition.get("hasScreen")):
            return {}
        asked = {"transitionId": transition["id"], "expand": "transitions.fields"}
        found = self._api.request("GET", f"/issue/{key}/transitions", asked)["transitions"]
        screen: Mapping[str, Json] = found[0].get("fields", {}) if found else {}
        chosen = {name.casefold(): value for name, value in target.screen_fields.items()}
        return {field_id: to_api_value(chosen[name], one["schema"]) for field_id, one in screen.items()
                for name in (field_id.casefold(), one["name"].casefold()) if name in chosen}


def _to_retryable(refused: Refused) -> Exception:
    return ServiceUnavailable(str(refused)) if refused.status == HTTPStatus.CONFLICT else refused


def _order_transitions(transitions: list[Json], target: TransitionTarget, category: str,
                       visited: set[str]) -> Iterator[Json]:
    """Those that lead there, the chosen status first; else those that lead on, as far as it goes."""
    there = [one for one in transitions if target.get_category(one["to"]) == target.category]
    if there:
        ordered = sorted(there, key=lambda one: target.rank_status(one["to"]["name"]))
        chosen = ordered[0]["to"]["name"]
        # "Won't Do" is no way out where the team wants "Closed", and that is refused.
        yield from (one for one in ordered if chosen not in target.category_by_status_name
                    or one["to"]["name"] == chosen)
        return
    ends = sorted((CATEGORY_ORDER.index(category), CATEGORY_ORDER.index(target.category)))
    goal = CATEGORY_ORDER.index(target.category)
    between = [one for one in transitions if one["to"]["name"] not in visited
               and ends[0] <= CATEGORY_ORDER.index(target.get_category(one["to"])) <= ends[1]]
    yield from sorted(between, key=lambda one: abs(goal - CATEGORY_ORDER.index(target.get_category(one["to"]))))
