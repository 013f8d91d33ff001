"""Moves an issue through its workflow, whatever that looks like."""

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from operator import itemgetter
from typing import Literal

from jpi.domain.model import Category
from jpi.domain.policy import TransitionTarget
from jpi.errors import NoTransition, Refused, ServiceUnavailable
from jpi.http_client import ApiClient
from jpi.jira.create_request import to_api_value
from jpi.json_fields import Json

TransitionOutcome = Literal["moved", "there", "left"]

# Only people should walk a workflow with more steps than this from "to do" to "done".
MAX_STEPS = 4
MAX_CONFLICTS = 3
CATEGORY_ORDER = ("new", "indeterminate", "done")
PUT_BACK_REASON = "something moves it back to '{}' after each step, such as a rule of Jira's automation"
NO_TRANSITION_REASON = "its workflow has no transition from here to a status of category '{}'"


class Workflow:
    """The transitions of one site's issues."""

    def __init__(self, api: ApiClient) -> None:
        self._api = api

    def transition_issue(self, key: str, target: TransitionTarget) -> TransitionOutcome:
        """Move the issue to the target's category, step by step if no transition leads there directly.

        "there": it was in that category. "left": a person moved it, so it stays. Raises NoTransition if none leads on,
        or after as many steps as statuses were met: then something moves the issue back.
        """
        visited: set[str] = set()
        status_names: set[str] = set()
        steps = conflicts = 0
        reached: Category | None = None
        while True:
            issue = self._api.request("GET", f"/issue/{key}", {"fields": "status", "expand": "transitions"})
            status = issue["fields"]["status"]
            category = _get_category(target, status)
            if outcome := _find_outcome(target, category, has_moved=steps > 0):
                return outcome
            reached = category if steps else None
            transitions = issue.get("transitions", [])
            status_names |= {status["name"], *(transition["to"]["name"] for transition in transitions)}
            if steps >= min(MAX_STEPS, len(status_names)):
                break
            try:
                new_status = self._take_step(key, target, category, transitions, visited | {status["name"]})
            except Refused as refused:
                conflicts += 1
                if refused.status != HTTPStatus.CONFLICT or conflicts > MAX_CONFLICTS:
                    raise _to_retryable(refused) from refused
                continue
            except NoTransition as error:
                raise NoTransition(str(error), reached, error.refusal) from error
            reached = _get_category(target, new_status)
            if reached == target.category:
                return "moved"
            steps += 1
            visited.add(status["name"])
        reason = PUT_BACK_REASON.format(status["name"]) if status["name"] in visited else NO_TRANSITION_REASON
        raise NoTransition(reason.format(target.category), reached)

    def _take_step(self, key: str, target: TransitionTarget, category: str, transitions: list[Json],
                   visited: set[str]) -> Json:
        """Take the best transition that lets the issue through; return the status it leads to."""
        reason, refusal = NO_TRANSITION_REASON.format(target.category), None
        for transition in _order_transitions(transitions, target, category, visited):
            body: Json = {"transition": {"id": transition["id"]}}
            if fields := self._build_fields(key, transition, target):
                body["fields"] = fields
            try:
                self._api.request("POST", f"/issue/{key}/transitions", body=body)
                return dict(transition["to"])
            except Refused as refused:
                # A validator or a required field of this transition's screen; another transition may have neither.
                if not refused.is_bad_request:
                    raise
                reason, refusal = "; ".join([*refused.messages, *refused.field_errors.values()]), refused
        raise NoTransition(reason, refusal=refusal)

    def _build_fields(self, key: str, transition: Json, target: TransitionTarget) -> Json:
        """Return the target's values for the fields on the transition's screen; read the screen only if it has one."""
        if not (target.screen_fields and transition.get("hasScreen")):
            return {}
        params = {"transitionId": transition["id"], "expand": "transitions.fields"}
        transitions = self._api.request("GET", f"/issue/{key}/transitions", params)["transitions"]
        screen: Mapping[str, Json] = transitions[0].get("fields", {}) if transitions else {}
        values = {name.casefold(): value for name, value in target.screen_fields.items()}
        return {field_id: to_api_value(values[name], field["schema"]) for field_id, field in screen.items()
                for name in (field_id.casefold(), field["name"].casefold()) if name in values}


def _find_outcome(target: TransitionTarget, category: Category, has_moved: bool) -> TransitionOutcome | None:
    """Return the outcome where no step is left to take."""
    if category == target.category:
        return "moved" if has_moved else "there"
    # A person closed it, or works on it again since it was done: their own event carries that over.
    was_moved = category == "done" != target.from_category or (target.from_category, category) == (
        "done", "indeterminate")
    return "left" if was_moved and not has_moved else None


def _get_category(target: TransitionTarget, status: Json) -> Category:
    return target.get_category(status["name"], status["statusCategory"]["key"])


def _to_retryable(refused: Refused) -> Exception:
    return ServiceUnavailable(str(refused)) if refused.status == HTTPStatus.CONFLICT else refused


def _order_transitions(transitions: list[Json], target: TransitionTarget, category: str,
                       visited: set[str]) -> Iterator[Json]:
    """Yield the transitions to the target's category, its preferred status first; else those that lead towards it."""
    direct = [transition for transition in transitions if _get_category(target, transition["to"]) == target.category]
    if direct:
        ordered = sorted(direct, key=lambda transition: target.rank_status(transition["to"]["name"]))
        best_status = ordered[0]["to"]["name"]
        # If Jira refuses the status that the team names ("Closed"), "Won't Do" is no replacement.
        yield from (transition for transition in ordered if best_status not in target.category_by_status_name
                    or transition["to"]["name"] == best_status)
        return
    goal = CATEGORY_ORDER.index(target.category)
    low, high = sorted((CATEGORY_ORDER.index(category), goal))
    ranked = [(CATEGORY_ORDER.index(_get_category(target, transition["to"])), transition)
              for transition in transitions if transition["to"]["name"] not in visited]
    between = [(abs(goal - rank), transition) for rank, transition in ranked if low <= rank <= high]
    yield from (transition for _, transition in sorted(between, key=itemgetter(0)))
