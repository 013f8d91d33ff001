"""The errors that jpi raises on purpose. The type of an error decides whether jpi tries again."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from typing import Literal


class JpiError(Exception):
    """Base class of jpi's errors."""


class RejectedDelivery(JpiError):
    """A delivery that jpi does not accept; `status` is the HTTP answer, and a stranger may read the text."""

    status = HTTPStatus.BAD_REQUEST


class InvalidSignature(RejectedDelivery):
    """A delivery without a valid signature."""

    status = HTTPStatus.UNAUTHORIZED


class UnsupportedContentType(RejectedDelivery):
    """A delivery that is not declared as JSON, as both services declare theirs."""

    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE


class UselessDelivery(RejectedDelivery):
    """An authentic delivery of no use, of this kind; the text says what it is and which option to change."""

    status = HTTPStatus.OK

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind


class SettingsError(JpiError):
    """Missing or malformed settings, all of them in one text, with secrets masked."""


class RetryableError(JpiError):
    """A failure that a later attempt may mend, after `retry_after_seconds` at the earliest."""

    def __init__(self, text: str, retry_after_seconds: float = 0.0) -> None:
        super().__init__(text)
        self.retry_after_seconds = retry_after_seconds


class ServiceUnavailable(RetryableError):
    """A call that certainly had no effect: a rate limit refused it, or it was never sent."""


class AddressError(ServiceUnavailable):
    """A redirect in place of an answer: the address in the settings is not the service's own."""


class IdentityDoubt(ServiceUnavailable):
    """An answer, or the lack of one, from a service that may not know jpi's account: it proves nothing.

    `token`: the setting to look at.
    """

    def __init__(self, service: str, reason: str) -> None:
        self.service = service
        self.token = f"{service.upper()}_API_TOKEN"
        super().__init__(f"{service} may not know jpi's account: {reason.rstrip('.')}. Check {self.token}")


class OutOfTime(ServiceUnavailable):
    """A call that jpi did not begin: the invocation has no time left for it."""


class OutcomeUnknown(RetryableError):
    """A write that got no answer: look for its effect before you repeat it, after `retry_after_seconds`."""


class TooEarly(RetryableError):
    """Another worker may be doing the same, or Jira's search index may lag: look again later."""


class AwsOutage(RetryableError):
    """A failure of DynamoDB or SQS; the write may have been stored all the same."""


class LostRace(RetryableError):
    """A save that another worker's save of the same link preceded."""


class PermanentError(JpiError):
    """A failure that no retry mends."""


@contextmanager
def translate_parse_errors(source: str) -> Iterator[None]:
    """Raise PermanentError in place of RejectedDelivery: no retry makes a service's answer readable."""
    try:
        yield
    except RejectedDelivery as error:
        raise PermanentError(f"{source} is not as documented: {error}") from error


class NoTransition(PermanentError):
    """A workflow that does not let an issue through; people read the text, which says why.

    `reached_category`: the status category that the issue reached, None if it did not move. `refusal`: Jira's own of
    the last transition that was tried, None if there was none to try.
    """

    def __init__(self, text: str, reached_category: Literal["new", "indeterminate", "done"] | None = None,
                 refusal: "Refused | None" = None) -> None:
        super().__init__(text)
        self.reached_category = reached_category
        self.refusal = refusal


# A token with too few scopes is known, and refused one call.
MISSING_SCOPE_TEXT = "scope does not match"


class HttpStatusWords:
    """Says in words what an HTTP status means; `status` is None where it is not known."""

    status: int | None

    @property
    def is_bad_request(self) -> bool:
        """True if the service does not accept what was sent."""
        return self.status == HTTPStatus.BAD_REQUEST

    @property
    def is_unauthorized(self) -> bool:
        """True if the service does not take the token, or not for this call."""
        return self.status == HTTPStatus.UNAUTHORIZED

    @property
    def is_forbidden(self) -> bool:
        """True if the token's account may not do this."""
        return self.status == HTTPStatus.FORBIDDEN

    @property
    def is_not_found(self) -> bool:
        """True if the thing does not exist, or the token's account may not see it."""
        return self.status == HTTPStatus.NOT_FOUND


class Refused(PermanentError, HttpStatusWords):
    """A 4xx answer: the call, the service's own words (by field where it names one), its code, and the decoded body."""

    status: int

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

    def find_missing_side(self, incident_id: str, issue_key: str | None) -> Literal["pagerduty", "jira"] | None:
        """Return the side that says that this incident or issue does not exist or is hidden from us."""
        if not self.is_not_found:
            return None
        parts = self.path.split("/")
        if issue_key in parts:
            return "jira"
        return "pagerduty" if incident_id in parts else None
