"""A state of the small world as plain data, and its canonical form."""

import copyreg
import hashlib
import io
import json
import pickle
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any

from jpi.domain.events import Event
from sandbox.aws.memory_rows import LINKS

# What a link's row keeps for people: no decision reads it.
WORDS_FOR_PEOPLE = {"history", "about", "card", "state", "began", "saved_by"}
# A number beyond this is a time in epoch seconds.
FIRST_TIME = 1e9
SLOTS = ("worker 1", "worker 2", "the poll")
POLL_SLOT = 2


@dataclass(frozen=True)
class CallRecord:
    """A call that a worker made: when it ended, and its answer or the name of its error."""

    name: str
    ended_at: float
    answer: Any
    error: str = ""


@dataclass
class Worker:
    """A worker in the middle of its work: all calls it made so far lead to the same place again."""

    message: Event | None
    started_at: float
    calls: list[CallRecord] = field(default_factory=list)


@dataclass
class Limits:
    """What may still happen."""

    faults: int = 2
    acts: int = 2
    polls: int = 1
    waits: int = 1


@dataclass
class State:
    """Both services, the tables, the messages under way, the workers, and what may still happen.

    `has_lost_creation`, `has_late_index`: both halves of the documented exception happened.
    """

    now: datetime
    incidents: dict[str, Any]
    issues: dict[str, Any]
    rows: dict[str, Any]
    messages: list[Event]
    workers: list[Worker | None]
    limits: Limits
    has_lost_creation: bool = False
    has_late_index: bool = False

    @property
    def is_at_rest(self) -> bool:
        """True if no worker is at work."""
        return not any(self.workers)

    @property
    def is_excused(self) -> bool:
        """True if the documented exception may have happened."""
        return self.has_lost_creation and self.has_late_index

    def to_bytes(self) -> bytes:
        """Return the state as bytes."""
        return pickle.dumps(self, pickle.HIGHEST_PROTOCOL)


def compute_key(state: State, is_world_only: bool = False) -> bytes:
    """Return what equal states have in common: times count from now, versions from the newest one.

    `is_world_only`: without what may still happen.
    """
    now, version = state.now.timestamp(), _read_version(state)
    workers = [_simplify_worker(worker, now, version) for worker in state.workers]
    # Both workers are alike.
    pair = sorted(workers[:POLL_SLOT], key=_dump_simple)
    rows = {table: {key: _simplify(versions[-1].columns, now, version) for key, versions in rows.items()}
            for table, rows in state.rows.items()}
    whole = [state.incidents, state.issues, rows, state.messages, pair, workers[POLL_SLOT:]]
    rest = [] if is_world_only else [vars(state.limits), state.has_lost_creation, state.has_late_index]
    return hashlib.blake2b(_dump_relative([whole, rest], state.now), digest_size=12).digest()


def _dump_simple(value: Any) -> bytes:
    return repr(value).encode()


def _read_version(state: State) -> int:
    return max((int(versions[-1].columns["version"]) for versions in state.rows[LINKS].values()), default=0)


def _simplify_worker(worker: Worker | None, now: float, version: int) -> Any:
    if worker is None:
        return None
    return (worker.message, round(worker.started_at - now, 2),
            [(call.name, round(call.ended_at - now, 2), _simplify(call.answer, now, version), call.error)
             for call in worker.calls])


def _simplify(value: Any, now: float, version: int) -> Any:
    """Return a store's answer, or a row, without what no decision reads."""
    if isinstance(value, list):
        return [_simplify(part, now, version) for part in value]
    if isinstance(value, dict):
        if "text" in value:
            return _simplify_text(value["text"], now, version)
        return {name: _simplify(part, now, version) for name, part in value.items() if name not in WORDS_FOR_PEOPLE}
    return round(value - now, 2) if isinstance(value, int | float) and value > FIRST_TIME else value


@lru_cache(100_000)
def _simplify_text(text: str, now: float, version: int) -> Any:
    columns = {name: value for name, value in json.loads(text).items() if name not in WORDS_FOR_PEOPLE}
    return repr({**_simplify(columns, now, version), "version": columns["version"] - version})


def _dump_relative(value: Any, now: datetime) -> bytes:
    file = io.BytesIO()
    pickler = pickle.Pickler(file, pickle.HIGHEST_PROTOCOL)
    pickler.dispatch_table = {**copyreg.dispatch_table,
                              datetime: lambda time: (float, (round((time - now).total_seconds(), 2),))}
    # Equal values give equal bytes, whether or not they are one object.
    pickler.fast = True
    pickler.dump(value)
    return file.getvalue()
