"""Whether a delivery is who it says it is. Pure, over the raw bytes, in constant time."""

import hmac
from collections.abc import Sequence

from jpi.errors import InvalidSignature
from jpi.json_fields import Headers

DIGEST_METHODS = ("sha256", "sha384", "sha512")


def verify_pagerduty(raw: bytes, headers: Headers, secrets: Sequence[str]) -> None:
    """Forged unless any `v1=` of X-PagerDuty-Signature fits any secret, or X-Webhook-Token is one (V2 is unsigned).

    The secret's own characters are the key: developer.pagerduty.com/docs/webhooks, verifying signatures.
    """
    signature = headers.get("X-PagerDuty-Signature", "")
    if not signature:
        token = headers.get("X-Webhook-Token", "").encode()
        fits = [hmac.compare_digest(token, secret.encode()) for secret in secrets]
    else:
        given = [part.strip().encode() for part in signature.split(",")]
        wanted = [b"v1=" + _compute_digest(raw, secret, "sha256") for secret in secrets]
        fits = [hmac.compare_digest(one, other) for one in given for other in wanted]
    if not any(fits):
        raise InvalidSignature("The delivery carries no valid signature.")


def verify_jira(raw: bytes, headers: Headers, secrets: Sequence[str]) -> None:
    """Forged unless X-Hub-Signature (`method=hexdigest`, today sha256) fits any secret.

    developer.atlassian.com/cloud/jira/platform/webhooks: the method may change, so it is read.
    """
    method, _, given = headers.get("X-Hub-Signature", "").partition("=")
    known = secrets if method in DIGEST_METHODS else []
    fits = [hmac.compare_digest(given.encode(), _compute_digest(raw, secret, method)) for secret in known]
    if not any(fits):
        raise InvalidSignature("The delivery carries no valid signature.")


def _compute_digest(raw: bytes, secret: str, method: str) -> bytes:
    return hmac.new(secret.encode(), raw, method).hexdigest().encode()
