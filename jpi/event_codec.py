"""Events as the texts of queue messages, and back. Pure."""

from collections.abc import Iterator
from dataclasses import fields, replace
from functools import cache
from typing import Any, Union

from cattrs.preconf.json import JsonConverter, make_converter
from cattrs.strategies import configure_tagged_union

from jpi.domain.events import Event, IncidentEvent, IncidentLogged, IssueEvent
from jpi.domain.text_limits import UNPRINTABLE, cut
from jpi.errors import Permanent

# SQS's own limit on a message, and on a batch of them, in bytes of UTF-8.
LIMIT = 256 * 1024
# A text as long as this fits several times over, even where each character takes four bytes.
SHORT = 8_000

KINDS: Any = Union[(*IssueEvent.__subclasses__(), *IncidentEvent.__subclasses__())]


@cache
def _converter() -> JsonConverter:
    made = make_converter()
    configure_tagged_union(KINDS, made, tag_name="event")
    return made


def text(event: Event) -> str:
    """The event as JSON, without the characters that SQS refuses."""
    return UNPRINTABLE.sub("\ufffd", _converter().dumps(event, unstructure_as=KINDS, ensure_ascii=False))


def event(message: str) -> Event:
    """The event that `text` made a message of; Permanent where it is none."""
    try:
        read: Event = _converter().loads(message, KINDS)
    except Exception as error:
        # cattrs raises whatever the values' own types do.
        raise Permanent("the message is not an event of ours") from error
    return read


def size(message: str) -> int:
    """What SQS counts, in bytes."""
    return len(message.encode())


def fitting(event: Event) -> Iterator[Event]:
    """The event in as many parts as its entries or comments need to fit into a message each; texts cut if they must be.
    """
    name = "comments" if isinstance(event, IssueEvent) else "entries"
    several = getattr(event, name, ())
    if size(text(event)) <= LIMIT:
        yield event
    elif len(several) > 1:
        half = len(several) // 2
        # Only the last part brings everything: those before it have gone ahead of it.
        ahead: dict[str, Any] = {"whole": False} if isinstance(event, IncidentLogged) else {}
        whole: Any = event
        yield from fitting(replace(whole, id=f"{event.id}a", **{name: several[:half]}, **ahead))
        yield from fitting(replace(whole, id=f"{event.id}b", **{name: several[half:]}))
    else:
        yield _short(event)


def _short(value: Any) -> Any:
    """The value with each text in it cut."""
    if isinstance(value, str):
        return cut(value, SHORT)
    if isinstance(value, tuple):
        return tuple(map(_short, value))
    if isinstance(value, dict | list):
        # A trigger's details as JSON: their text is there as well.
        return None
    if hasattr(value, "__dataclass_fields__"):
        return replace(value, **{one.name: _short(getattr(value, one.name)) for one in fields(value)})
    return value
