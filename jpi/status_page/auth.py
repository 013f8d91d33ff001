"""Sign-in to the status page: one password, then Flask's signed session with a CSRF token for every button."""

import hashlib
import secrets
from functools import cache
from hmac import compare_digest

from flask import Flask, request, session
from flask.sessions import SecureCookieSessionInterface, session_json_serializer
from itsdangerous import URLSafeTimedSerializer

from jpi.flask_app import get_app

# A shift and a bit. Counted from the sign-in; later requests do not extend it.
SESSION_SECONDS = 12 * 3600
SESSION_CONFIG = {"SESSION_COOKIE_NAME": "jpi-status", "SESSION_COOKIE_HTTPONLY": True,
                  "SESSION_COOKIE_SAMESITE": "Lax", "SESSION_REFRESH_EACH_REQUEST": False,
                  "PERMANENT_SESSION_LIFETIME": SESSION_SECONDS}


class StatusPageSessions(SecureCookieSessionInterface):
    """Flask's sessions for the status page only, signed with a key from the password: a new password ends them all."""

    def get_signing_serializer(self, app: Flask) -> URLSafeTimedSerializer | None:
        """Return the signer of the cookie; None, so that there is no session, elsewhere and without a password."""
        if not request.path.startswith("/status"):
            return None
        try:
            settings = get_app().settings
        except Exception:
            # The route meets the same error, and its handlers answer it.
            return None
        if not settings.status_password:
            return None
        return URLSafeTimedSerializer(
            _derive_key(settings.status_password, settings.stage), salt="session", serializer=session_json_serializer,
            signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256})

    def get_cookie_secure(self, app: Flask) -> bool:
        """True where jpi is deployed: offline there is no TLS."""
        return not get_app().settings.is_offline


@cache
def _derive_key(password: str, stage: str) -> bytes:
    """Derive the signing key slowly, so that a stolen cookie does not help to guess the password."""
    return hashlib.scrypt(password.encode(), salt=f"jpi status page, {stage}".encode(), n=2**14, r=8, p=1)


def is_password(password: str) -> bool:
    """True if this is the password of the status page."""
    return compare_digest(password.encode(), get_app().settings.status_password.encode())


def start_session(now: float) -> None:
    """Replace the session with a new one and give it a CSRF token."""
    session.clear()
    session.permanent = True
    session.update(csrf_token=secrets.token_urlsafe(16), ends_at=now + SESSION_SECONDS)


def get_csrf_token(now: float) -> str:
    """Return the token that the buttons of this session carry; empty where nobody has signed in."""
    return str(session["csrf_token"]) if session.get("ends_at", 0.0) > now else ""


def is_csrf_token_valid(token: str, now: float) -> bool:
    """True if a button carries the token of this session."""
    expected = get_csrf_token(now)
    return bool(expected) and compare_digest(expected.encode(), token.encode())
