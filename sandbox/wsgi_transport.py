"""HTTP within this process: carry requests to WSGI applications as the network would, without sockets."""

import io
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.utils import get_encoding_from_headers
from urllib3.exceptions import NewConnectionError, ProtocolError

from sandbox.clock import Clock
from sandbox.simulated_service import LATENCY_KEY

WsgiApplication = Callable[[dict[str, Any], Any], Iterable[bytes]]
Send = Callable[[], requests.Response]
# Gets a request and a function that makes it; may fail or delay it instead.
HttpInterceptor = Callable[[requests.PreparedRequest, Send], requests.Response]


def send_unchanged(request: requests.PreparedRequest, send: Send) -> requests.Response:
    """Make the request as it is."""
    return send()


class WsgiAdapter(HTTPAdapter):
    """Answers the requests of a `requests` session by WSGI applications, found by address."""

    def __init__(self, applications: Mapping[str, WsgiApplication], clock: Clock,
                 intercept: HttpInterceptor = send_unchanged) -> None:
        """Keep `applications`, by scheme and host; `intercept` makes each request, and may break it."""
        super().__init__()
        self._applications = applications
        self.clock = clock
        self._intercept = intercept

    def send(self, request: requests.PreparedRequest, stream: bool = False, timeout: Any = None,
             verify: Any = True, cert: Any = None, proxies: Any = None) -> requests.Response:
        """Carry the request to its application; raise as `requests` does if no answer comes in time."""
        return self._intercept(request, lambda: self._send_to_application(request, timeout))

    def _send_to_application(self, request: requests.PreparedRequest, timeout: Any) -> requests.Response:
        environ = make_wsgi_environ(str(request.method), str(request.url), request.headers, request.body or b"")
        application = self._applications.get(f"{environ['wsgi.url_scheme']}://{environ['HTTP_HOST']}")
        if application is None:
            raise requests.ConnectionError(NewConnectionError(None, "Connection refused"))  # type: ignore[arg-type]
        response = call_application(application, environ)
        response.request, response.url = request, str(request.url)
        read_timeout = timeout[1] if isinstance(timeout, tuple) else timeout
        if read_timeout is not None and environ.get(LATENCY_KEY, 0.0) > read_timeout:
            raise requests.ReadTimeout(f"no answer within {read_timeout} s")
        return response


def make_wsgi_session(applications: Mapping[str, WsgiApplication], clock: Clock,
                      intercept: HttpInterceptor = send_unchanged) -> requests.Session:
    """Return a session whose requests to these addresses go to the applications."""
    session = requests.Session()
    # Ignore this machine's proxies and passwords.
    session.trust_env = False
    session.mount("http://", WsgiAdapter(applications, clock, intercept))
    return session


def make_wsgi_environ(method: str, url: str, request_headers: Mapping[str, str | bytes],
                      body: Any) -> dict[str, Any]:
    """Return the request as a WSGI environment."""
    parts = urlsplit(url)
    raw = body.encode() if isinstance(body, str) else body
    headers = {f"HTTP_{name.upper().replace('-', '_')}": _decode_header(value)
               for name, value in request_headers.items()}
    for name in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        if value := headers.pop(f"HTTP_{name}", None):
            headers[name] = value
    path = unquote_to_bytes(parts.path).decode("latin-1")
    return {"REQUEST_METHOD": method, "SCRIPT_NAME": "", "PATH_INFO": path, "QUERY_STRING": parts.query,
            "SERVER_NAME": parts.hostname, "SERVER_PORT": str(parts.port or 80), "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1", "HTTP_HOST": parts.netloc, "RAW_URI": url, "wsgi.version": (1, 0),
            "wsgi.url_scheme": parts.scheme, "wsgi.input": io.BytesIO(raw), "wsgi.errors": io.StringIO(),
            "wsgi.multithread": True, "wsgi.multiprocess": False, "wsgi.run_once": False, **headers}


def _decode_header(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value


def call_application(application: WsgiApplication, environ: dict[str, Any]) -> requests.Response:
    """Return the application's answer; a dropped connection raises as requests does."""
    response = requests.Response()

    def start_response(status: str, headers: list[tuple[str, str]], error: Any = None) -> None:
        code, _, response.reason = status.partition(" ")
        response.status_code = int(code)
        response.headers.update(headers)

    try:
        parts = application(environ, start_response)
        response.raw = io.BytesIO(b"".join(parts))
        if hasattr(parts, "close"):
            parts.close()
    except ConnectionAbortedError as error:
        raise requests.ConnectionError(ProtocolError("Connection aborted.", error)) from error
    response.encoding = get_encoding_from_headers(response.headers)
    return response
