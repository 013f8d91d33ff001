"""AWS clients, through boto3 (this file is its only import)."""

import os
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

# What a call raises when AWS refused it (ClientError) or did not answer.
CALL_ERRORS = (BotoCoreError, ClientError)
REFUSAL_ERROR = ClientError
# PagerDuty waits 5 s for an answer. SQS takes a few milliseconds; if it takes longer, the sender retries.
QUICK_CONFIG = Config(connect_timeout=1, read_timeout=2, retries={"total_max_attempts": 2, "mode": "standard"})
PATIENT_CONFIG = Config(connect_timeout=5, read_timeout=30, retries={"total_max_attempts": 4, "mode": "standard"})


@dataclass(frozen=True)
class Location:
    """Where AWS is. An empty `endpoint_url` means AWS itself; offline, the credentials are placeholders."""

    region: str
    is_offline: bool = False
    endpoint_url: str = ""


def get_region() -> str:
    """Return the region of this environment."""
    return os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"


def make_client(service: str, location: Location, config: Config = PATIENT_CONFIG) -> Any:
    """Return a client of one service (`sqs`, `iam` ...) that raises CALL_ERRORS and honours AWS_ENDPOINT_URL."""
    credentials = {"aws_access_key_id": "offline", "aws_secret_access_key": "offline"} if location.is_offline else {}
    return boto3.client(service, region_name=location.region, config=config,  # type: ignore[call-overload]
                        endpoint_url=location.endpoint_url or None, **credentials)
