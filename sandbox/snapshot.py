"""A world's state as bytes, taken at one moment and brought back at another, as often as one likes."""

import io
import pickle
from collections.abc import Mapping
from typing import Any

from sandbox.places import InProcess
from sandbox.world import World


class Snapshot:
    """What a world in this process holds now: both services, tables, queues and the time; not what jpi remembers."""

    def __init__(self, world: World) -> None:
        if not isinstance(world.place, InProcess):
            raise TypeError("only a world in this process can be brought back")
        self._lasting = _lasting(world, world.place)
        file = io.BytesIO()
        _Pickler(file, {id(thing): name for name, thing in self._lasting.items()}).dump(
            {name: thing.__getstate__() for name, thing in self._lasting.items()})
        self._bytes = file.getvalue()

    def restore(self) -> None:
        """Bring it all back; incidents and issues are others then than those that were held."""
        for name, state in _Unpickler(io.BytesIO(self._bytes), self._lasting).load().items():
            thing = self._lasting[name]
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
        self._lasting = lasting

    def persistent_load(self, name: str) -> Any:
        """Return what lasts and has this name."""
        return self._lasting[name]


def _lasting(world: World, place: InProcess) -> dict[str, Any]:
    """The things that stay the same ones; their contents change."""
    return {"clock": world.clock, "jira": world.jira, "pagerduty": world.pagerduty,
            "jira's outbox": world.jira.outbox, "pagerduty's outbox": world.pagerduty.outbox, **place.holders()}
