"""Finds out whether a service knows jpi's account: what a stranger is told proves nothing."""

from collections.abc import Callable, Mapping
from http import HTTPStatus

from jpi.errors import MISSING_SCOPE_TEXT, IdentityDoubt, Refused

# Jira says by it how the sign-in went, also on the 200 and 404 that it answers to anonymous callers.
LOGIN_REASON_HEADER = "X-Seraph-LoginReason"


class IdentityCheck:
    """Whether a service knows jpi's account, asked at most once an invocation."""

    def __init__(self, service: str, get_invocation_id: Callable[[], str]) -> None:
        """`prove_account`, to be set by the client, raises IdentityDoubt unless the service names the account."""
        self._service = service
        self._get_invocation_id = get_invocation_id
        self._checked_in = ""
        self._doubt: IdentityDoubt | None = None
        self._newest_doubt: IdentityDoubt | None = None
        self.prove_account: Callable[[], object] = lambda: None

    def verify_account(self) -> str:
        """Return the id of this invocation if the service knows the account in it; raise IdentityDoubt otherwise."""
        invocation = self._get_invocation_id()
        if self._checked_in == invocation:
            if self._doubt:
                raise self._doubt
            return invocation
        try:
            self.prove_account()
        except (IdentityDoubt, Refused) as error:
            self._checked_in = invocation
            self._doubt = error if isinstance(error, IdentityDoubt) else self.make_doubt(str(error))
            raise self._doubt from None
        self.accept_account()
        return invocation

    def accept_account(self) -> None:
        """Remember for this invocation that the service has named the account."""
        self._checked_in, self._doubt = self._get_invocation_id(), None

    def make_doubt(self, reason: str) -> IdentityDoubt:
        """Return a doubt, and keep it for `take_doubt`."""
        self._newest_doubt = IdentityDoubt(self._service, reason)
        return self._newest_doubt

    def take_doubt(self) -> IdentityDoubt | None:
        """Return the newest doubt since the last call, None if there was none."""
        doubt, self._newest_doubt = self._newest_doubt, None
        return doubt

    def find_doubt(self, call: str, status: int, headers: Mapping[str, str], refusal: str) -> IdentityDoubt | None:
        """Return the doubt that an answer raises; None if the service knows the account, or failed altogether."""
        if status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return None
        reasons = {part.strip().upper() for part in headers.get(LOGIN_REASON_HEADER, "").split(",")} - {"", "OK"}
        sign_in = f"{LOGIN_REASON_HEADER} {', '.join(sorted(reasons))}"
        if status == HTTPStatus.UNAUTHORIZED and MISSING_SCOPE_TEXT not in refusal:
            return self.make_doubt(f"{refusal} ({sign_in})" if reasons else refusal)
        return self.make_doubt(f"{call} was answered with {status} and {sign_in}") if reasons else None
