"""Every error jpi raises on purpose. What is worth trying again is decided here, by type."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from typing import Literal


class JpiError(Exception):
    """Base of all of ours."""


class RejectedDelivery(JpiError):
    """A delivery that is not taken; `status` is the HTTP answer, the text is safe to show a stranger."""

    status = 400


class InvalidSignature(RejectedDelivery):
    """No valid signature."""

    status = 401


class SettingsError(JpiError):
    """Settings missing or malformed, all of them in one text; secrets masked."""


class RetryableError(JpiError):
    """Worth trying again; not before `after` seconds."""

    def __init__(self, text: str, retry_after_seconds: float = 0.0) -> None:
        super().__init__(text)
        self.retry_after_seconds = retry_after_seconds


class ServiceUnavailable(RetryableError):
    """A call that certainly had no effect: refused by a limit, or never sent."""


class OutOfTime(ServiceUnavailable):
    """A call that was not begun: the invocation has no time left for it."""


class OutcomeUnknown(RetryableError):
    """A write was sent and no answer came: look before you repeat it, after `after` seconds at the earliest."""


class TooEarly(RetryableError):
    """Another worker may be at it, or Jira's search index may lag: look again later."""


class AwsOutage(RetryableError):
    """DynamoDB or SQS did not do its part; what was to be stored may have been."""


class LostRace(RetryableError):
    """Somebody else saved the link first."""


class PermanentError(JpiError):
    """No retry mends it."""


@contextmanager
def translate_parse_errors(source: str) -> Iterator[None]:
    """A service's answer that cannot be read (Rejected) is told as Permanent: no retry makes it readable."""
    try:
        yield
    except RejectedDelivery as odd:
        raise PermanentError(f"{source} is not as documented: {odd}") from odd


class NoTransition(PermanentError):
    """An issue's workflow does not let it through; the text says why, to people.

    `left_at`: the status category in which the steps that were taken have left it; None where none was.
    """

    def __init__(self, text: str, reached_category: Literal["new", "indeterminate", "done"] | None = None) -> None:
        super().__init__(text)
        self.reached_category = reached_category


class Refused(PermanentError):
    """A 4xx answer: the call, the service's own words (by field where it names one), its code, and the decoded body."""

    def __init__(self, service: str, method: str, path: str, status: int, messages: Sequence[str] = (),
                 field_errors: Mapping[str, str] | None = None, vendor_code: int = 0, answer: object = None) -> None:
        self.service = service
        self.method = method
        self.path = path
        self.status = status
        self.messages = list(messages)
        self.field_errors = dict(field_errors or {})
        self.vendor_code = vendor_code
        self.answer = answer
        reasons = "; ".join([*self.messages, *(f"{name}: {text}" for name, text in self.field_errors.items())])
        super().__init__(f"{service} {method} {path} was refused with {status}: {reasons or 'no reason given'}")

    @property
    def is_bad_request(self) -> bool:
        """True if the service does not accept what was sent."""
        return self.status == HTTPStatus.BAD_REQUEST

    @property
    def is_unauthorized(self) -> bool:
        """True if the service does not accept the token."""
        return self.status == HTTPStatus.UNAUTHORIZED

    @property
    def is_forbidden(self) -> bool:
        """True if the token's account may not do this."""
        return self.status == HTTPStatus.FORBIDDEN

    @property
    def is_not_found(self) -> bool:
        """True if the thing does not exist, or the token's account may not see it."""
        return self.status == HTTPStatus.NOT_FOUND

    def find_missing_side(self, incident_id: str, issue_key: str | None) -> Literal["pagerduty", "jira"] | None:
        """Return the side that says that this incident or issue does not exist or is hidden from us."""
        if not self.is_not_found:
            return None
        parts = self.path.split("/")
        if issue_key in parts:
            return "jira"
        return "pagerduty" if incident_id in parts else None
