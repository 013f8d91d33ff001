"""Save a world's state as bytes, and restore it as often as needed."""

import io
import pickle
from collections.abc import Mapping
from typing import Any

from sandbox.hosts import InProcessHost
from sandbox.world import World


class WorldSnapshot:
    """The state of a world in this process: both services, tables, queues and the time; not jpi's memory."""

    def __init__(self, world: World) -> None:
        if not isinstance(world.host, InProcessHost):
            raise TypeError("only a world in this process can be restored")
        self._stateful_objects = _list_stateful_objects(world, world.host)
        file = io.BytesIO()
        _Pickler(file, {id(thing): name for name, thing in self._stateful_objects.items()}).dump(
            {name: thing.__getstate__() for name, thing in self._stateful_objects.items()})
        self._bytes = file.getvalue()

    def restore_world(self) -> None:
        """Restore the state; incidents and issues are new objects then."""
        for name, state in _Unpickler(io.BytesIO(self._bytes), self._stateful_objects).load().items():
            thing = self._stateful_objects[name]
            if hasattr(thing, "__setstate__"):
                thing.__setstate__(state)
            else:
                vars(thing).clear()
                vars(thing).update(state)


class _Pickler(pickle.Pickler):
    """Pickles lasting objects by name, so that everyone who holds them sees the restored state."""

    def __init__(self, file: io.BytesIO, names: Mapping[int, str]) -> None:
        super().__init__(file, pickle.HIGHEST_PROTOCOL)
        self._names = names

    def persistent_id(self, thing: Any) -> str | None:
        """Return the name of a lasting object; None for all others."""
        return self._names.get(id(thing))


class _Unpickler(pickle.Unpickler):
    """Finds lasting objects by name."""

    def __init__(self, file: io.BytesIO, lasting: Mapping[str, Any]) -> None:
        super().__init__(file)
        self._stateful_objects = lasting

    def persistent_load(self, name: str) -> Any:
        """Return the lasting object of this name."""
        return self._stateful_objects[name]


def _list_stateful_objects(world: World, host: InProcessHost) -> dict[str, Any]:
    """Return the objects that stay the same when the world is restored; only their contents change."""
    return {"clock": world.clock, "jira": world.jira, "pagerduty": world.pagerduty, "jira-outbox": world.jira.outbox,
            "pagerduty-outbox": world.pagerduty.outbox, **host.list_stateful_parts()}
