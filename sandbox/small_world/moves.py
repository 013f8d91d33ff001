"""What may happen next in a state of the small world."""

import pickle
from collections.abc import Callable, Iterator
from functools import partial

from sandbox.small_world.calls import DIED, LATE, LOST, REFUSED
from sandbox.small_world.state import POLL_SLOT, SLOTS, State, Worker
from sandbox.small_world.world import WRITES, SmallWorld

MAX_MESSAGES = 3
# Longer than every lease together with the index's lag: whoever held one is gone.
WAIT_SECONDS = 130
INCIDENT_ACTS = {"acknowledged": "Rita acknowledges the incident", "resolved": "Rita resolves the incident",
                 "triggered": "Rita reopens the incident"}
ISSUE_ACTS = {"new": "Jim moves the issue back to do", "indeterminate": "Jim moves the issue in progress",
              "done": "Jim moves the issue to done"}

Move = tuple[str, State]


def list_moves(world: SmallWorld, data: bytes) -> Iterator[Move]:
    """Yield each next state with what leads to it: first, if anybody is at work, the first worker's next call."""
    state: State = pickle.loads(data)
    yield from _list_worker_moves(world, data, state)
    if state.limits.acts and len(state.messages) < MAX_MESSAGES:
        yield from _list_acts(world, data, state)
    if state.limits.faults:
        yield from _list_message_faults(world, data, state)
    if state.limits.waits and state.is_at_rest:
        yield _make_move(world, data, f"{WAIT_SECONDS} seconds go by", _wait)


def _list_worker_moves(world: SmallWorld, data: bytes, state: State) -> Iterator[Move]:
    for slot, worker in enumerate(state.workers):
        if worker:
            yield from _list_call_moves(world, data, state, slot, None)
    free = next((slot for slot in range(POLL_SLOT) if not state.workers[slot]), None)
    if free is not None:
        for number, message in enumerate(state.messages):
            if message not in state.messages[:number]:
                yield from _list_call_moves(world, data, state, free, number)
    if state.limits.polls and not state.workers[POLL_SLOT]:
        yield from _list_call_moves(world, data, state, POLL_SLOT, None)


def _list_call_moves(world: SmallWorld, data: bytes, state: State, slot: int, number: int | None) -> Iterator[Move]:
    """Yield a worker's next call unbroken, then with each fault that it can meet."""
    move = _advance(world, data, slot, number, "")
    yield move
    name = move[0].rpartition(" ")[2]
    if name and state.limits.faults:
        faults = [REFUSED, DIED, *([LOST] if name in WRITES else []), *([LATE] if name == "find_created_issue" else [])]
        for fault in faults:
            yield _advance(world, data, slot, number, fault)


def _advance(world: SmallWorld, data: bytes, slot: int, number: int | None, fault: str) -> Move:
    """Make a worker's next call; `number`: the message that it begins with."""
    state: State = pickle.loads(data)
    world.load_state(state)
    begins = ""
    if not state.workers[slot]:
        message = None if number is None else state.messages.pop(number)
        state.workers[slot] = Worker(message, world.clock())
        begins = f" begins with {type(message).__name__}:" if message else " begins:"
        state.limits.polls -= slot == POLL_SLOT
    state.limits.faults -= bool(fault)
    name = world.advance_worker(slot, fault)
    world.finish_step()
    return f"{SLOTS[slot]}{begins} {name}{f' {fault}' if fault else ''}", state


def _make_move(world: SmallWorld, data: bytes, text: str, act: Callable[[SmallWorld, State], None]) -> Move:
    state: State = pickle.loads(data)
    world.load_state(state)
    world.begin_second()
    act(world, state)
    world.finish_step()
    return text, state


def _wait(world: SmallWorld, state: State) -> None:
    world.clock.advance(WAIT_SECONDS)
    state.limits.waits -= 1


def _list_acts(world: SmallWorld, data: bytes, state: State) -> Iterator[Move]:
    [incident] = state.incidents
    before = state.incidents[incident].current.status
    for status, text in INCIDENT_ACTS.items():
        if status != before and (before != "resolved" or status == "triggered"):
            yield _make_move(world, data, text, partial(_act_on_incident, incident, status))
    for key, issue in state.issues.items():
        for category, text in ISSUE_ACTS.items():
            if category != issue.category and (category != "new" or issue.category == "done"):
                yield _make_move(world, data, text, partial(_act_on_issue, key, category))


def _act_on_incident(incident_id: str, status: str, world: SmallWorld, state: State) -> None:
    world.pagerduty.act_as_rita(incident_id, status)
    state.limits.acts -= 1


def _act_on_issue(key: str, category: str, world: SmallWorld, state: State) -> None:
    world.jira.act_as_jim(key, category)
    state.limits.acts -= 1


def _list_message_faults(world: SmallWorld, data: bytes, state: State) -> Iterator[Move]:
    for number, message in enumerate(state.messages):
        if message in state.messages[:number]:
            continue
        name = type(message).__name__
        yield _make_move(world, data, f"{name} is lost", partial(_repeat_message, number, 0))
        if len(state.messages) < MAX_MESSAGES:
            yield _make_move(world, data, f"{name} comes twice", partial(_repeat_message, number, 2))


def _repeat_message(number: int, count: int, world: SmallWorld, state: State) -> None:
    """Let a message under way come so many times."""
    message = state.messages.pop(number)
    state.messages += [message] * count
    state.limits.faults -= 1
