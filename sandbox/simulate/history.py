"""A history as plain values: what is drawn from a seed, played, shrunk and printed."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

# What a history has in every tenth, on the average: people are at it at the same time.
CROSSING_SHARE = 0.5
WAITS_SECONDS = (0, 0, 0, 0.2, 1, 3, 10, 30, 70, 200)
MAX_NUMBER = 1000


@dataclass(frozen=True)
class Knobs:
    """What stays the same through one history; the defaults are what `.env.example` and the sandbox begin with.

    `index_lag`: seconds until Jira's search shows a change. `table_lag`: the same of DynamoDB's indexes.
    `clock_skew`: seconds by which jpi's clock is ahead until the history is quiet. `has_parts`: questions,
    stakeholders, the manager and the timeline are on. `lease`: seconds of a lease.
    `opens_incidents`: a rule opens incidents for urgent new issues. `is_quick`: jpi's calls go without sessions.
    """

    is_queued: bool = True
    has_parts: bool = False
    index_lag: int = 5
    table_lag: int = 0
    poll_interval: int = 60
    clock_skew: int = 0
    search_page_limit: int = 100
    comment_page_limit: int = 5000
    batch_size: int = 10
    retry_after: int = 0
    lease: int = 90
    log_order: str = "newest"
    opens_incidents: bool = False
    is_quick: bool = True


@dataclass(frozen=True)
class Step:
    """One step of a history: an act by its name, and two numbers that choose what it is about."""

    act: str
    which: int = 0
    choice: int = 0

    def __repr__(self) -> str:
        numbers = [self.which, self.choice] if self.choice else [self.which] if self.which else []
        return f"Step({', '.join([repr(self.act), *map(str, numbers)])})"


@dataclass(frozen=True)
class History:
    """One history: everything that happens in it, in order."""

    knobs: Knobs = field(default_factory=Knobs)
    steps: tuple[Step, ...] = ()


CHOICES: Mapping[str, tuple[Any, ...]] = {
    "is_queued": (True, True, False), "has_parts": (False, False, False, True), "index_lag": (0, 5, 5, 30, 120, 300),
    "table_lag": (0, 0, 2), "poll_interval": (60, 60, 120, 300), "clock_skew": (0, 0, 0, 5, -5, 60, 300, -300),
    "search_page_limit": (100, 100, 1, 2), "comment_page_limit": (5000, 5000, 1, 2), "batch_size": (10, 10, 1, 3),
    "retry_after": (0, 2, 30, 600), "lease": (90, 90, 120, 300), "log_order": ("newest", "oldest", "shuffled"),
    "opens_incidents": (False, False, False, True), "is_quick": (True,),
}


def draw_history(seed: int, weights: Mapping[str, int]) -> History:
    """Draw the history of this seed; `weights`: how often each act is drawn."""
    chance = random.Random(seed)
    knobs = Knobs(**{knob.name: chance.choice(CHOICES[knob.name]) for knob in fields(Knobs)})
    names, counts = list(weights), list(weights.values())
    steps = [Step("trigger", chance.randrange(MAX_NUMBER), chance.choice((0, 0, 0, 2)))]
    is_calm = chance.random() < CROSSING_SHARE
    for name in chance.choices(names, counts, k=chance.randint(10, 40)):
        steps.append(Step(name, chance.randrange(MAX_NUMBER), chance.randrange(MAX_NUMBER)))
        if is_calm and chance.random() < 0.7:
            steps.append(Step("settle"))
        elif wait := chance.choice(WAITS_SECONDS):
            steps.append(Step("wait", round(wait * 10)))
    return History(knobs, tuple(steps))
