"""Carries jpi's calls and the services' webhooks without sessions: the same requests, in a fraction of the time."""

import json
from base64 import b64encode
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import requests
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict

from jpi import wiring
from jpi.app import app
from jpi.http_client import Transport
from jpi.settings import Settings
from sandbox.webhook_outbox import Delivery
from sandbox.wsgi_transport import call_application, make_wsgi_environ

JIRA_API_PATH = "/rest/api/3"


def use_quick_transport(jpi: wiring.App, adapter: BaseAdapter) -> None:
    """Let this jpi make its calls by the adapter itself, with the headers that its sessions would send."""
    settings = jpi.settings
    login = b64encode(f"{settings.jira_user_email}:{settings.jira_api_token}".encode()).decode()
    jira_headers = {"Authorization": f"Basic {login}", "Accept": "application/json"}
    jpi.jira.api._send = _make_transport(adapter, settings.jira_api_url, jira_headers, JIRA_API_PATH)
    jpi.pagerduty.api._send = _make_transport(adapter, settings.pagerduty_api_url, _list_pagerduty_headers(settings))


def _list_pagerduty_headers(settings: Settings) -> dict[str, str]:
    return {"Authorization": f"Token token={settings.pagerduty_api_token}", "From": settings.pagerduty_user_email,
            "Accept": "application/vnd.pagerduty+json;version=2"}


def _make_transport(adapter: BaseAdapter, url: str, headers: Mapping[str, str], prefix: str = "") -> Transport:
    def send_request(method: str, path: str, params: Mapping[str, Any], body: Any,
                     timeout: tuple[float, float]) -> requests.Response:
        """Send one request."""
        request = requests.PreparedRequest()
        query = f"?{urlencode(params, doseq=True)}" if params else ""
        base = "" if "://" in path else url if path.startswith("/rest/") else url + prefix
        request.method, request.url = method, f"{base}{path}{query}"
        request.headers = CaseInsensitiveDict(headers)
        if body is not None:
            request.body = json.dumps(body).encode()
            request.headers.update({"Content-Type": "application/json", "Content-Length": str(len(request.body))})
        return adapter.send(request, timeout=timeout)

    return send_request


def post_to_jpi(delivery: Delivery, timeout: float = 0.0) -> int:
    """Post a delivery to the process of jpi that runs now; return the status."""
    environ = make_wsgi_environ("POST", delivery.url, delivery.headers, delivery.body)
    environ["CONTENT_LENGTH"] = str(len(delivery.body))
    return call_application(app, environ).status_code
