"""Sign-in to the status page: one password, compared as a scrypt hash, then a session that the config table holds."""

import hashlib
import hmac
import ipaddress
import re
import secrets
from functools import lru_cache

from flask import Response, g, request

from jpi.flask_app import get_app
from jpi.store.sessions import SESSION_SECONDS, Session

SESSION_COOKIE, DEVICE_COOKIE = "jpi-status", "jpi-device"
DEVICE_SECONDS = 180 * 86_400
# As strong as OWASP's least: cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html.
SCRYPT_COST = {"n": 2**14, "r": 8, "p": 5}
LOOPBACK_PATTERN = re.compile(r"(localhost|[\w-]+\.localhost|127\.0\.0\.1|\[::1\])(:\d+)?", re.ASCII)
TRANSPORT_SECURITY = "max-age=63072000"
WRONG_PASSWORD_MESSAGE = "Wrong password."  # noqa: S105


def find_session() -> Session | None:
    """Return the session of this browser; None if it is not signed in."""
    session_id = _read_cookie(SESSION_COOKIE)
    return get_app().sessions.find_session(session_id, _compute_fingerprint()) if session_id else None


def attempt_sign_in(password: str) -> tuple[str, int]:
    """Check the password: return what is wrong, empty if nothing, and the seconds before the next attempt."""
    app, (client, is_known) = get_app(), _identify_client()
    if wait := app.sign_in_attempts.claim_attempt(client, is_known):
        return f"Too many attempts: please wait {wait:.0f} seconds.", max(1, round(wait))
    if not _is_password(password):
        app.log.warning("somebody tried to see the status page", extra={"from": request.remote_addr})
        return WRONG_PASSWORD_MESSAGE, 0
    app.sign_in_attempts.record_success(client, is_known)
    return "", 0


def start_session(answer: Response) -> None:
    """Start a session in place of the one before, and let the browser be known from now on."""
    end_session(answer)
    _set_cookie(answer, SESSION_COOKIE, get_app().sessions.start(_compute_fingerprint()), SESSION_SECONDS)
    device = f"{_find_device_id() or secrets.token_urlsafe(16)}.{get_app().clock():.0f}"
    _set_cookie(answer, DEVICE_COOKIE, f"{device}.{_sign_device(device)}", DEVICE_SECONDS)


def end_session(answer: Response) -> None:
    """End the session of this browser."""
    if session_id := _read_cookie(SESSION_COOKIE):
        get_app().sessions.end_session(session_id)
        _set_cookie(answer, SESSION_COOKIE, "", 0)


def save_message(incident_id: str, message: str) -> None:
    """Keep a message in the session, for the page of this incident."""
    get_app().sessions.save_message(_read_cookie(SESSION_COOKIE), incident_id, message)


def take_message(incident_id: str) -> str:
    """Return the message for the page of this incident, once; "" if there is none."""
    session_id = _read_cookie(SESSION_COOKIE)
    return get_app().sessions.take_message(session_id, g.session, incident_id) if g.session else ""


def is_csrf_token_valid(token: str) -> bool:
    """True if a button carries the token of this session."""
    return bool(g.token) and hmac.compare_digest(g.token.encode(), token.encode())


def read_basic_password() -> str | None:
    """Return the password of the Authorization header; None where there is no readable one."""
    try:
        authorization = request.authorization
    except ValueError:
        # Werkzeug raises it for a header that is not ASCII.
        return None
    return (authorization.password or "") if authorization else None


def is_on_loopback() -> bool:
    """True if the browser runs on this machine, where there is no TLS."""
    return get_app().settings.is_offline and LOOPBACK_PATTERN.fullmatch(request.host) is not None


def _is_password(password: str) -> bool:
    salt, own_password = get_app().sessions.derive_key("password"), get_app().settings.status_password
    return hmac.compare_digest(_hash_password(password, salt), _hash_own_password(own_password, salt))


def _compute_fingerprint() -> str:
    """Return what sessions hold of the password: a new password ends them all."""
    sessions = get_app().sessions
    hashed = _hash_own_password(get_app().settings.status_password, sessions.derive_key("password"))
    return hmac.digest(sessions.derive_key("fingerprint"), hashed, "sha256").hex()


@lru_cache(maxsize=2)
def _hash_own_password(password: str, salt: bytes) -> bytes:
    return _hash_password(password, salt)


def _hash_password(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(password.encode("utf-8", "surrogatepass"), salt=salt, **SCRYPT_COST)


def _identify_client() -> tuple[str, bool]:
    """Return whose attempt this is, a known browser's or an address's, and True for a known browser's."""
    device_id = _find_device_id()
    is_known = bool(device_id) and get_app().sign_in_attempts.is_known_client_trusted(f"device:{device_id}")
    return f"device:{device_id}" if is_known else _find_network(request.remote_addr or "unknown"), is_known


def _find_device_id() -> str:
    """Return the id in a device cookie that jpi signed, with this password, in the last 180 days; "" if there is none.
    """
    device, _, signature = _read_cookie(DEVICE_COOKIE).rpartition(".")
    is_own = bool(device) and hmac.compare_digest(signature.encode(), _sign_device(device).encode())
    device_id, _, issued_at = device.rpartition(".")
    return device_id if is_own and get_app().clock() < int(issued_at) + DEVICE_SECONDS else ""


def _sign_device(device: str) -> str:
    """Return the signature of `id.issued`; a new password ends all."""
    key = get_app().sessions.derive_key(f"device:{_compute_fingerprint()}")
    return hmac.digest(key, device.encode(), "sha256").hex()


def _find_network(address: str) -> str:
    """Return what counts as one address: of IPv6 the network of a site, whose addresses anybody there may choose."""
    try:
        version = ipaddress.ip_address(address).version
        return str(ipaddress.ip_network((address, 64), strict=False)) if version == 6 else address
    except ValueError:
        return address


def _read_cookie(name: str) -> str:
    return request.cookies.get(_get_cookie_name(name), "")


def _set_cookie(answer: Response, name: str, value: str, seconds: int) -> None:
    answer.set_cookie(_get_cookie_name(name), value, max_age=seconds, path="/", secure=not is_on_loopback(),
                      httponly=True, samesite="Lax")


def _get_cookie_name(name: str) -> str:
    """Return the cookie's name: browsers take `__Host-` only over TLS, and from this very host."""
    return name if is_on_loopback() else f"__Host-{name}"
