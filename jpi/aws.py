"""AWS's services, through boto3 (this file is its only import)."""

import os
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

# What a call raises: one that got no answer, or that was refused.
CALL_ERRORS = (BotoCoreError, ClientError)
REFUSAL_ERROR = ClientError
# PagerDuty waits 5 s for an answer; SQS takes a few milliseconds, or the sender comes again.
QUICK_CONFIG = Config(connect_timeout=1, read_timeout=2, retries={"total_max_attempts": 2, "mode": "standard"})
PATIENT_CONFIG = Config(connect_timeout=5, read_timeout=30, retries={"total_max_attempts": 4, "mode": "standard"})


@dataclass(frozen=True)
class Location:
    """Where AWS is; `endpoint` empty: where it always is. Offline, any credentials will do and none are looked for."""

    region: str
    is_offline: bool = False
    endpoint_url: str = ""


def get_region() -> str:
    """The region of this environment."""
    return os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"


def make_client(service: str, location: Location, config: Config = PATIENT_CONFIG) -> Any:
    """A client of one service (`sqs`, `iam` ...); its calls raise one of FAILURES. AWS_ENDPOINT_URL is honoured."""
    there = {"endpoint_url": location.endpoint_url} if location.endpoint_url else {}
    credentials = {"aws_access_key_id": "offline", "aws_secret_access_key": "offline"} if location.is_offline else {}
    return boto3.client(service, region_name=location.region, config=config,  # type: ignore[call-overload]
                        **there, **credentials)
