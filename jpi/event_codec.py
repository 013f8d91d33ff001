"""Translates events into the texts of queue messages and back. Pure."""

from collections.abc import Iterator
from dataclasses import fields, replace
from functools import cache
from typing import Any, Union

from cattrs.preconf.json import JsonConverter, make_converter
from cattrs.strategies import configure_tagged_union

from jpi.domain.events import Event, IncidentEvent, IncidentLogged, IssueEvent
from jpi.domain.templates import UNPRINTABLE_PATTERN, cut_text
from jpi.errors import PermanentError

# SQS's limit on a message and on a batch, in bytes of UTF-8.
MAX_MESSAGE_BYTES = 256 * 1024
# Several texts of this length fit into one message, even at four bytes a character.
MAX_TEXT_CHARACTERS = 8_000

EVENT_TYPES: Any = Union[(*IssueEvent.__subclasses__(), *IncidentEvent.__subclasses__())]


@cache
def _get_converter() -> JsonConverter:
    converter = make_converter()
    configure_tagged_union(EVENT_TYPES, converter, tag_name="event")
    return converter


def encode_event(event: Event) -> str:
    """Return the event as JSON, without the characters that SQS refuses."""
    return UNPRINTABLE_PATTERN.sub(
        "\ufffd", _get_converter().dumps(event, unstructure_as=EVENT_TYPES, ensure_ascii=False)
    )


def decode_event(message: str) -> Event:
    """Return the event of a message; PermanentError if the message is not an event."""
    try:
        event: Event = _get_converter().loads(message, EVENT_TYPES)
    except Exception as error:
        # cattrs raises whatever the types of the values raise.
        raise PermanentError("the message is not an event of jpi") from error
    return event


def count_bytes(message: str) -> int:
    """Return the size of a message as SQS counts it, in bytes."""
    return len(message.encode())


def encode_in_parts(event: Event) -> Iterator[tuple[Event, str]]:
    """Yield the event with its message, in parts where its entries or comments do not fit into one message.

    The texts of a part that cannot be divided are cut.
    """
    message, name = encode_event(event), "comments" if isinstance(event, IssueEvent) else "entries"
    several = getattr(event, name, ())
    if count_bytes(message) <= MAX_MESSAGE_BYTES:
        yield event, message
    elif len(several) > 1:
        half = len(several) // 2
        # Only with its last part is the log complete.
        incomplete: dict[str, Any] = {"whole": False} if isinstance(event, IncidentLogged) else {}
        divisible: Any = event
        yield from encode_in_parts(replace(divisible, id=f"{event.id}a", **{name: several[:half]}, **incomplete))
        yield from encode_in_parts(replace(divisible, id=f"{event.id}b", **{name: several[half:]}))
    else:
        part = _shorten_texts(event)
        yield part, encode_event(part)


def _shorten_texts(value: Any) -> Any:
    """Return the value with each text in it cut."""
    if isinstance(value, str):
        return cut_text(value, MAX_TEXT_CHARACTERS)
    if isinstance(value, tuple):
        return tuple(map(_shorten_texts, value))
    if isinstance(value, dict | list):
        # The details of a trigger as JSON; the event has them as text too.
        return None
    if hasattr(value, "__dataclass_fields__"):
        return replace(value, **{field.name: _shorten_texts(getattr(value, field.name)) for field in fields(value)})
    return value
