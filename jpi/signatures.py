"""Verifies the signatures of deliveries. Pure, over the raw bytes, in constant time."""

import hmac
import re
from collections.abc import Sequence
from enum import Enum

from jpi.errors import InvalidSignature
from jpi.json_fields import Headers

LOOPBACK_PATTERN = re.compile(r"(localhost|[\w-]+\.localhost|127\.0\.0\.1|\[::1\])(:\d+)?", re.ASCII)
# A browser names the page that asks; a tunnel or a proxy names whom it asks for.
FOREIGN_HEADERS = ("Origin", "Forwarded", "X-Forwarded-For", "X-Forwarded-Host")
DIGEST_METHODS = ("sha256", "sha384", "sha512")


def is_local(headers: Headers) -> bool:
    """True if a program of this machine asks by a loopback Host: no web page in a browser, nobody behind a tunnel."""
    return (LOOPBACK_PATTERN.fullmatch(headers.get("Host", "")) is not None
            and not any(headers.get(name, "") for name in FOREIGN_HEADERS))


class Proof(Enum):
    """What proves that a delivery is PagerDuty's: V3's signature, V2's token, or a V3 secret in that token's place."""

    SIGNATURE = 1
    TOKEN = 2
    SECRET_AS_TOKEN = 3


def verify_pagerduty(raw: bytes, headers: Headers, secrets: Sequence[str], v2_tokens: Sequence[str] = ()) -> Proof:
    """Return what proves the delivery: a `v1=` signature by a secret, or a token; raise InvalidSignature for neither.

    The secret's own characters are the key: developer.pagerduty.com/docs/webhooks, verifying signatures.
    """
    header = headers.get("X-PagerDuty-Signature", "")
    if header:
        given = [part.strip().encode() for part in header.split(",")]
        valid = [b"v1=" + _compute_digest(raw, secret, "sha256") for secret in secrets]
        proofs = [Proof.SIGNATURE for signature in given for other in valid if hmac.compare_digest(signature, other)]
    else:
        token = headers.get("X-Webhook-Token", "").encode()
        proofs = [proof for proof, tokens in ((Proof.TOKEN, v2_tokens), (Proof.SECRET_AS_TOKEN, secrets))
                  for other in tokens if hmac.compare_digest(token, other.encode())]
    if not proofs:
        raise InvalidSignature("The delivery carries no valid signature.")
    return proofs[0]


def verify_jira(raw: bytes, headers: Headers, secrets: Sequence[str]) -> None:
    """Raise InvalidSignature unless X-Hub-Signature (`method=hexdigest`, today sha256) fits a secret.

    developer.atlassian.com/cloud/jira/platform/webhooks: the method may change, so it is read.
    """
    method, _, given = headers.get("X-Hub-Signature", "").partition("=")
    matches = [hmac.compare_digest(given.encode(), _compute_digest(raw, secret, method)) for secret in secrets
               if method in DIGEST_METHODS]
    if not any(matches):
        raise InvalidSignature("The delivery carries no valid signature.")


def sign_as_pagerduty(raw: bytes, secret: str) -> dict[str, str]:
    """Return the header with which PagerDuty would sign this body."""
    return {"X-PagerDuty-Signature": f"v1={_compute_digest(raw, secret, 'sha256').decode()}"}


def sign_as_jira(raw: bytes, secret: str) -> dict[str, str]:
    """Return the header with which Jira would sign this body."""
    return {"X-Hub-Signature": f"sha256={_compute_digest(raw, secret, 'sha256').decode()}"}


def _compute_digest(raw: bytes, secret: str, method: str) -> bytes:
    return hmac.new(secret.encode(), raw, method).hexdigest().encode()
