"""Makes a failing history as small as it gets while it still fails in the same way."""

from collections.abc import Callable, Iterator
from dataclasses import fields, replace

from sandbox.simulate.history import History, Knobs, Step

Fails = Callable[[History], bool]
SMALL_NUMBERS = (0, 1, 2, 3)


def shrink_history(history: History, fails: Fails) -> History:
    """Return the history with everything left out, or made simpler, without which it still fails."""
    while True:
        smaller = _plain_steps(_plain_knobs(_drop_steps(history, fails), fails), fails)
        if smaller == history:
            return history
        history = smaller


def _drop_steps(history: History, fails: Fails) -> History:
    """Drop runs of steps: half of them at once, then ever fewer."""
    size = max(1, len(history.steps) // 2)
    while True:
        start = 0
        while start < len(history.steps):
            shorter = replace(history, steps=history.steps[:start] + history.steps[start + size:])
            if fails(shorter):
                history = shorter
            else:
                start += size
        if size == 1:
            return history
        size = max(1, size // 2)


def _plain_knobs(history: History, fails: Fails) -> History:
    """Turn each knob back, if the history still fails then."""
    plain = Knobs()
    for knob in fields(Knobs):
        value = getattr(plain, knob.name)
        plainer = replace(history, knobs=replace(history.knobs, **{knob.name: value}))
        history = plainer if plainer != history and fails(plainer) else history
    return history


def _plain_steps(history: History, fails: Fails) -> History:
    """Give each step the smallest numbers with which the history still fails."""
    for number, step in enumerate(history.steps):
        candidates = (replace(history, steps=(*history.steps[:number], plainer, *history.steps[number + 1:]))
                      for plainer in _list_plainer_numbers(step))
        history = next((candidate for candidate in candidates if fails(candidate)), history)
    return history


def _list_plainer_numbers(step: Step) -> Iterator[Step]:
    if step.which and step.choice:
        yield Step(step.act)
    yield from (replace(step, which=number) for number in SMALL_NUMBERS if number < step.which)
    yield from (replace(step, choice=number) for number in SMALL_NUMBERS if number < step.choice)
