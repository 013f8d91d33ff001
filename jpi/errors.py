"""Every error jpi raises on purpose. What is worth trying again is decided here, by type."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Literal


class JpiError(Exception):
    """Base of all of ours."""


class Rejected(JpiError):
    """A delivery that is not taken; `status` is the HTTP answer, the text is safe to show a stranger."""

    status = 400


class Forged(Rejected):
    """No valid signature."""

    status = 401


class SettingsError(JpiError):
    """Settings missing or malformed, all of them in one text; secrets masked."""


class Retryable(JpiError):
    """Worth trying again; not before `after` seconds."""

    def __init__(self, text: str, after: float = 0.0) -> None:
        super().__init__(text)
        self.after = after


class Unavailable(Retryable):
    """A call that certainly had no effect: refused by a limit, or never sent."""


class OutOfTime(Unavailable):
    """A call that was not begun: the invocation has no time left for it."""


class OutcomeUnknown(Retryable):
    """A write was sent and no answer came: look before you repeat it, after `after` seconds at the earliest."""


class TooEarly(Retryable):
    """Another worker may be at it, or Jira's search index may lag: look again later."""


class Outage(Retryable):
    """DynamoDB or SQS did not do its part; what was to be stored may have been."""


class LostRace(Retryable):
    """Somebody else saved the link first."""


class Permanent(JpiError):
    """No retry mends it."""


@contextmanager
def as_documented(what: str) -> Iterator[None]:
    """A service's answer that cannot be read (Rejected) is told as Permanent: no retry makes it readable."""
    try:
        yield
    except Rejected as odd:
        raise Permanent(f"{what} is not as documented: {odd}") from odd


class NoWay(Permanent):
    """An issue's workflow does not let it through; the text says why, to people.

    `left_at`: the status category in which the steps that were taken have left it; None where none was.
    """

    def __init__(self, text: str, left_at: Literal["new", "indeterminate", "done"] | None = None) -> None:
        super().__init__(text)
        self.left_at = left_at


class Refused(Permanent):
    """A 4xx: the service's own words, by field where it names one, its code, and the whole answer decoded."""

    def __init__(self, call: str, status: int, messages: Sequence[str] = (), fields: Mapping[str, str] | None = None,
                 code: int = 0, answer: object = None) -> None:
        self.call = call
        self.status = status
        self.messages = list(messages)
        self.fields = dict(fields or {})
        self.code = code
        self.answer = answer
        said = "; ".join([*self.messages, *(f"{name}: {text}" for name, text in self.fields.items())])
        super().__init__(f"{call} was refused with {status}: {said or 'no reason given'}")

    def of_missing(self, incident_id: str, issue_key: str | None) -> Literal["pagerduty", "jira"] | None:
        """Which side says that this incident or issue is not there, or not for us to see."""
        if self.status != 404:
            return None
        parts = self.call.split("/")
        if issue_key in parts:
            return "jira"
        return "pagerduty" if incident_id in parts else None
