"""A world's state as bytes, taken at one moment and brought back at another, as often as one likes."""

import io
import pickle
from collections.abc import Mapping
from typing import Any

from sandbox.hosts import InProcessHost
from sandbox.world import World


class WorldSnapshot:
    """What a world in this process holds now: both services, tables, queues and the time; not what jpi remembers."""

    def __init__(self, world: World) -> None:
        if not isinstance(world.host, InProcessHost):
            raise TypeError("only a world in this process can be brought back")
        self._stateful_objects = _list_stateful_objects(world, world.host)
        file = io.BytesIO()
        _Pickler(file, {id(thing): name for name, thing in self._stateful_objects.items()}).dump(
            {name: thing.__getstate__() for name, thing in self._stateful_objects.items()})
        self._bytes = file.getvalue()

    def restore(self) -> None:
        """Bring it all back; incidents and issues are others then than those that were held."""
        for name, state in _Unpickler(io.BytesIO(self._bytes), self._stateful_objects).load().items():
            thing = self._stateful_objects[name]
            if hasattr(thing, "__setstate__"):
                thing.__setstate__(state)
            else:
                vars(thing).clear()
                vars(thing).update(state)


class _Pickler(pickle.Pickler):
    """Refers to what lasts by name, so that whoever holds it sees what is brought back."""

    def __init__(self, file: io.BytesIO, names: Mapping[int, str]) -> None:
        super().__init__(file, pickle.HIGHEST_PROTOCOL)
        self._names = names

    def persistent_id(self, thing: Any) -> str | None:
        """Return the name of what lasts; None for all else."""
        return self._names.get(id(thing))


class _Unpickler(pickle.Unpickler):
    """Finds by name what lasts."""

    def __init__(self, file: io.BytesIO, lasting: Mapping[str, Any]) -> None:
        super().__init__(file)
        self._stateful_objects = lasting

    def persistent_load(self, name: str) -> Any:
        """Return what lasts and has this name."""
        return self._stateful_objects[name]


def _list_stateful_objects(world: World, place: InProcessHost) -> dict[str, Any]:
    """The things that stay the same ones; their contents change."""
    return {"clock": world.clock, "jira": world.jira, "pagerduty": world.pagerduty, "jira's outbox": world.jira.outbox,
            "pagerduty's outbox": world.pagerduty.outbox, **place.list_stateful_parts()}
