"""Who may see the status page: one password, then a signed cookie; a token on every button."""

import hashlib
import secrets
from hmac import compare_digest

from itsdangerous import BadSignature, URLSafeTimedSerializer

COOKIE_NAME = "jpi-status"
# A shift and a bit.
SESSION_SECONDS = 12 * 3600
# What a button has done is said once, not whenever its page is opened again.
MESSAGE_SALT, MESSAGE_SECONDS = "said", 60


class PageAuthenticator:
    """The page's lock. A new password makes all cookies of the old one worthless."""

    def __init__(self, password: str, stage: str) -> None:
        self._password = password
        self._signer = URLSafeTimedSerializer(password, salt=f"jpi status page, {stage}",
                                              signer_kwargs={"digest_method": hashlib.sha256})

    def is_password(self, password: str) -> bool:
        """Whether that is the password."""
        return compare_digest(password.encode(), self._password.encode())

    def issue_cookie(self) -> str:
        """A new cookie; in it the token that its holder's buttons carry."""
        return str(self._signer.dumps(secrets.token_urlsafe(16)))

    def read_csrf_token(self, cookie: str | None) -> str | None:
        """The token in a cookie that was made here within the last twelve hours; None: it was not."""
        try:
            return str(self._signer.loads(cookie or "", max_age=SESSION_SECONDS))
        except BadSignature:
            return None

    def is_csrf_token_valid(self, cookie: str | None, token: str) -> bool:
        """Whether a button was pressed on a page that was shown to the cookie's holder."""
        known = self.read_csrf_token(cookie)
        return known is not None and compare_digest(known.encode(), token.encode())

    def seal_message(self, text: str) -> str:
        """A text for the page that a button leads to, which nobody else can have said there."""
        return str(self._signer.dumps(text, salt=MESSAGE_SALT))

    def open_message(self, sealed: str) -> str:
        """What was just sealed; empty where it was not, or some time ago."""
        try:
            return str(self._signer.loads(sealed, max_age=MESSAGE_SECONDS, salt=MESSAGE_SALT))
        except BadSignature:
            return ""
