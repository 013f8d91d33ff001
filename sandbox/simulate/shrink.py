"""Makes a failing history as small as it gets while it still fails in the same way."""

from collections.abc import Callable, Iterator
from dataclasses import fields, replace

from sandbox.simulate.history import History, Knobs, Step

Fails = Callable[[History], bool]
SMALL_NUMBERS = (0, 1, 2, 3, 5, 10, 50, 100)


def shrink_history(history: History, fails: Fails) -> History:
    """Return the history with everything left out, or made simpler, without which it still fails."""
    while True:
        smaller = _drop_steps(history, fails)
        for candidate_of in (_list_plainer_knobs, _list_plainer_steps):
            smaller = _take_plainer(smaller, fails, candidate_of)
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


def _take_plainer(history: History, fails: Fails, list_candidates: Callable[[History], Iterator[History]]) -> History:
    """Take each plainer history that still fails; what follows begins with it."""
    is_done = False
    while not is_done:
        plainer = next((candidate for candidate in list_candidates(history) if fails(candidate)), None)
        is_done, history = plainer is None, plainer or history
    return history


def _list_plainer_knobs(history: History) -> Iterator[History]:
    plain = Knobs()
    for knob in fields(Knobs):
        if getattr(history.knobs, knob.name) != getattr(plain, knob.name):
            yield replace(history, knobs=replace(history.knobs, **{knob.name: getattr(plain, knob.name)}))


def _list_plainer_steps(history: History) -> Iterator[History]:
    for number, step in enumerate(history.steps):
        for plainer in _list_plainer_numbers(step):
            yield replace(history, steps=(*history.steps[:number], plainer, *history.steps[number + 1:]))


def _list_plainer_numbers(step: Step) -> Iterator[Step]:
    yield from (replace(step, which=number) for number in SMALL_NUMBERS if number < step.which)
    yield from (replace(step, choice=number) for number in SMALL_NUMBERS if number < step.choice)
