"""Breadth-first search through the states of the small world."""

import pickle
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from sandbox.small_world.moves import MAX_MESSAGES, list_moves
from sandbox.small_world.state import Limits, State, compute_key
from sandbox.small_world.world import SmallWorld


@dataclass
class Node:
    """A state that was found: from which other one, by what."""

    key: bytes
    parent: int
    text: str
    is_excused: bool


class Search:
    """All states found so far. A verdict says what is wrong if it is quiet from a state on; empty if nothing is."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.nodes: list[Node] = []
        self.transition_count, self.expanded_count, self.judged_count = 0, 0, 0
        self._keys: set[bytes] = set()
        self._verdicts: dict[bytes, str] = {}
        # The state to which each leads if its workers finish one after the other.
        self._quiet: dict[bytes, bytes] = {}
        self._rests: dict[bytes, str] = {}
        self._frontier: deque[tuple[int, bytes]] = deque()
        self._world = SmallWorld()

    @property
    def is_complete(self) -> bool:
        """True if there is no other state within the limits."""
        return not self._frontier

    def find_states(self, count: int, report: Callable[["Search"], None]) -> None:
        """Find so many states, or all there are, the nearest first; then judge those that lead on."""
        self._add_state(self._world.make_first_state(self.limits), -1, "a P1 was triggered")
        while self._frontier and len(self.nodes) < count:
            self._expand(*self._frontier.popleft())
            report(self)
        for number, data in self._frontier:
            self._judge_state(self.nodes[number].key, data)
            report(self)

    def list_failures(self) -> list[tuple[int, str]]:
        """Return the numbers of the states from which quiet does not lead to agreement, the nearest first, and why."""
        verdicts = ((number, self._find_verdict(node.key)) for number, node in enumerate(self.nodes))
        return [(number, verdict) for number, verdict in verdicts if verdict]

    def list_steps(self, number: int) -> list[str]:
        """Return what leads to a state, in order."""
        texts = []
        while number >= 0:
            texts.append(self.nodes[number].text)
            number = self.nodes[number].parent
        return texts[::-1]

    def _expand(self, number: int, data: bytes) -> None:
        key, is_first = self.nodes[number].key, True
        is_at_rest = self._judge_if_at_rest(key, data)
        for text, state in list_moves(self._world, data):
            next_key = self._add_state(state, number, text)
            if is_first and not is_at_rest:
                self._quiet[key] = next_key
            is_first = False
            self.transition_count += 1
        self.expanded_count += 1

    def _add_state(self, state: State, parent: int, text: str) -> bytes:
        key = compute_key(state)
        if key not in self._keys:
            self._keys.add(key)
            self.nodes.append(Node(key, parent, text, state.is_excused))
            if len(state.messages) <= MAX_MESSAGES:
                self._frontier.append((len(self.nodes) - 1, state.to_bytes()))
            else:
                self._judge_state(key, state.to_bytes())
        return key

    def _judge_if_at_rest(self, key: bytes, data: bytes) -> bool:
        """Find out what is wrong after quiet if nobody is at work; return whether that is so."""
        state: State = pickle.loads(data)
        if not state.is_at_rest:
            return False
        world_key = compute_key(state, is_world_only=True)
        if world_key not in self._rests:
            self._world.load_state(state)
            self._rests[world_key] = self._world.find_failure_after_quiet(self._rests)
            self.judged_count += 1
        self._verdicts[key] = self._rests[world_key]
        return True

    def _judge_state(self, key: bytes, data: bytes) -> None:
        """Let the workers finish one after the other, then find out what is wrong after quiet."""
        if not self._judge_if_at_rest(key, data):
            state: State = pickle.loads(data)
            self._world.load_state(state)
            self._world.finish_work()
            self._quiet[key] = compute_key(state)
            self._judge_if_at_rest(self._quiet[key], state.to_bytes())

    def _find_verdict(self, key: bytes) -> str:
        passed = []
        while key not in self._verdicts and key in self._quiet:
            passed.append(key)
            key = self._quiet.pop(key)
        # A state that leads to itself has no end.
        verdict = self._verdicts.setdefault(key, "the workers never finish")
        self._verdicts.update(dict.fromkeys(passed, verdict))
        return verdict
