"""Make moto faster: cache what it computes anew for every request, which halves a request's time."""

from functools import cache
from typing import Any

import moto.backends
import moto.core.responses
import moto.core.utils
import moto.sqs.models
from moto.sqs.models import Queue

READ_ATTRIBUTES = Queue.attributes.fget  # type: ignore[attr-defined]


class LazyAttributes(dict[str, Any]):
    """A queue's attributes, computed on demand: some count all messages, and sending needs only one other."""

    def __init__(self, queue: Queue) -> None:
        super().__init__()
        self._queue = queue

    def get(self, name: str, default: Any = None) -> Any:
        """Return one attribute."""
        if name == "ContentBasedDeduplication":
            return str(self._queue.content_based_deduplication).lower()  # type: ignore[attr-defined]
        return READ_ATTRIBUTES(self._queue).get(name, default)

    def __contains__(self, name: object) -> bool:
        return name in READ_ATTRIBUTES(self._queue)

    def __iter__(self) -> Any:
        return iter(READ_ATTRIBUTES(self._queue))

    def items(self) -> Any:
        """Return all attributes."""
        return READ_ATTRIBUTES(self._queue).items()

    def __getitem__(self, name: str) -> Any:
        return READ_ATTRIBUTES(self._queue)[name]


def speed_up_moto() -> None:
    """Patch moto in this process."""
    names, folders = cache(moto.core.utils.camelcase_to_underscores), tuple(moto.backends.list_of_moto_modules())
    for module in (moto.sqs.models, moto.core.utils, moto.core.responses):
        module.camelcase_to_underscores = names  # type: ignore[attr-defined]
    moto.backends.list_of_moto_modules = lambda: folders
    Queue.attributes = property(LazyAttributes)  # type: ignore[assignment]
