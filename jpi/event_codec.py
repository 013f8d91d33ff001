"""Events as the texts of queue messages, and back. Pure."""

from collections.abc import Iterator
from dataclasses import fields, replace
from functools import cache
from typing import Any, Union

from cattrs.preconf.json import JsonConverter, make_converter
from cattrs.strategies import configure_tagged_union

from jpi.domain.events import Event, IncidentEvent, IncidentLogged, IssueEvent
from jpi.domain.text_limits import UNPRINTABLE_PATTERN, cut_text
from jpi.errors import PermanentError

# SQS's own limit on a message, and on a batch of them, in bytes of UTF-8.
MAX_MESSAGE_BYTES = 256 * 1024
# A text as long as this fits several times over, even where each character takes four bytes.
MAX_TEXT_CHARACTERS = 8_000

EVENT_TYPES: Any = Union[(*IssueEvent.__subclasses__(), *IncidentEvent.__subclasses__())]


@cache
def _get_converter() -> JsonConverter:
    made = make_converter()
    configure_tagged_union(EVENT_TYPES, made, tag_name="event")
    return made


def encode_event(event: Event) -> str:
    """The event as JSON, without the characters that SQS refuses."""
    return UNPRINTABLE_PATTERN.sub("\ufffd", _get_converter().dumps(event, unstructure_as=EVENT_TYPES,
                                                                    ensure_ascii=False))


def decode_event(message: str) -> Event:
    """The event that `text` made a message of; Permanent where it is none."""
    try:
        read: Event = _get_converter().loads(message, EVENT_TYPES)
    except Exception as error:
        # cattrs raises whatever the values' own types do.
        raise PermanentError("the message is not an event of ours") from error
    return read


def count_bytes(message: str) -> int:
    """What SQS counts, in bytes."""
    return len(message.encode())


def split_to_fit(event: Event) -> Iterator[Event]:
    """The event in as many parts as its entries or comments need to fit into a message each; texts cut if they must be.
    """
    name = "comments" if isinstance(event, IssueEvent) else "entries"
    several = getattr(event, name, ())
    if count_bytes(encode_event(event)) <= MAX_MESSAGE_BYTES:
        yield event
    elif len(several) > 1:
        half = len(several) // 2
        # Only the last part brings everything: those before it have gone ahead of it.
        ahead: dict[str, Any] = {"whole": False} if isinstance(event, IncidentLogged) else {}
        whole: Any = event
        yield from split_to_fit(replace(whole, id=f"{event.id}a", **{name: several[:half]}, **ahead))
        yield from split_to_fit(replace(whole, id=f"{event.id}b", **{name: several[half:]}))
    else:
        yield _shorten_texts(event)


def _shorten_texts(value: Any) -> Any:
    """The value with each text in it cut."""
    if isinstance(value, str):
        return cut_text(value, MAX_TEXT_CHARACTERS)
    if isinstance(value, tuple):
        return tuple(map(_shorten_texts, value))
    if isinstance(value, dict | list):
        # A trigger's details as JSON: their text is there as well.
        return None
    if hasattr(value, "__dataclass_fields__"):
        return replace(value, **{one.name: _shorten_texts(getattr(value, one.name)) for one in fields(value)})
    return value
