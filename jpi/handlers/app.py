"""The function behind API Gateway: answers its requests by the WSGI app, and nothing else that may be invoked."""

import logging
from typing import Any

from serverless_wsgi import handle_request

from jpi.app import app
from jpi.errors import PermanentError
from jpi.logs import SERVICE_NAME
from jpi.metrics import build_emf_fields, declare_metrics

WEBHOOK_SERVICES = {"/pagerduty-webhook": "pagerduty", "/jira-webhook": "jira"}
MAX_PATH_CHARACTERS = 200


def handler(event: Any, context: Any) -> dict[str, Any]:
    """Answer a request of API Gateway, and log a line of it; raise PermanentError for any other event."""
    if not is_gateway_request(event):
        raise PermanentError("This function answers requests of API Gateway only.")
    answer: dict[str, Any] = handle_request(app, event, context)
    _log_access(event, int(answer["statusCode"]))
    return answer


def is_gateway_request(event: Any) -> bool:
    """True if API Gateway may have made the event: docs.aws.amazon.com/apigateway, Lambda proxy integrations."""
    return (isinstance(event, dict) and isinstance(event.get("requestContext"), dict)
            and all(isinstance(event.get(name), str) for name in ("httpMethod", "path")))


def _log_access(event: dict[str, Any], status: int) -> None:
    """Log who asked for what and was answered how; a webhook's line counts its deliveries and refusals."""
    request = event["requestContext"]
    access = {"method": event["httpMethod"], "path": event["path"][:MAX_PATH_CHARACTERS], "status": status,
              "ip": (request.get("identity") or {}).get("sourceIp"), "gateway_request": request.get("requestId")}
    counts: dict[str, Any] = {}
    service = WEBHOOK_SERVICES.get(event["path"])
    if service and event["httpMethod"] == "POST" and isinstance(request.get("requestTimeEpoch"), int):
        counts = {f"{service}_deliveries": 1, f"{service}_refusals": int(400 <= status < 500)}
        counts |= build_emf_fields(request["requestTimeEpoch"] / 1000, declare_metrics(dict.fromkeys(counts, "Count")))
    logging.getLogger(SERVICE_NAME).info("answered", extra={**access, **counts})
